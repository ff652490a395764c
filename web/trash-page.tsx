// The trash: what was deleted in the last thirty days, to be restored or deleted for good.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { TRASH_DAYS } from '../contract/limits.ts';
import type { ListedTask, TaskPage } from '../contract/task.ts';
import { spokenTime } from './dates.ts';
import { Dialog } from './dialog.tsx';
import { call } from './http.ts';
import { Icon } from './icons.tsx';
import { connection } from './live.ts';
import { whenReachable } from './reading.ts';
import { purgeTask, restoreTasks, revision } from './store.ts';
import { say } from './toasts.ts';

type State = { kind: 'loading' } | { kind: 'failed'; text: string } | { kind: 'read' };

/** Changes come in bursts: one reading is enough for all of them. */
const SETTLE = 400;

function useTrash() {
  const tasks = useSignal<readonly ListedTask[]>([]);
  const next = useSignal<string | null>(null);
  const state = useSignal<State>({ kind: 'loading' });
  const gone = useSignal<ReadonlySet<number>>(new Set());
  const read = async (cursor: string | null) => {
    try {
      await whenReachable();
      const query = new URLSearchParams({
        trashed: 'true',
        sort: 'updated_at',
        ...(cursor ? { cursor } : {}),
      });
      const page = await call<TaskPage>('GET', `api/tasks?${query}`);
      tasks.value = cursor ? [...tasks.value, ...page.tasks] : page.tasks;
      next.value = page.next_cursor;
      if (!cursor) gone.value = new Set();
      state.value = { kind: 'read' };
    } catch (error) {
      if (tasks.value.length === 0) state.value = { kind: 'failed', text: (error as Error).message };
    }
  };
  const rev = revision.value;
  const isMendable = state.value.kind === 'failed' && connection.value === 'live';
  useEffect(() => {
    const timer = setTimeout(() => void read(null), state.value.kind === 'read' ? SETTLE : 0);
    return () => clearTimeout(timer);
  }, [rev, isMendable]);
  const remove = (task: ListedTask) => {
    gone.value = new Set([...gone.value, task.id]);
  };
  return {
    tasks: tasks.value.filter(({ id }) => !gone.value.has(id)),
    next: next.value,
    state: state.value,
    read,
    remove,
  };
}

interface RowProps {
  task: ListedTask;
  onRestore: () => void;
  onPurge: () => void;
}

function TrashRow({ task, onRestore, onPurge }: RowProps): JSX.Element {
  return (
    <li class="trash-row">
      <div class="trash-words">
        <span class="task-words" dir="auto">
          {task.title}
        </span>
        <span class="meta">
          {task.category !== null && <span class="clip">{task.category}</span>}
          {task.deleted_at && <span>Deleted {spokenTime(task.deleted_at)}</span>}
        </span>
      </div>
      <button type="button" class="button" aria-label={`Restore: ${task.title}`} onClick={onRestore}>
        <Icon name="restore" />
        <span>Restore</span>
      </button>
      <button
        type="button"
        class="icon-button danger"
        aria-label={`Delete for good: ${task.title}`}
        onClick={onPurge}
      >
        <Icon name="close" />
      </button>
    </li>
  );
}

function PurgeDialog({
  task,
  onClose,
  onYes,
}: {
  task: ListedTask;
  onClose: () => void;
  onYes: () => void;
}): JSX.Element {
  return (
    <Dialog title="Delete for good?" onClose={onClose}>
      <p class="lead-small">“{task.title}” cannot be brought back after this.</p>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onClose}>
          Keep it
        </button>
        <button type="button" class="button primary danger" onClick={onYes}>
          Delete for good
        </button>
      </div>
    </Dialog>
  );
}

function Body({
  trash,
  onPurge,
}: {
  trash: ReturnType<typeof useTrash>;
  onPurge: (task: ListedTask) => void;
}): JSX.Element {
  const { tasks, state, next } = trash;
  if (state.kind === 'failed')
    return (
      <div class="empty">
        <h2>The trash is kept on the server</h2>
        <p>{state.text}</p>
        <button type="button" class="button" onClick={() => void trash.read(null)}>
          Try again
        </button>
      </div>
    );
  if (state.kind === 'loading') return <p class="empty">Loading…</p>;
  if (tasks.length === 0)
    return (
      <div class="empty">
        <h2>Empty</h2>
      </div>
    );
  return (
    <>
      <ul class="trash-list" aria-label="Deleted tasks">
        {tasks.map((task) => (
          <TrashRow
            key={task.id}
            task={task}
            onPurge={() => onPurge(task)}
            onRestore={() => {
              restoreTasks([task]);
              trash.remove(task);
              say(`“${task.title}” is back in the list.`);
            }}
          />
        ))}
      </ul>
      {next !== null && (
        <button type="button" class="button more-below" onClick={() => void trash.read(next)}>
          Show more
        </button>
      )}
    </>
  );
}

export function TrashPage(): JSX.Element {
  const trash = useTrash();
  const asked = useSignal<ListedTask | undefined>(undefined);
  const task = asked.value;
  const close = () => {
    asked.value = undefined;
  };
  return (
    <div class="page">
      <header class="page-head">
        <h1>Trash</h1>
        <p class="summary">Deleted tasks can be restored for {TRASH_DAYS} days.</p>
      </header>
      <div class="sheet">
        <Body
          trash={trash}
          onPurge={(chosen) => {
            asked.value = chosen;
          }}
        />
      </div>
      {task && (
        <PurgeDialog
          task={task}
          onClose={close}
          onYes={() => {
            purgeTask(task);
            trash.remove(task);
            close();
            say(`“${task.title}” is gone for good.`);
          }}
        />
      )}
    </div>
  );
}
