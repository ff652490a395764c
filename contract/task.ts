// Tasks on the wire: what comes back, what may be sent, and how a listing is asked for.
import { type Static, Type } from 'typebox';
import { NullableDate, NullableTime, nullableText, Time } from './common.ts';
import {
  CATEGORY_LENGTH,
  DESCRIPTION_LENGTH,
  PAGE_LIMIT,
  SEARCH_LENGTH,
  SKIP_LIMIT,
  TITLE_LENGTH,
} from './limits.ts';

/** Wire value of each priority, and its name. */
export const PRIORITIES = { low: 1, medium: 2, high: 3 } as const;
export type PriorityName = keyof typeof PRIORITIES;
export type Priority = (typeof PRIORITIES)[PriorityName];

const taskProperties = {
  id: Type.Integer({ minimum: 1, examples: [42] }),
  title: Type.String({ minLength: 1, maxLength: TITLE_LENGTH, examples: ['Buy milk'] }),
  description: nullableText(DESCRIPTION_LENGTH, 'Two litres, if a < b'),
  status: Type.Boolean({ description: 'True when completed.', examples: [false] }),
  category: nullableText(CATEGORY_LENGTH, 'home'),
  priority: Type.Unsafe<Priority>({
    type: 'integer',
    enum: [1, 2, 3],
    description: '1 low, 2 medium, 3 high.',
    examples: [2],
  }),
  due_date: NullableDate,
  completed_at: NullableTime,
  created_at: Time,
  updated_at: Time,
  user_id: Type.String({ format: 'uuid', examples: ['8c7f2f64-58a5-4d0c-9d3c-0c6d0d7a5b11'] }),
  rev: Type.Integer({
    minimum: 1,
    description: "The user's revision at this task's last change. In quotes it is the task's ETag.",
    examples: [17],
  }),
};

export const Task = Type.Object(taskProperties, { $id: 'Task' });
export type Task = Static<typeof Task>;

/** A task as the documents show one, whole. */
export const TASK_EXAMPLE: Task = {
  id: 42,
  title: 'Buy oat milk',
  description: null,
  status: false,
  category: 'home',
  priority: 2,
  due_date: '2026-01-31',
  completed_at: null,
  created_at: '2026-01-03T10:30:00.000Z',
  updated_at: '2026-01-04T08:00:00.000Z',
  user_id: '8c7f2f64-58a5-4d0c-9d3c-0c6d0d7a5b11',
  rev: 18,
};

/** A task of a listing: one in the trash also says since when. */
export const ListedTask = Type.Object(
  { ...taskProperties, deleted_at: Type.Optional(Time) },
  { $id: 'ListedTask' },
);
export type ListedTask = Static<typeof ListedTask>;

export const TaskPage = Type.Object(
  {
    tasks: Type.Array(ListedTask),
    next_cursor: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'Pass as `cursor`; null on the last page.',
    }),
    total: Type.Optional(
      Type.Integer({ minimum: 0, description: 'How many tasks match; with `include_total=true`.' }),
    ),
  },
  { $id: 'TaskPage' },
);
export type TaskPage = Static<typeof TaskPage>;

const PRIORITY_ERROR = 'must be 1, 2, 3, low, medium or high';
const text = { 'x-error': 'must be a string' };
const nullable = { 'x-error': 'must be a string or null' };

const editable = {
  description: Type.Optional(
    Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: `At most ${DESCRIPTION_LENGTH} characters.`,
      examples: ['Two litres'],
      ...nullable,
    }),
  ),
  status: Type.Optional(
    Type.Boolean({
      description: 'True when completed.',
      examples: [false],
      'x-error': 'must be true or false',
    }),
  ),
  category: Type.Optional(
    Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: `At most ${CATEGORY_LENGTH} characters.`,
      examples: ['home'],
      ...nullable,
    }),
  ),
  priority: Type.Optional(
    Type.Unsafe<number | string>({
      anyOf: [
        { type: 'integer', enum: [1, 2, 3] },
        { type: 'string', pattern: '^([Ll][Oo][Ww]|[Mm][Ee][Dd][Ii][Uu][Mm]|[Hh][Ii][Gg][Hh])$' },
      ],
      description: '1 low, 2 medium, 3 high, or the name; it is answered as the number.',
      examples: ['high'],
      'x-error': PRIORITY_ERROR,
    }),
  ),
  due_date: Type.Optional(
    Type.Unsafe<string | null>({
      type: ['string', 'null'],
      format: 'date',
      examples: ['2026-01-31'],
      'x-error': 'must be a date such as 2026-01-31, or null',
    }),
  ),
};

/** Limits of text hold after cleaning, so the service checks them; the schema checks types. */
export const NewTask = Type.Object(
  {
    title: Type.String({ description: `1–${TITLE_LENGTH} characters.`, examples: ['Buy milk'], ...text }),
    ...editable,
  },
  { $id: 'NewTask' },
);
export type NewTask = Static<typeof NewTask>;

/** An absent field is left alone; null clears a nullable one. */
export const TaskChange = Type.Partial(NewTask, { $id: 'TaskChange' });
export type TaskChange = Static<typeof TaskChange>;

export const TASK_SORTS = ['created_at', 'updated_at', 'due_date', 'priority', 'title'] as const;
export type TaskSort = (typeof TASK_SORTS)[number];

const date = (description: string) =>
  Type.Optional(Type.String({ format: 'date', description, 'x-error': 'must be a date such as 2026-01-31' }));
const flag = (description: string) =>
  Type.Optional(Type.Boolean({ description, 'x-error': 'must be true or false' }));

export const TaskListQuery = Type.Object({
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: PAGE_LIMIT,
      default: PAGE_LIMIT,
      'x-error': `must be a whole number from 1 to ${PAGE_LIMIT}`,
    }),
  ),
  cursor: Type.Optional(
    Type.String({
      description: '`next_cursor` of the page before.',
      'x-error': 'must be a next_cursor of this listing',
    }),
  ),
  skip: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: SKIP_LIMIT,
      description: 'For older clients; a cursor is exact and faster.',
      'x-error': `must be a whole number from 0 to ${SKIP_LIMIT}`,
    }),
  ),
  status: flag('Only completed, or only pending, tasks.'),
  priority: Type.Optional(
    Type.String({
      pattern: '^([123]|[Ll][Oo][Ww]|[Mm][Ee][Dd][Ii][Uu][Mm]|[Hh][Ii][Gg][Hh])$',
      'x-error': PRIORITY_ERROR,
    }),
  ),
  category: Type.Optional(
    Type.String({
      description: 'Exactly this category; empty for tasks without one.',
      'x-error': 'must be given once',
    }),
  ),
  due_before: date('Due before this day, the day itself excluded.'),
  due_after: date('Due after this day, the day itself excluded.'),
  q: Type.Optional(
    Type.String({
      maxLength: SEARCH_LENGTH,
      description: 'Words that title or description contain: all, in any order and case.',
      'x-error': `must be at most ${SEARCH_LENGTH} characters`,
    }),
  ),
  sort: Type.Optional(
    Type.String({
      enum: [...TASK_SORTS],
      default: 'created_at',
      'x-error': `must be one of ${TASK_SORTS.join(', ')}`,
    }),
  ),
  order: Type.Optional(
    Type.String({ enum: ['asc', 'desc'], default: 'desc', 'x-error': 'must be asc or desc' }),
  ),
  include_total: flag('Add the exact `total`.'),
  trashed: flag('List the trash instead.'),
});
export type TaskListQuery = Static<typeof TaskListQuery>;
