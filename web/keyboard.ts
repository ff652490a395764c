// The keyboard: single keys where nobody is typing, and what each of them does.
import { signal } from '@preact/signals';
import type { Priority, Task } from '../contract/task.ts';
import {
  active,
  clearSelection,
  deleteAndMoveOn,
  editing,
  focusAt,
  indexOfActive,
  selected,
  toggleDone,
  toggleSelected,
  visible,
} from './list-state.ts';
import { go, route } from './routes.ts';
import { phase } from './session.ts';
import { changeTask } from './store.ts';
import { hasShortcuts } from './theme.ts';
import { runLastAction } from './toasts.ts';

export const isHelpOpen = signal(false);

/** For the help sheet. */
export const SHORTCUTS: readonly {
  group: string;
  keys: readonly (readonly [keys: string, what: string])[];
}[] = [
  {
    group: 'Anywhere',
    keys: [
      ['n', 'New task'],
      ['/', 'Search'],
      ['u', 'Undo the last deletion'],
      ['g t', 'Go to tasks'],
      ['g d', 'Go to the dashboard'],
      ['g x', 'Go to the trash'],
      ['g a', 'Go to your account'],
      ['?', 'This sheet'],
    ],
  },
  {
    group: 'In the list',
    keys: [
      ['j Down', 'Next task'],
      ['k Up', 'Previous task'],
      ['Home', 'First task'],
      ['End', 'Last task'],
      ['c', 'Complete or reopen'],
      ['e Enter', 'Edit'],
      ['x', 'Select'],
      ['1 2 3', 'Priority low, medium, high'],
      ['Delete', 'Move to the trash'],
      ['Esc', 'Close, or clear the selection'],
    ],
  },
  {
    group: 'While editing',
    keys: [
      ['Ctrl Enter', 'Save'],
      ['Esc', 'Leave without saving'],
    ],
  },
];

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && target.closest('input:not([type=checkbox]), textarea, select') !== null
  );
}

/** Focuses a field of the tasks page, going there first. */
function focusField(id: string): void {
  const field = document.getElementById(id);
  if (field) {
    field.focus();
    return;
  }
  go('tasks');
  requestAnimationFrame(() => document.getElementById(id)?.focus());
}

const PAGE_KEYS = { t: 'tasks', d: 'dashboard', x: 'trash', a: 'account' } as const;

function anywhere(key: string): boolean {
  switch (key) {
    case 'n':
      focusField('quick-add');
      return true;
    case '/':
      focusField('search');
      return true;
    case '?':
      isHelpOpen.value = true;
      return true;
    case 'u':
      return runLastAction();
    default:
      return false;
  }
}

function onTask(task: Task, key: string): boolean {
  switch (key) {
    case 'c':
      toggleDone(task);
      return true;
    case 'e':
      editing.value = task.id;
      return true;
    case 'x':
      toggleSelected(task.id);
      return true;
    case 'Delete':
    case '#':
      deleteAndMoveOn(task);
      return true;
    case '1':
    case '2':
    case '3':
      changeTask(task, { priority: Number(key) as Priority });
      return true;
    default:
      return false;
  }
}

function inList(key: string): boolean {
  const index = indexOfActive();
  switch (key) {
    case 'j':
    case 'ArrowDown':
      focusAt(index + 1);
      return true;
    case 'k':
    case 'ArrowUp':
      focusAt(index < 0 ? 0 : index - 1);
      return true;
    case 'Home':
      focusAt(0);
      return true;
    case 'End':
      focusAt(visible.value.length - 1);
      return true;
    case 'Escape':
      if (selected.value.size === 0) return false;
      clearSelection();
      return true;
    default: {
      const task = visible.value[index];
      return task ? onTask(task, key) : false;
    }
  }
}

/** Arrows and the like are the page's own unless the focus is in the list. */
function isForList(event: KeyboardEvent): boolean {
  if (route.value !== 'tasks') return false;
  if (event.key.length === 1 || event.key === 'Escape') return true;
  return event.target instanceof HTMLElement && event.target.closest('.task-list') !== null;
}

let awaitsPage = false;

function onKey(event: KeyboardEvent): void {
  const { key } = event;
  if (phase.value !== 'in' || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey)
    return;
  if (isTyping(event.target) || document.querySelector('dialog[open]')) return;
  if (key.length === 1 && key !== ' ' && !hasShortcuts.value) return;
  if (awaitsPage) {
    awaitsPage = false;
    const target = PAGE_KEYS[key as keyof typeof PAGE_KEYS];
    if (target) {
      event.preventDefault();
      go(target);
      return;
    }
  }
  if (key === 'g') {
    awaitsPage = true;
    return;
  }
  if (anywhere(key) || (isForList(event) && editing.value === undefined && inList(key)))
    event.preventDefault();
}

export function listenToKeys(): void {
  addEventListener('keydown', onKey);
  addEventListener('focusin', (event) => {
    const row = event.target instanceof HTMLElement ? event.target.closest<HTMLElement>('[data-task]') : null;
    if (row) active.value = Number(row.dataset.task);
  });
}
