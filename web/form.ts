// A form that talks to the server: what was typed, and every refusal said at the field it is about.
import { type Signal, useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Refused } from './http.ts';

export type Faults<Name extends string> = Partial<Record<Name | 'form', string>>;

/** Only what is there: a key with `undefined` would count as a fault. */
export function faults<Name extends string>(
  found: {
    [Key in Name | 'form']?: string | undefined;
  },
): Faults<Name> {
  return Object.fromEntries(Object.entries(found).filter(([, text]) => text !== undefined)) as Faults<Name>;
}

export interface FormOptions<Name extends string> {
  /** Before the names of its fields, where several forms are on one page. */
  id: string;
  /** Fields are named as the server names them. */
  labels: Readonly<Record<Name, string>>;
  start?: Partial<Record<Name, string>>;
  /** What can be said without asking the server. */
  check?: (values: Record<Name, string>) => Faults<Name>;
  /** @throws Refused, Unreachable */
  send: (values: Record<Name, string>) => Promise<void>;
  /** Where a refusal belongs that names no field. */
  explain?: (refusal: Refused) => Faults<Name> | undefined;
}

export interface Form<Name extends string> {
  form: RefObject<HTMLFormElement | null>;
  faults: Faults<Name>;
  isBusy: boolean;
  values: Record<Name, string>;
  field: (name: Name) => {
    id: string;
    name: Name;
    label: string;
    value: string;
    fault: string | undefined;
    onInput: (value: string) => void;
  };
  onSubmit: (event: Event) => void;
  clear: () => void;
}

/** What the server says of a field begins in the middle. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1).replace(/[.!?]?$/, (end) => end || '.');
}

export function patience({ retryAfter }: Refused): string {
  const minutes = Math.ceil((retryAfter ?? 60_000) / 60_000);
  return `Too many attempts. Try again in ${minutes === 1 ? 'a minute' : `${minutes} minutes`}.`;
}

function faultsOf<Name extends string>(error: unknown, { labels, explain }: FormOptions<Name>): Faults<Name> {
  if (!(error instanceof Refused))
    return { form: 'The server cannot be reached. What you typed is still here.' } as Faults<Name>;
  const explained = explain?.(error);
  if (explained) return explained;
  if (error.status === 429) return { form: patience(error) } as Faults<Name>;
  const faults: Faults<Name> = {};
  for (const { path, message } of error.fields)
    if (path in labels) faults[path as Name] = sentence(`${labels[path as Name]} ${message}`);
  return Object.keys(faults).length > 0 ? faults : ({ form: error.message } as Faults<Name>);
}

function useFocusOnFault<Name extends string>(faults: Signal<Faults<Name>>, names: readonly Name[]) {
  const form = useRef<HTMLFormElement>(null);
  const found = faults.value;
  useEffect(() => {
    const first = names.find((name) => found[name]);
    if (first) form.current?.querySelector<HTMLInputElement>(`[name=${first}]`)?.focus();
  }, [found]);
  return form;
}

export function useForm<Name extends string>(options: FormOptions<Name>): Form<Name> {
  const names = Object.keys(options.labels) as Name[];
  const empty = () =>
    Object.fromEntries(names.map((name) => [name, options.start?.[name] ?? ''])) as Record<Name, string>;
  const values = useSignal(empty());
  const faults = useSignal<Faults<Name>>({});
  const isBusy = useSignal(false);
  const form = useFocusOnFault(faults, names);
  const submit = async () => {
    if (isBusy.value) return;
    const before = options.check?.(values.value) ?? {};
    faults.value = before;
    if (Object.keys(before).length > 0) return;
    isBusy.value = true;
    try {
      await options.send(values.value);
    } catch (error) {
      faults.value = faultsOf(error, options);
    } finally {
      isBusy.value = false;
    }
  };
  const change = (name: Name, value: string) => {
    values.value = { ...values.value, [name]: value };
    const { [name]: _mended, form: _said, ...others } = faults.value;
    faults.value = others as Faults<Name>;
  };
  return {
    form,
    faults: faults.value,
    isBusy: isBusy.value,
    values: values.value,
    field: (name) => ({
      id: `${options.id}-${name}`,
      name,
      label: options.labels[name],
      value: values.value[name],
      fault: faults.value[name],
      onInput: (value) => change(name, value),
    }),
    onSubmit: (event) => {
      event.preventDefault();
      void submit();
    },
    clear: () => {
      values.value = empty();
      faults.value = {};
    },
  };
}
