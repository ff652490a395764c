// Todoist's CSV template: rows of type task, section and note, in the order of the list.
import { DESCRIPTION_LENGTH } from '../../contract/limits.ts';
import type { Priority } from '../../contract/task.ts';
import { cleanText, codePointLength } from '../text/clean-text.ts';
import { type Finding, type FoundTask, fault, fieldsOf } from './finding.ts';
import { dayIn } from './plain-date.ts';
import type { Cells, Columns, TableFormat } from './table.ts';

/** Four levels become three; 1 is the highest there, and 4 what a task has that nobody gave one. */
const PRIORITIES: Record<string, Priority> = { '1': 3, '2': 2, '3': 1, '4': 1, '': 1 };

export function isTodoist({ names }: Columns): boolean {
  return names.includes('type') && names.includes('content');
}

function parts(texts: (string | undefined)[]): string {
  return texts.filter((text) => text !== undefined && text.trim() !== '').join('\n\n');
}

interface Pending {
  line: number;
  task: FoundTask;
}

class TodoistRows {
  #section = '';
  /** The last task: its comments follow it. */
  #pending: Pending | undefined;

  *row(line: number, cells: Cells): Generator<Finding> {
    const content = cells.get('content') ?? '';
    const type = (cells.get('type') ?? '').trim().toLowerCase();
    if (type === 'note') return yield* this.#comment(line, content);
    yield* this.end();
    if (type === 'section') this.#section = content;
    else if (type === 'task') yield* this.#task(line, content, cells);
    // How the list is shown; and rows that only part others.
    else if (type !== 'meta' && !type.startsWith('view_style') && content.trim() !== '')
      yield fault(line, 'must be task, section or note', 'type');
  }

  *end(): Generator<Finding> {
    if (this.#pending) yield this.#pending;
    this.#pending = undefined;
  }

  *#task(line: number, title: string, cells: Cells): Generator<Finding> {
    const cell = (name: string) => (cells.get(name) ?? '').trim();
    const level = cell('priority');
    const priority = PRIORITIES[level];
    const date = cell('date');
    const day = dayIn(date);
    const unclear = date !== '' && day === undefined ? `Date: ${date}` : undefined;
    const deadline = cell('deadline') === '' ? undefined : `Deadline: ${cell('deadline')}`;
    const read = fieldsOf({
      title,
      description: parts([cells.get('description'), unclear, deadline]),
      category: this.#section,
      due_date: day ?? null,
      ...(priority === undefined ? {} : { priority }),
    });
    const faults = 'faults' in read ? [...read.faults] : [];
    if (priority === undefined) faults.push({ path: 'priority', message: 'must be 1, 2, 3 or 4' });
    if (faults.length > 0 || 'faults' in read) return yield { line, faults };
    if (unclear !== undefined)
      yield { line, warning: `The date ${quoted(date)} is no plain date: it is kept in the description.` };
    if (deadline !== undefined)
      yield { line, warning: `The deadline ${quoted(cell('deadline'))} is kept in the description.` };
    if (cell('responsible') !== '')
      yield { line, warning: `Who is responsible (${quoted(cell('responsible'))}) is left out.` };
    if (Number(cell('indent')) > 1) yield { line, warning: 'A sub-task becomes a task of its own.' };
    const identity = JSON.stringify(['todoist', read.fields]);
    this.#pending = { line, task: { fields: read.fields, identity, repeatable: true } };
  }

  *#comment(line: number, content: string): Generator<Finding> {
    const comment = cleanText(content);
    if (comment === '') return;
    const { task } = this.#pending ?? {};
    if (!task) return yield { line, warning: 'A comment without a task before it is left out.' };
    const description = cleanText(parts([task.fields.description ?? undefined, `Comment: ${comment}`]));
    if (codePointLength(description) > DESCRIPTION_LENGTH)
      return yield {
        line,
        warning: `A comment is left out: the description would be longer than ${DESCRIPTION_LENGTH} characters.`,
      };
    task.fields.description = description;
    task.identity = JSON.stringify(['todoist', task.fields]);
  }
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

export function todoistTable(): TableFormat {
  const rows = new TodoistRows();
  return {
    columns: (columns) =>
      isTodoist(columns)
        ? undefined
        : { path: '', message: "has not the columns of Todoist's template (TYPE, CONTENT, …)" },
    row: (line, cells) => rows.row(line, cells),
    end: () => rows.end(),
  };
}
