// The OpenAPI document as a judge: whatever the server answers must be what the document promises for it.
import { Compile, type Validator } from 'typebox/compile';
import { expect } from 'vitest';
import { NDJSON_TYPE } from '../../contract/headers.ts';
import type { AnyAnswer } from './problem.ts';
import { headerOf } from './problem.ts';

type Json = { [key: string]: unknown };

export interface Operation extends Json {
  operationId: string;
  tags: string[];
  parameters?: { name: string; in: string; required: boolean }[];
  responses: Record<string, Json>;
}

export interface OpenApi extends Json {
  paths: Record<string, Record<string, Operation>>;
  components: Record<
    'schemas' | 'responses' | 'examples' | 'headers' | 'securitySchemes',
    Record<string, Json>
  >;
}

/** Every object says all of its members: what is not declared is not sent. Parts of an `allOf` cannot. */
function closed(schema: unknown, open = false): unknown {
  if (Array.isArray(schema)) return schema.map((member) => closed(member, open));
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(
    Object.entries(schema).map(([key, member]) => {
      if (key === '$ref') return [key, String(member).replace('#/components/schemas/', '')];
      return [key, key === 'examples' || key === 'enum' ? member : closed(member, key === 'allOf')];
    }),
  );
  const isObject = 'properties' in copy && !('additionalProperties' in copy) && !open;
  return isObject ? { ...copy, additionalProperties: false } : copy;
}

/** What a body says: of lines each one is a value, of JSON all of it. */
function valuesIn(body: unknown, type: string): unknown[] {
  if (typeof body !== 'string' || !type.endsWith('json')) return [body];
  if (type !== NDJSON_TYPE) return [JSON.parse(body)];
  return body
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

export class Judge {
  readonly document: OpenApi;
  readonly #context: Record<string, object>;
  readonly #validators = new Map<object, Validator>();

  constructor(document: OpenApi) {
    this.document = document;
    this.#context = Object.fromEntries(
      // Open once more for whatever extends it.
      Object.entries(document.components.schemas).map(([name, schema]) => [
        name,
        closed(schema, name === 'Problem') as object,
      ]),
    );
  }

  /** A reference followed to what it means. */
  resolve(value: Json): Json {
    const { $ref } = value;
    if (typeof $ref !== 'string') return value;
    const found = $ref
      .split('/')
      .slice(1)
      .reduce<unknown>((place, key) => (place as Json)?.[key], this.document);
    if (found === undefined) throw new Error(`${$ref} leads nowhere`);
    return found as Json;
  }

  #validator(schema: object): Validator {
    const known = this.#validators.get(schema);
    if (known) return known;
    const made = Compile(this.#context as never, closed(schema) as never) as unknown as Validator;
    this.#validators.set(schema, made);
    return made;
  }

  /** What is wrong with a value by a schema of the document. */
  faults(schema: object, value: unknown): string[] {
    const validator = this.#validator(schema);
    if (validator.Check(value)) return [];
    return validator.Errors(value).map((error) => `${error.instancePath} ${error.message}`);
  }

  /** What the document says about an answer to a path (`/api/tasks/{id}`) and method, documented or not. */
  responseFor(method: string, path: string, status: number): Json {
    const { responses } = this.document.paths[path]?.[method.toLowerCase()] ?? {};
    const refused = this.document.components.responses.Refused;
    const found =
      responses?.[status] ?? responses?.[`${Math.floor(status / 100)}XX`] ?? responses?.default ?? refused;
    return this.resolve(found as Json);
  }

  /** Asserts that an answer is as documented. HEAD and OPTIONS have no body. */
  expectDocumented(method: string, path: string, answer: AnyAnswer & { body: unknown }): void {
    const where = `${method} ${path} → ${answer.status}`;
    const isRead = method === 'HEAD' ? 'GET' : method;
    const response = this.responseFor(isRead, path, answer.status);
    const content = (response.content ?? {}) as Record<string, { schema: object }>;
    const type = headerOf(answer, 'content-type')?.split(';')[0] ?? '';
    if (method === 'HEAD' || method === 'OPTIONS') return;
    if (Object.keys(content).length === 0) {
      expect([where, answer.body]).toEqual([where, '']);
      return;
    }
    expect([where, Object.keys(content)]).toEqual([where, expect.arrayContaining([type])]);
    const schema = content[type]?.schema ?? {};
    for (const value of valuesIn(answer.body, type))
      expect([where, this.faults(schema, value)]).toEqual([where, []]);
  }
}
