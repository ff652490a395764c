// Checks what a client sent against a schema of the contract, and says of each refused field what it must be.
import type { Static, TObject, TProperties } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import type { FieldError } from '../../contract/errors.ts';
import { validationError } from '../errors.ts';

interface SchemaError {
  keyword: string;
  instancePath: string;
  params: object;
  message: string;
}

type FieldSchema = { type?: string | string[]; 'x-error'?: string };

const compiled = new WeakMap<object, Validator>();

function validatorOf(schema: TObject): Validator {
  const known = compiled.get(schema);
  if (known) return known;
  const made = Compile(schema) as unknown as Validator;
  compiled.set(schema, made);
  return made;
}

function fieldErrors(schema: TObject, errors: readonly SchemaError[]): FieldError[] {
  const byField = new Map<string, string>();
  const refuse = (field: string, message: string) => byField.set(field, byField.get(field) ?? message);
  for (const error of errors) {
    if (error.keyword === 'required') {
      const { requiredProperties = [] } = error.params as { requiredProperties?: string[] };
      for (const field of requiredProperties) refuse(field, 'is required');
      continue;
    }
    const [field = ''] = error.instancePath.split('/').slice(1);
    const known = (schema.properties as Record<string, FieldSchema>)[field]?.['x-error'];
    // Without a field it is the whole body that is refused.
    refuse(field, field === '' ? 'must be a JSON object' : (known ?? error.message));
  }
  return [...byField].map(([path, message]) => ({ path, message }));
}

/** What is wrong with a value: one entry for each refused field, none when it is as the schema says. */
export function errorsIn<Properties extends TProperties>(
  schema: TObject<Properties>,
  value: unknown,
): FieldError[] {
  const validator = validatorOf(schema as unknown as TObject);
  if (validator.Check(value)) return [];
  return fieldErrors(schema as unknown as TObject, validator.Errors(value) as unknown as SchemaError[]);
}

/**
 * Returns `value` typed by the schema. Unknown fields are left in it and must be ignored by the caller.
 * @throws AppError `validation_error` with one entry for each refused field.
 */
export function check<Properties extends TProperties>(
  schema: TObject<Properties>,
  value: unknown,
): Static<TObject<Properties>> {
  const errors = errorsIn(schema, value);
  if (errors.length > 0) throw validationError(errors);
  return value as Static<TObject<Properties>>;
}

function typed(schema: FieldSchema | undefined, raw: unknown): unknown {
  if (typeof raw !== 'string') return raw;
  if (schema?.type === 'integer') return /^\d{1,15}$/.test(raw) ? Number(raw) : raw;
  if (schema?.type === 'boolean') return raw === 'true' ? true : raw === 'false' ? false : raw;
  return raw;
}

/** As `check`, for a query string: whole numbers and booleans are read from their one spelling; unknown names are dropped. */
export function checkQuery<Properties extends TProperties>(
  schema: TObject<Properties>,
  query: unknown,
): Static<TObject<Properties>> {
  const given = query as Record<string, unknown>;
  const properties = schema.properties as Record<string, FieldSchema>;
  const names = Object.keys(properties).filter(
    (name) => Object.hasOwn(given, name) || given[name] !== undefined,
  );
  const refused = names.filter((name) => typeof given[name] === 'string' && /\0/.test(given[name]));
  if (refused.length > 0)
    throw validationError(refused.map((path) => ({ path, message: 'must not contain a NUL character' })));
  return check(schema, Object.fromEntries(names.map((name) => [name, typed(properties[name], given[name])])));
}
