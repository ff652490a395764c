// Above the list: search, what is shown, and in which order.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Priority } from '../contract/task.ts';
import { type DueFilter, NO_CATEGORY, type Order, START, type StatusFilter } from './filters.ts';
import { Icon } from './icons.tsx';
import { categories, filters, isFiltered, setFilter, setQuery, visible } from './list-state.ts';
import { count, PRIORITY_NAMES } from './task-words.ts';

const STATUSES: readonly (readonly [StatusFilter, string])[] = [
  ['open', 'Open'],
  ['done', 'Done'],
  ['all', 'All'],
];

const DUE_WORDS: readonly (readonly [DueFilter, string])[] = [
  ['any', 'Any time'],
  ['overdue', 'Overdue'],
  ['today', 'Today'],
  ['week', 'Next 7 days'],
  ['none', 'No date'],
];

interface ChoiceProps {
  label: string;
  value: string;
  options: readonly (readonly [value: string, label: string])[];
  onChoose: (value: string) => void;
}

function Choice({ label, value, options, onChoose }: ChoiceProps): JSX.Element {
  return (
    <label class="choice">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

function Choices(): JSX.Element {
  const { priority, category, due, order } = filters.value;
  const named = categories.value.map(({ name, open }): [string, string] => [name, `${name} (${open})`]);
  return (
    <div class="choices" id="choices">
      <Choice
        label="Category"
        value={category}
        options={[['', 'Any'], ...named, [NO_CATEGORY, 'None']]}
        onChoose={(value) => setFilter({ category: value })}
      />
      <Choice
        label="Priority"
        value={String(priority)}
        options={[
          ['0', 'Any'],
          ['3', 'High'],
          ['2', 'Medium'],
          ['1', 'Low'],
        ]}
        onChoose={(value) => setFilter({ priority: Number(value) as Priority | 0 })}
      />
      <Choice
        label="Due"
        value={due}
        options={DUE_WORDS}
        onChoose={(value) => setFilter({ due: value as DueFilter })}
      />
      <Choice
        label="Order"
        value={order}
        options={[
          ['newest', 'Newest'],
          ['due', 'Due date'],
          ['priority', 'Priority'],
          ['title', 'Title'],
          ['changed', 'Last changed'],
        ]}
        onChoose={(value) => setFilter({ order: value as Order })}
      />
    </div>
  );
}

/** What is set behind the button, in words: for whoever was led here by a link. */
function setWords(): string[] {
  const { priority, category, due } = filters.value;
  const words: string[] = [];
  if (category !== '') words.push(category === NO_CATEGORY ? 'no category' : category);
  if (priority !== 0) words.push(`${PRIORITY_NAMES[priority].toLowerCase()} priority`);
  if (due !== 'any') words.push(DUE_WORDS.find(([value]) => value === due)?.[1].toLowerCase() ?? '');
  return words;
}

function Found(): JSX.Element {
  return (
    <p class="found" role="status">
      {isFiltered.value && (
        <>
          <span>{[count(visible.value.length, 'task'), ...setWords()].join(' · ')}</span>
          <button
            type="button"
            class="link"
            onClick={() => setFilter({ ...START, order: filters.value.order })}
          >
            Clear filters
          </button>
        </>
      )}
    </p>
  );
}

export function Toolbar(): JSX.Element {
  const isOpen = useSignal(false);
  const { query, status } = filters.value;
  const set = setWords().length;
  return (
    <search class={`toolbar ${isOpen.value ? 'is-open' : ''}`}>
      <div class="search">
        <Icon name="search" />
        <label class="visually-hidden" for="search">
          Search
        </label>
        <input
          id="search"
          type="search"
          placeholder="Search"
          autocomplete="off"
          value={query}
          onInput={(event) => setQuery(event.currentTarget.value)}
        />
      </div>
      <fieldset class="segments">
        <legend class="visually-hidden">Show</legend>
        {STATUSES.map(([value, label]) => (
          <label key={value}>
            <input
              type="radio"
              name="status"
              checked={status === value}
              onChange={() => setFilter({ status: value })}
            />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
      <button
        type="button"
        class="button quiet more"
        aria-expanded={isOpen.value}
        aria-controls="choices"
        onClick={() => (isOpen.value = !isOpen.value)}
      >
        <Icon name="filter" />
        <span>Filter</span>
        {set > 0 && (
          <span class="set-count">
            {set}
            <span class="visually-hidden"> set</span>
          </span>
        )}
      </button>
      <Choices />
      <Found />
    </search>
  );
}
