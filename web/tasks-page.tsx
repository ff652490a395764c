// The first page: today's date, the line to write on, and the list.
import type { JSX } from 'preact';
import { BulkBar } from './bulk-bar.tsx';
import { longDate, today } from './dates.ts';
import { filters, isFiltered, matchesOfAnyStatus, setFilter, tally, visible } from './list-state.ts';
import { connection } from './live.ts';
import { QuickAddLine } from './quick-add-line.tsx';
import { isLoaded } from './store.ts';
import { TaskActions } from './task-actions.tsx';
import { TaskList } from './task-list.tsx';
import { count } from './task-words.ts';
import { Toolbar } from './toolbar.tsx';

function summary(): string {
  const { open, overdue, dueToday } = tally.value;
  if (open === 0) return 'Nothing open.';
  const parts = [`${open.toLocaleString('en-GB')} open`];
  if (dueToday > 0) parts.push(`${dueToday} due today`);
  if (overdue > 0) parts.push(`${overdue} overdue`);
  return `${parts.join(' · ')}`;
}

/** Looked for among the open ones, but done already: that is a find, too. */
function NoMatch(): JSX.Element {
  const others = matchesOfAnyStatus.value;
  if (others === 0)
    return (
      <div class="empty">
        <h2>Nothing matches</h2>
        <p>No task is like that, open or done.</p>
      </div>
    );
  const isOpen = filters.value.status === 'open';
  if (!isOpen && others === tally.value.all)
    return (
      <div class="empty">
        <h2>Nothing done yet</h2>
        <p>What you tick off is kept here.</p>
      </div>
    );
  return (
    <div class="empty">
      <h2>Nothing matches here</h2>
      <p>
        {count(others, 'task')} like that {others === 1 ? 'is' : 'are'}{' '}
        {isOpen ? 'done already' : 'still open'}.
      </p>
      <button type="button" class="button" onClick={() => setFilter({ status: 'all' })}>
        Show {others === 1 ? 'it' : 'them'}
      </button>
    </div>
  );
}

function Nothing(): JSX.Element {
  if (!isLoaded.value && connection.value === 'offline')
    return (
      <div class="empty">
        <h2>No network, and nothing kept here yet</h2>
        <p>Write on: your tasks are kept on this device and sent when the network is back.</p>
      </div>
    );
  if (tally.value.all === 0)
    return (
      <div class="empty">
        <h2>A blank page</h2>
        <p>
          Write the first thing that is on your mind on the line above and press <kbd>Enter</kbd>.
        </p>
      </div>
    );
  if (!isFiltered.value)
    return (
      <div class="empty">
        <h2>All done</h2>
        <p>Every task is ticked off. {count(tally.value.all, 'task')} in all.</p>
      </div>
    );
  return <NoMatch />;
}

/** Grey lines where tasks will be. */
function Loading(): JSX.Element {
  return (
    <div class="loading" role="status">
      <span class="visually-hidden">Loading your tasks</span>
      {[70, 45, 60, 35, 52, 41].map((width) => (
        <div key={width} class="loading-row" aria-hidden="true">
          <span style={{ width: `${width}%` }} />
        </div>
      ))}
    </div>
  );
}

function Sheet(): JSX.Element {
  if (visible.value.length > 0) return <TaskList />;
  return isLoaded.value || connection.value === 'offline' ? <Nothing /> : <Loading />;
}

export function TasksPage(): JSX.Element {
  const [weekday = '', ...date] = longDate(today()).split(' ');
  return (
    <div class="page tasks-page">
      <header class="page-head">
        <h1>
          {weekday.replace(',', '')} <span class="date">{date.join(' ')}</span>
          <span class="visually-hidden">: tasks</span>
        </h1>
        <p class="summary">{isLoaded.value ? summary() : '\u00a0'}</p>
      </header>
      <div class="sheet ruled">
        <QuickAddLine />
        <Toolbar />
        <Sheet />
      </div>
      <BulkBar />
      <TaskActions />
    </div>
  );
}
