// SQL statements: each is static text with a name, declared once as a reader or a writer, and known to a registry.

export interface Statement<Row> {
  readonly name: string;
  readonly text: string;
  /** Phantom: the type of a row. Never set. */
  readonly row?: Row;
}

/** A statement that changes nothing: it may run outside a transaction. */
export interface ReadStatement<Row> extends Statement<Row> {
  readonly kind: 'read';
}

/** A statement that changes or locks rows: it runs inside a transaction, or is one by itself. */
export interface WriteStatement<Row> extends Statement<Row> {
  readonly kind: 'write';
}

/** What a statement does, or has done, for one user. */
export interface Owned {
  user_id: string;
}

/**
 * A writing statement that does the same for several users at once, which costs far less than one by one. Its only value is a JSON
 * array with an object for each user. Each of its rows has the `user_id` of one of them; for whom there is none, nothing has been done.
 */
export interface WriteForEach<Input extends Owned, Row extends Owned> extends WriteStatement<Row> {
  /** Phantom: the type of an object. Never set. */
  readonly input?: Input;
}

const registry = new Map<string, Statement<unknown>>();
const CHANGES_OR_LOCKS =
  /\b(insert\s+into|update\s+\S+\s+(as\s+\w+\s+)?set|delete\s+from|for\s+(no\s+key\s+)?update|for\s+(key\s+)?share)\b/i;

function register<Made extends Statement<unknown>>(statement: Made): Made {
  if (registry.has(statement.name)) throw new Error(`Two statements are named ${statement.name}`);
  registry.set(statement.name, statement);
  return statement;
}

/**
 * Declares a prepared statement that only reads.
 * @param name unique in the process; the prepared statement's name on the server (at most 63 bytes).
 */
export function read<Row>(name: string, text: string): ReadStatement<Row> {
  if (CHANGES_OR_LOCKS.test(text)) throw new Error(`${name} writes: declare it with write()`);
  return register({ kind: 'read', name, text });
}

/** Declares a prepared statement that writes or locks. */
export function write<Row = never>(name: string, text: string): WriteStatement<Row> {
  return register({ kind: 'write', name, text });
}

/** Declares a prepared statement that writes for several users at once. */
export function writeForEach<Input extends Owned, Row extends Owned>(
  name: string,
  text: string,
): WriteForEach<Input, Row> {
  return write<Row>(name, text);
}

/** Users that one such statement may write for. */
export const MOST_AT_ONCE = 16;

/** What such a statement takes. No user may be among them twice. */
export function valuesForEach(inputs: readonly Owned[]): [string] {
  if (inputs.length > MOST_AT_ONCE) throw new Error('Too many users for one statement');
  return [JSON.stringify(inputs)];
}

/** Every statement declared by the modules loaded so far; a test prepares each against the real schema. */
export function allStatements(): Statement<unknown>[] {
  return [...registry.values()];
}
