// What can be done with all selected tasks at once.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { CATEGORY_LENGTH } from '../contract/limits.ts';
import type { Priority } from '../contract/task.ts';
import { Icon } from './icons.tsx';
import { categories, clearSelection, selected, selection, setDone, visible } from './list-state.ts';
import { changeTasks, trashTasks } from './store.ts';
import { count } from './task-words.ts';
import { say } from './toasts.ts';

function BulkCategory(): JSX.Element {
  const category = useSignal('');
  return (
    <form
      class="bulk-category"
      onSubmit={(event) => {
        event.preventDefault();
        const name = category.value.trim().slice(0, CATEGORY_LENGTH);
        changeTasks(selection.value, { category: name || null });
        say(
          `${count(selection.value.length, 'task')} ${name ? `filed under “${name}”` : 'without a category'}.`,
        );
        category.value = '';
      }}
    >
      <label class="visually-hidden" for="bulk-category">
        Category for the selected tasks
      </label>
      <input
        id="bulk-category"
        type="text"
        list="bulk-category-names"
        placeholder="Category"
        autocomplete="off"
        value={category.value}
        onInput={(event) => {
          category.value = event.currentTarget.value;
        }}
      />
      <datalist id="bulk-category-names">
        {categories.value.map(({ name }) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <button type="submit" class="button">
        Set
      </button>
    </form>
  );
}

function BulkPriority(): JSX.Element {
  return (
    <label class="choice">
      <span class="visually-hidden">Priority for the selected tasks</span>
      <select
        value=""
        onChange={(event) => {
          changeTasks(selection.value, { priority: Number(event.currentTarget.value) as Priority });
          event.currentTarget.value = '';
        }}
      >
        <option value="" disabled>
          Priority
        </option>
        <option value="3">High</option>
        <option value="2">Medium</option>
        <option value="1">Low</option>
      </select>
    </label>
  );
}

export function BulkBar(): JSX.Element | null {
  const chosen = selection.value;
  if (chosen.length === 0) return null;
  const allDone = chosen.every(({ status }) => status);
  return (
    <section class="bulk" aria-label="Selected tasks">
      <div class="bulk-head">
        <p class="bulk-count" role="status">
          {count(chosen.length, 'task')} selected
        </p>
        {chosen.length < visible.value.length && (
          <button
            type="button"
            class="link"
            onClick={() => {
              selected.value = new Set(visible.value.map(({ id }) => id));
            }}
          >
            Select all {visible.value.length.toLocaleString('en-GB')}
          </button>
        )}
      </div>
      <button type="button" class="button" onClick={() => setDone(chosen, !allDone)}>
        <Icon name="check" />
        {allDone ? 'Reopen' : 'Complete'}
      </button>
      <button
        type="button"
        class="button danger"
        onClick={() => {
          trashTasks(chosen);
          clearSelection();
        }}
      >
        <Icon name="trash" />
        Delete
      </button>
      <BulkPriority />
      <BulkCategory />
      <button type="button" class="icon-button" aria-label="Clear the selection" onClick={clearSelection}>
        <Icon name="close" />
      </button>
    </section>
  );
}
