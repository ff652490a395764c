// One task on its line: tick it, open it, pick it, drop it. Opened, the line becomes a form.
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Task } from '../contract/task.ts';
import { spokenDate, today } from './dates.ts';
import { Icon, PriorityMark } from './icons.tsx';
import { acting, deleteAndMoveOn, editing, selected, toggleDone, toggleSelected } from './list-state.ts';
import { isNarrow } from './narrow.ts';
import { currentId, keyOf } from './store.ts';
import { TaskEditor } from './task-editor.tsx';
import { PRIORITY_NAMES } from './task-words.ts';

function DueWord({ task }: { task: Task }): JSX.Element | null {
  if (task.due_date === null) return null;
  const now = today();
  const late = !task.status && task.due_date < now;
  const soon = !task.status && task.due_date === now;
  return (
    <span class={`meta-due ${late ? 'is-late' : ''} ${soon ? 'is-today' : ''}`}>
      <Icon name="date" />
      {late && <span class="visually-hidden">overdue, </span>}
      {spokenDate(task.due_date, now)}
    </span>
  );
}

export function TaskMeta({ task }: { task: Task }): JSX.Element {
  return (
    <span class="meta">
      {task.priority !== 2 && (
        <span class={`meta-priority is-${task.priority}`}>
          <PriorityMark priority={task.priority} />
          {PRIORITY_NAMES[task.priority]}
        </span>
      )}
      <DueWord task={task} />
      {task.category !== null && (
        <span class="meta-category">
          <Icon name="tag" />
          <span class="clip" dir="auto">
            {task.category}
          </span>
        </span>
      )}
      {task.description !== null && (
        <span class="meta-note">
          <Icon name="note" />
          <span class="clip" dir="auto">
            {task.description}
          </span>
        </span>
      )}
    </span>
  );
}

export function Tick({ task, onToggle }: { task: Task; onToggle: () => void }): JSX.Element {
  return (
    <label class="tick">
      <input type="checkbox" checked={task.status} aria-label={`Done: ${task.title}`} onChange={onToggle} />
      <svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">
        <circle cx="12" cy="12" r="9.5" />
        <path d="M7 12.5l3.5 3.5L17 8.5" pathLength="1" />
      </svg>
    </label>
  );
}

function Pick({ task }: { task: Task }): JSX.Element {
  return (
    <label class="pick">
      <input
        type="checkbox"
        checked={selected.value.has(task.id)}
        aria-label={`Select: ${task.title}`}
        onChange={() => toggleSelected(task.id)}
      />
    </label>
  );
}

/** A phone has room for one thing at the end of a row: the way to all others, or the box while tasks are being selected. */
function RowEnd({ task }: { task: Task }): JSX.Element {
  if (!isNarrow.value)
    return (
      <>
        <Pick task={task} />
        <button
          type="button"
          class="icon-button drop"
          aria-label={`Delete: ${task.title}`}
          onClick={() => deleteAndMoveOn(task)}
        >
          <Icon name="trash" />
        </button>
      </>
    );
  if (selected.value.size > 0) return <Pick task={task} />;
  return (
    <button
      type="button"
      class="icon-button more-actions"
      aria-label={`Actions: ${task.title}`}
      aria-haspopup="dialog"
      onClick={() => (acting.value = task.id)}
    >
      <Icon name="more" />
    </button>
  );
}

function Line({ task }: { task: Task }): JSX.Element {
  return (
    <>
      <Tick task={task} onToggle={() => toggleDone(task)} />
      <button type="button" class="task-open" aria-expanded={false} onClick={() => (editing.value = task.id)}>
        <span class="task-title" dir="auto">
          <span class="task-words">{task.title}</span>
        </span>
        <TaskMeta task={task} />
      </button>
      <RowEnd task={task} />
    </>
  );
}

export interface TaskRowProps {
  task: Task;
  index: number;
  of: number;
  top: number;
  /** Tells how high the row is while it is a form. */
  onExtra: (pixels: number) => void;
}

export function TaskRow({ task, index, of, top, onExtra }: TaskRowProps): JSX.Element {
  const row = useRef<HTMLLIElement>(null);
  const isOpen = editing.value !== undefined && currentId(editing.value) === task.id;
  useEffect(() => {
    if (!isOpen || !row.current) return;
    const element = row.current;
    const observer = new ResizeObserver(() => onExtra(element.offsetHeight));
    observer.observe(element);
    return () => {
      observer.disconnect();
      onExtra(0);
    };
  }, [isOpen]);
  const state = `${task.status ? 'is-done' : ''} ${isOpen ? 'is-open' : ''} ${task.id < 0 ? 'is-new' : ''}`;
  return (
    <li
      ref={row}
      class={`task ${state} ${selected.value.has(task.id) ? 'is-picked' : ''}`}
      data-task={task.id}
      data-key={keyOf(task.id)}
      aria-setsize={of}
      aria-posinset={index + 1}
      style={{ transform: `translateY(${top}px)` }}
    >
      {isOpen ? <TaskEditor task={task} /> : <Line task={task} />}
    </li>
  );
}
