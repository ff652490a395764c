// The line on which tasks are written, with a preview of what was understood.
import { useSignal, useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { TITLE_LENGTH } from '../contract/limits.ts';
import { fullDate, today } from './dates.ts';
import { Icon, PriorityMark } from './icons.tsx';
import { user } from './person.ts';
import { type Part, type Understood, understand } from './quick-add.ts';
import { addTask, refusedText } from './store.ts';
import { PRIORITY_NAMES } from './task-words.ts';
import { draftKeyOf, readSetting, writeSetting } from './theme.ts';

function wordsFor(part: Part, { priority, category, due_date }: Understood): string {
  if (part.kind === 'priority') return `${PRIORITY_NAMES[priority]} priority`;
  if (part.kind === 'category') return category ?? '';
  return due_date ? fullDate(due_date) : '';
}

function PartIcon({ part, priority }: { part: Part; priority: 1 | 2 | 3 }): JSX.Element {
  if (part.kind === 'priority') return <PriorityMark priority={priority} />;
  return <Icon name={part.kind === 'category' ? 'tag' : 'date'} />;
}

function faultOf({ title }: Understood, line: string): string | undefined {
  if ([...title].length > TITLE_LENGTH) return `A title has at most ${TITLE_LENGTH} characters.`;
  return line.trim() !== '' && title === '' ? 'What is to be done? A title is missing.' : undefined;
}

/** What was understood; pressing one keeps its words as text. */
function Chips({ read, onDismiss }: { read: Understood; onDismiss: (part: Part) => void }): JSX.Element {
  return (
    <>
      {read.parts.map((part) => (
        <button
          key={part.kind}
          type="button"
          class="chip"
          aria-label={`${wordsFor(part, read)}. Keep “${part.text}” as text`}
          onClick={() => onDismiss(part)}
        >
          <PartIcon part={part} priority={read.priority} />
          {wordsFor(part, read)}
          <Icon name="close" />
        </button>
      ))}
    </>
  );
}

export function QuickAddLine(): JSX.Element {
  const draftKey = draftKeyOf(user.value?.id ?? '');
  const line = useSignal(readSetting(draftKey) ?? '');
  const asText = useSignal<ReadonlySet<string>>(new Set());
  const hasTried = useSignal(false);
  const write = (text: string) => {
    line.value = text;
    writeSetting(draftKey, text === '' ? null : text);
  };
  useSignalEffect(() => {
    if (refusedText.value === undefined) return;
    write(refusedText.value);
    refusedText.value = undefined;
    document.getElementById('quick-add')?.focus();
  });
  const read = understand(line.value, today(), asText.value);
  const fault = faultOf(read, line.value);
  const shown = hasTried.value ? fault : undefined;
  const submit = (event: Event) => {
    event.preventDefault();
    hasTried.value = true;
    if (read.title === '' || fault) return;
    const { title, priority, category, due_date } = read;
    addTask({ title, priority, category, due_date });
    write('');
    asText.value = new Set();
    hasTried.value = false;
  };
  return (
    <form class="quick-add" onSubmit={submit}>
      <label class="visually-hidden" for="quick-add">
        New task
      </label>
      <Icon name="plus" />
      <input
        id="quick-add"
        type="text"
        dir="auto"
        autocomplete="off"
        enterkeyhint="done"
        placeholder="Write a task…"
        value={line.value}
        aria-invalid={shown !== undefined}
        aria-describedby="quick-add-understood"
        onInput={(event) => write(event.currentTarget.value)}
      />
      <button type="submit" class="button primary" disabled={line.value.trim() === ''}>
        Add
      </button>
      <div class="understood" id="quick-add-understood">
        {shown && <p class="fault">{shown}</p>}
        <Chips
          read={read}
          onDismiss={(part) => {
            asText.value = new Set([...asText.value, part.text]);
            document.getElementById('quick-add')?.focus();
          }}
        />
        {line.value.trim() === '' && (
          <p class="hint quick-hint">
            <code>!high</code> <code>#work</code> <code>tomorrow</code> are understood.{' '}
            <span class="keys-hint">
              Press <kbd>?</kbd> for all keys.
            </span>
          </p>
        )}
      </div>
    </form>
  );
}
