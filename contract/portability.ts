// Taking one's data away and bringing it back: the lines of an export, and what an import says.
import { type Static, Type } from 'typebox';
import { Account } from './account.ts';
import { NullableTime, Time } from './common.ts';
import { Problem } from './errors.ts';
import { IMPORT_FAULTS } from './limits.ts';
import { Task } from './task.ts';

export const EXPORT_VERSION = 1;

export const ExportHeader = Type.Object(
  {
    type: Type.Literal('header'),
    format: Type.Literal('donewell-export'),
    version: Type.Literal(EXPORT_VERSION),
    exported_at: Time,
    user_id: Type.String({ format: 'uuid', description: 'Whose data these are.' }),
  },
  { $id: 'ExportHeader' },
);
export type ExportHeader = Static<typeof ExportHeader>;

export const ExportedProfile = Type.Object(
  { type: Type.Literal('profile'), ...Account.properties },
  { $id: 'ExportedProfile' },
);
export type ExportedProfile = Static<typeof ExportedProfile>;

const { user_id: _, ...taskProperties } = Task.properties;

export const ExportedTask = Type.Object(
  { type: Type.Literal('task'), ...taskProperties, deleted_at: NullableTime },
  { $id: 'ExportedTask', description: '`deleted_at` says since when it has been in the trash.' },
);
export type ExportedTask = Static<typeof ExportedTask>;

export const ExportEnd = Type.Object(
  {
    type: Type.Literal('end'),
    tasks: Type.Integer({ minimum: 0, description: 'Lines of type `task`, the trash included.' }),
    trashed: Type.Integer({ minimum: 0 }),
  },
  { $id: 'ExportEnd', description: 'A file that does not end with this line is cut off.' },
);
export type ExportEnd = Static<typeof ExportEnd>;

export const EXPORT_LINES = [ExportHeader, ExportedProfile, ExportedTask, ExportEnd] as const;

export const IMPORT_FORMATS = ['ndjson', 'csv', 'todoist'] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

export const ImportQuery = Type.Object({
  format: Type.Optional(
    Type.Unsafe<ImportFormat>({
      type: 'string',
      enum: [...IMPORT_FORMATS],
      description: 'What the file is; without it the Content-Type says so, and the columns of a CSV file.',
      'x-error': `must be one of ${IMPORT_FORMATS.join(', ')}`,
    }),
  ),
  dry_run: Type.Optional(
    Type.Boolean({
      description: 'Say what would be imported, and write nothing.',
      'x-error': 'must be true or false',
    }),
  ),
});
export type ImportQuery = Static<typeof ImportQuery>;

const count = (description: string) => Type.Integer({ minimum: 0, description });

const ImportWarning = Type.Object({
  line: Type.Integer({ minimum: 1, examples: [17] }),
  message: Type.String({
    examples: ['The date "every day" is no plain date: it is kept in the description.'],
  }),
});
export type ImportWarning = Static<typeof ImportWarning>;

const resultProperties = {
  format: Type.Unsafe<ImportFormat>({ type: 'string', enum: [...IMPORT_FORMATS] }),
  dry_run: Type.Boolean(),
  tasks: count('Tasks in the file.'),
  created: count('Tasks that were made, or with `dry_run` would be.'),
  already_there: count('Tasks that an earlier import made, or that the account has: they stay as they are.'),
  expired: count('Tasks of the trash that have had their time.'),
  warnings: Type.Array(ImportWarning, {
    description: `What could not be taken over as it is; the first ${IMPORT_FAULTS}.`,
  }),
  warnings_total: count('How many there are.'),
};

export const ImportResult = Type.Object(resultProperties, { $id: 'ImportResult' });
export type ImportResult = Static<typeof ImportResult>;

export const ImportProgress = Type.Object(
  {
    type: Type.Literal('progress'),
    done: count('Tasks of the file that have been dealt with.'),
    total: count('Tasks in the file.'),
  },
  { $id: 'ImportProgress' },
);
export type ImportProgress = Static<typeof ImportProgress>;

/** The last line, when the import went well and when it did not. */
export const FinalImportResult = Type.Object(
  { type: Type.Literal('result'), ...resultProperties },
  { $id: 'FinalImportResult' },
);

export const FinalImportProblem = Type.Object(
  { type: Type.Literal('problem'), problem: Problem },
  { $id: 'FinalImportProblem' },
);

export const IMPORT_LINES_TOLD = [ImportProgress, FinalImportResult, FinalImportProblem] as const;
