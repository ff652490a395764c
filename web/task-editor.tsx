// The form that a task becomes when it is opened: every field, in place.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { CATEGORY_LENGTH, DESCRIPTION_LENGTH, TITLE_LENGTH } from '../contract/limits.ts';
import type { Priority, Task } from '../contract/task.ts';
import { spokenTime } from './dates.ts';
import { PriorityMark } from './icons.tsx';
import { active, categories, deleteAndMoveOn, editing, focusRequest } from './list-state.ts';
import type { TaskFields } from './operations.ts';
import { changeTask } from './store.ts';
import { PRIORITY_NAMES } from './task-words.ts';

type Draft = { title: string; description: string; category: string; priority: Priority; due_date: string };

function draftOf(task: Task): Draft {
  const { title, description, category, priority, due_date } = task;
  return {
    title,
    description: description ?? '',
    category: category ?? '',
    priority,
    due_date: due_date ?? '',
  };
}

/** Only what was changed: the rest may be changed by others meanwhile. */
function changesIn(draft: Draft, seen: Task): TaskFields {
  const before = draftOf(seen);
  const fields: TaskFields = {};
  if (draft.title.trim() !== before.title) fields.title = draft.title.trim();
  if (draft.description.trim() !== before.description) fields.description = draft.description.trim() || null;
  if (draft.category.trim() !== before.category) fields.category = draft.category.trim() || null;
  if (draft.priority !== before.priority) fields.priority = draft.priority;
  if (draft.due_date !== before.due_date) fields.due_date = draft.due_date || null;
  return fields;
}

type Faults = Partial<Record<'title' | 'description' | 'category', string>>;

function faultsIn({ title, description, category }: Draft): Faults {
  const faults: Faults = {};
  const tooLong = (text: string, limit: number) => [...text.trim()].length > limit;
  if (title.trim() === '') faults.title = 'A task needs a title.';
  else if (tooLong(title, TITLE_LENGTH)) faults.title = `A title has at most ${TITLE_LENGTH} characters.`;
  if (tooLong(description, DESCRIPTION_LENGTH))
    faults.description = `Notes have at most ${DESCRIPTION_LENGTH} characters.`;
  if (tooLong(category, CATEGORY_LENGTH))
    faults.category = `A category has at most ${CATEGORY_LENGTH} characters.`;
  return faults;
}

function useEditor(task: Task) {
  // The version that is being edited: what others do meanwhile is met when it is saved.
  const [seen] = useState(task);
  const [draft, setDraft] = useState(() => draftOf(task));
  const [faults, setFaults] = useState<Faults>({});
  const close = () => {
    editing.value = undefined;
    active.value = task.id;
    focusRequest.value += 1;
  };
  const save = () => {
    const found = faultsIn(draft);
    setFaults(found);
    if (Object.keys(found).length > 0) return;
    const fields = changesIn(draft, seen);
    close();
    if (Object.keys(fields).length > 0) changeTask(task, fields, seen);
  };
  const set = <Name extends keyof Draft>(name: Name, value: Draft[Name]) => {
    setDraft((now) => ({ ...now, [name]: value }));
    setFaults((now) => ({ ...now, [name]: undefined }));
  };
  const isBehind = task.rev > seen.rev && seen.rev > 0;
  return { draft, faults, close, save, set, isBehind };
}

type Editor = ReturnType<typeof useEditor>;

function TextField({
  editor,
  name,
  label,
}: {
  editor: Editor;
  name: 'title' | 'category';
  label: string;
}): JSX.Element {
  const fault = editor.faults[name];
  return (
    <div class={`field field-${name}`}>
      <label for={`edit-${name}`}>{label}</label>
      <input
        id={`edit-${name}`}
        type="text"
        dir="auto"
        autocomplete="off"
        {...(name === 'category' ? { list: 'category-names' } : {})}
        value={editor.draft[name]}
        aria-invalid={fault !== undefined}
        {...(fault ? { 'aria-describedby': `edit-${name}-fault` } : {})}
        onInput={(event) => editor.set(name, event.currentTarget.value)}
      />
      {fault && (
        <p class="fault" id={`edit-${name}-fault`}>
          {fault}
        </p>
      )}
    </div>
  );
}

function Notes({ editor }: { editor: Editor }): JSX.Element {
  return (
    <div class="field field-notes">
      <label for="edit-notes">Notes</label>
      <textarea
        id="edit-notes"
        dir="auto"
        rows={3}
        value={editor.draft.description}
        aria-invalid={editor.faults.description !== undefined}
        onInput={(event) => editor.set('description', event.currentTarget.value)}
      />
      {editor.faults.description && <p class="fault">{editor.faults.description}</p>}
    </div>
  );
}

function PriorityField({ editor }: { editor: Editor }): JSX.Element {
  return (
    <fieldset class="field segments-field">
      <legend>Priority</legend>
      <div class="segments">
        {([1, 2, 3] as const).map((priority) => (
          <label key={priority}>
            <input
              type="radio"
              name="edit-priority"
              checked={editor.draft.priority === priority}
              onChange={() => editor.set('priority', priority)}
            />
            <span>
              <PriorityMark priority={priority} />
              {PRIORITY_NAMES[priority]}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export function TaskEditor({ task }: { task: Task }): JSX.Element {
  const editor = useEditor(task);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    form.current?.querySelector<HTMLInputElement>('#edit-title')?.focus({ preventScroll: true });
    // Once the list has made room for it: at the end of the page there is none yet.
    const whenRoomIsMade = (frames: number) => {
      if (frames > 0) requestAnimationFrame(() => whenRoomIsMade(frames - 1));
      else form.current?.scrollIntoView({ block: 'nearest' });
    };
    whenRoomIsMade(2);
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') editor.close();
    else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) editor.save();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <form
      ref={form}
      class="editor"
      aria-label={`Edit: ${task.title}`}
      noValidate
      onKeyDown={onKeyDown}
      onSubmit={(event) => {
        event.preventDefault();
        editor.save();
      }}
    >
      <TextField editor={editor} name="title" label="Title" />
      <Notes editor={editor} />
      <TextField editor={editor} name="category" label="Category" />
      <datalist id="category-names">
        {categories.value.map(({ name }) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <PriorityField editor={editor} />
      <div class="field field-due">
        <label for="edit-due">Due</label>
        <input
          id="edit-due"
          type="date"
          value={editor.draft.due_date}
          onInput={(event) => editor.set('due_date', event.currentTarget.value)}
        />
      </div>
      <div class="editor-foot">
        <p class="hint">
          {editor.isBehind
            ? 'Changed elsewhere while you edit: you will choose when you save.'
            : `Written ${spokenTime(task.created_at)}`}
        </p>
        <button type="button" class="button quiet danger" onClick={() => deleteAndMoveOn(task)}>
          Delete
        </button>
        <button type="button" class="button" onClick={editor.close}>
          Cancel
        </button>
        <button type="submit" class="button primary">
          Save
        </button>
      </div>
    </form>
  );
}
