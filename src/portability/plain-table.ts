// Plain CSV: one row a task, columns by name.
import { type Finding, fieldsOf, timeOf } from './finding.ts';
import type { Cells, TableFormat } from './table.ts';

/** Each column with what else it may be called. All but the title may be missing, in any order; others are not read. */
const COLUMNS = {
  title: ['title', 'task', 'name'],
  description: ['description', 'notes'],
  status: ['status', 'completed', 'done'],
  category: ['category', 'list'],
  priority: ['priority'],
  due_date: ['due_date', 'due date', 'due'],
  created_at: ['created_at'],
  completed_at: ['completed_at'],
} as const;
type Column = keyof typeof COLUMNS;
const COLUMN_NAMES = Object.keys(COLUMNS) as Column[];

const DONE = /^(true|yes|y|1|x|done|completed|complete)$/i;
const OPEN = /^(false|no|n|0||open|pending|todo|to do)$/i;
const TIME_FAULT = 'must be a time such as 2026-01-03T10:30:00Z, or empty';

function textOf(cells: Cells, column: Column): string {
  const name = COLUMNS[column].find((candidate) => cells.has(candidate));
  return name === undefined ? '' : (cells.get(name) ?? '');
}

function statusOf(text: string): boolean | string {
  if (DONE.test(text)) return true;
  return OPEN.test(text) ? false : text;
}

function findingOf(line: number, cells: Cells): Finding {
  const cell = Object.fromEntries(COLUMN_NAMES.map((name) => [name, textOf(cells, name)])) as Record<
    Column,
    string
  >;
  const trimmed = (name: Column) => cell[name].trim();
  const status = statusOf(trimmed('status'));
  const completedAt = timeOf(trimmed('completed_at'));
  const createdAt = timeOf(trimmed('created_at'));
  const priority = trimmed('priority');
  const read = fieldsOf({
    title: cell.title,
    description: cell.description,
    status: status === false && completedAt !== undefined && trimmed('status') === '' ? true : status,
    category: cell.category,
    ...(priority === '' ? {} : { priority: /^[123]$/.test(priority) ? Number(priority) : priority }),
    due_date: trimmed('due_date') === '' ? null : trimmed('due_date'),
  });
  const faults = 'faults' in read ? [...read.faults] : [];
  for (const [name, time] of Object.entries({ created_at: createdAt, completed_at: completedAt }))
    if (trimmed(name as Column) !== '' && time === undefined)
      faults.push({ path: name, message: TIME_FAULT });
  if (faults.length > 0 || 'faults' in read) return { line, faults };
  const identity = JSON.stringify(['csv', read.fields, createdAt, completedAt]);
  return { line, task: { fields: read.fields, createdAt, completedAt, identity, repeatable: true } };
}

export const plainTable: TableFormat = {
  columns: ({ names }) =>
    COLUMNS.title.some((name) => names.includes(name))
      ? undefined
      : { path: 'title', message: 'is no column of this file: the first line must name the columns' },
  row: (line, cells) => [findingOf(line, cells)],
};
