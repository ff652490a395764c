// What can be done with one task on a phone, where a row has no room for it: a sheet from the foot of the page.
import type { JSX } from 'preact';
import type { Task } from '../contract/task.ts';
import { addDays, spokenDate, today } from './dates.ts';
import { Dialog } from './dialog.tsx';
import { Icon, type IconName, PriorityMark } from './icons.tsx';
import { acting, deleteAndMoveOn, editing, toggleDone, toggleSelected } from './list-state.ts';
import { changeTask, currentId, tasksById } from './store.ts';
import { PRIORITY_NAMES } from './task-words.ts';

function close(): void {
  acting.value = undefined;
}

interface ActionProps {
  icon: IconName;
  label: string;
  kind?: string;
  run: () => void;
}

function Action({ icon, label, kind = '', run }: ActionProps): JSX.Element {
  return (
    <button
      type="button"
      class={`action ${kind}`}
      onClick={() => {
        close();
        run();
      }}
    >
      <Icon name={icon} />
      {label}
    </button>
  );
}

interface ChoiceProps {
  name: string;
  label: string;
  options: readonly { key: string; words: JSX.Element | string; isChosen: boolean; choose: () => void }[];
}

function Choice({ name, label, options }: ChoiceProps): JSX.Element {
  return (
    <fieldset class="field segments-field">
      <legend>{label}</legend>
      <div class="segments wide">
        {options.map(({ key, words, isChosen, choose }) => (
          <label key={key}>
            <input type="radio" name={name} checked={isChosen} onChange={choose} />
            <span>{words}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function dueOptions(task: Task) {
  const now = today();
  const days: [string, string | null][] = [
    ['Today', now],
    ['Tomorrow', addDays(now, 1)],
    ['In a week', addDays(now, 7)],
    ['None', null],
  ];
  return days.map(([words, due_date]) => ({
    key: words,
    words,
    isChosen: task.due_date === due_date,
    choose: () => changeTask(task, { due_date }),
  }));
}

function priorityOptions(task: Task) {
  return ([1, 2, 3] as const).map((priority) => ({
    key: String(priority),
    words: (
      <>
        <PriorityMark priority={priority} />
        {PRIORITY_NAMES[priority]}
      </>
    ),
    isChosen: task.priority === priority,
    choose: () => changeTask(task, { priority }),
  }));
}

export function TaskActions(): JSX.Element | null {
  const task = acting.value === undefined ? undefined : tasksById.value.get(currentId(acting.value));
  if (!task) return null;
  const isOther = dueOptions(task).every(({ isChosen }) => !isChosen) && task.due_date !== null;
  return (
    <Dialog title={task.title} kind="actions" onClose={close}>
      <Choice
        name="action-due"
        label={isOther && task.due_date ? `Due ${spokenDate(task.due_date)}` : 'Due'}
        options={dueOptions(task)}
      />
      <Choice name="action-priority" label="Priority" options={priorityOptions(task)} />
      <div class="action-list">
        <Action icon="edit" label="Edit" run={() => (editing.value = task.id)} />
        <Action icon="check" label={task.status ? 'Reopen' : 'Complete'} run={() => toggleDone(task)} />
        <Action icon="select" label="Select" run={() => toggleSelected(task.id)} />
        <Action icon="trash" label="Move to the trash" kind="danger" run={() => deleteAndMoveOn(task)} />
      </div>
      <button type="button" class="button wide" onClick={close}>
        Close
      </button>
    </Dialog>
  );
}
