// The columns of a task that clients see, and the JSON of it that PostgreSQL can make.

/** In the order of the contract. */
export const TASK_COLUMNS =
  'id, title, description, status, category, priority, due_date, completed_at, created_at, updated_at, user_id, rev';

const TIMES = new Set(['completed_at', 'created_at', 'updated_at']);
const wireTime = (column: string) =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ${column}`;

/** Of a row of `from`, the JSON text that a client is sent. */
export function taskJson(from: string): string {
  const columns = TASK_COLUMNS.split(', ').map((column) => (TIMES.has(column) ? wireTime(column) : column));
  return `(select row_to_json(shown)::text from (select ${columns.join(', ')} from ${from}) as shown)`;
}
