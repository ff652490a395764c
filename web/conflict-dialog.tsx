// Two people changed the same thing: both versions side by side, and one of them is chosen.
import type { JSX } from 'preact';
import type { Task } from '../contract/task.ts';
import { spokenDate, spokenTime } from './dates.ts';
import { Dialog } from './dialog.tsx';
import type { TaskFields } from './operations.ts';
import { type Conflict, conflicts } from './outbox.ts';
import { changeTask } from './store.ts';
import { PRIORITY_NAMES } from './task-words.ts';
import { say } from './toasts.ts';

const FIELDS: readonly { name: keyof TaskFields; label: string }[] = [
  { name: 'title', label: 'Title' },
  { name: 'description', label: 'Notes' },
  { name: 'category', label: 'Category' },
  { name: 'priority', label: 'Priority' },
  { name: 'due_date', label: 'Due' },
  { name: 'status', label: 'Done' },
];

function spoken(name: keyof TaskFields, value: TaskFields): string {
  if (name === 'priority') return PRIORITY_NAMES[value.priority ?? 2];
  if (name === 'status') return value.status ? 'yes' : 'no';
  if (name === 'due_date' && value.due_date) return spokenDate(value.due_date);
  return String(value[name] ?? '') || 'none';
}

function Version({
  title,
  hint,
  values,
  names,
}: {
  title: string;
  hint: string;
  values: TaskFields;
  names: Set<string>;
}): JSX.Element {
  return (
    <section class="version">
      <h3>{title}</h3>
      <p class="hint">{hint}</p>
      <dl>
        {FIELDS.filter(({ name }) => names.has(name)).map(({ name, label }) => (
          <div key={name}>
            <dt>{label}</dt>
            <dd dir="auto">{spoken(name, values)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function close(conflict: Conflict): void {
  conflicts.value = conflicts.value.filter((other) => other !== conflict);
}

export function ConflictDialog(): JSX.Element | null {
  const [conflict] = conflicts.value;
  if (!conflict) return null;
  const { operation, current } = conflict;
  const mine: Task = { ...current, ...operation.fields };
  const names = new Set(FIELDS.map(({ name }) => name).filter((name) => mine[name] !== current[name]));
  return (
    <Dialog title="This task was changed elsewhere" kind="conflict" key={operation.seq}>
      <p class="lead-small">
        While you edited “{current.title}”, it was saved with other words. Nothing is lost until you choose.
      </p>
      <div class="versions">
        <Version title="Yours" hint="Not saved yet" values={mine} names={names} />
        <Version
          title="Theirs"
          hint={`Saved ${spokenTime(current.updated_at)}`}
          values={current}
          names={names}
        />
      </div>
      <div class="dialog-actions">
        <button
          type="button"
          class="button"
          onClick={() => {
            close(conflict);
            say('Theirs was kept.');
          }}
        >
          Keep theirs
        </button>
        <button
          type="button"
          class="button primary"
          onClick={() => {
            close(conflict);
            changeTask(current, operation.fields, current);
          }}
        >
          Save mine
        </button>
      </div>
    </Dialog>
  );
}
