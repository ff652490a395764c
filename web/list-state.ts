// What the list shows: filters, order, search, the selection, and which task is being edited.
import { computed, effect, signal } from '@preact/signals';
import type { Task } from '../contract/task.ts';
import { addDays, today } from './dates.ts';
import {
  type DueFilter,
  type Filters,
  filtersOf,
  NO_CATEGORY,
  type Order,
  START,
  searchOf,
} from './filters.ts';
import { route, search, setSearch, typeSearch } from './routes.ts';
import { changeTask, changeTasks, currentId, realised, tasks, tasksById, trashTasks } from './store.ts';
import { say, unsay } from './toasts.ts';

export const filters = signal<Filters>(START);
export const selected = signal<ReadonlySet<number>>(new Set());
export const editing = signal<number | undefined>(undefined);
/** The task whose sheet of actions is open. */
export const acting = signal<number | undefined>(undefined);
/** The task that the keyboard is at. */
export const active = signal<number | undefined>(undefined);
/** Asks the list to put the focus on `active`. */
export const focusRequest = signal(0);
/** Just completed: they stay a moment, so that a person sees what they did. */
const lingering = signal<ReadonlySet<number>>(new Set());
const LINGER = 1_400;

/** The address decides: a link that was sent, a step back. */
effect(() => {
  const said = search.value;
  if (route.value === 'tasks' && said !== searchOf(filters.peek())) filters.value = filtersOf(said);
});

/** A task keeps its place in all of these when it gets its real id. */
effect(() => {
  if (!realised.value) return;
  const { madeId, realId } = realised.value;
  const moved = (ids: ReadonlySet<number>) => new Set([...ids].map((id) => (id === madeId ? realId : id)));
  if (active.peek() === madeId) active.value = realId;
  if (editing.peek() === madeId) editing.value = realId;
  if (selected.peek().has(madeId)) selected.value = moved(selected.peek());
  if (lingering.peek().has(madeId)) lingering.value = moved(lingering.peek());
});

/** Lower-cased texts are kept as long as their task: searching 10,000 of them is instant. */
const haystacks = new WeakMap<Task, string>();

function haystackOf(task: Task): string {
  let text = haystacks.get(task);
  if (text === undefined) {
    text = `${task.title}\n${task.description ?? ''}\n${task.category ?? ''}`.toLowerCase();
    haystacks.set(task, text);
  }
  return text;
}

function dueTest(due: DueFilter): (task: Task) => boolean {
  const now = today();
  const weekEnd = addDays(now, 7);
  switch (due) {
    case 'any':
      return () => true;
    case 'overdue':
      return ({ due_date, status }) => due_date !== null && due_date < now && !status;
    case 'today':
      return ({ due_date }) => due_date === now;
    case 'week':
      return ({ due_date }) => due_date !== null && due_date >= now && due_date <= weekEnd;
    case 'none':
      return ({ due_date }) => due_date === null;
  }
}

function testFor(wanted: Filters, staying: ReadonlySet<number>): (task: Task) => boolean {
  const words = wanted.query.toLowerCase().split(/\s+/).filter(Boolean);
  const isDue = dueTest(wanted.due);
  const status = wanted.status === 'all' ? undefined : wanted.status === 'done';
  const category = wanted.category === NO_CATEGORY ? null : wanted.category;
  return (task) =>
    (status === undefined || task.status === status || staying.has(task.id)) &&
    (wanted.priority === 0 || task.priority === wanted.priority) &&
    (wanted.category === '' || task.category === category) &&
    isDue(task) &&
    words.every((word) => haystackOf(task).includes(word));
}

const collator = new Intl.Collator(undefined, { sensitivity: 'base', numeric: true });
/** What is still on its way stands above all that the server has dated. */
const bornOf = ({ id, created_at }: Task) => (id < 0 ? '~' : created_at);
const newestFirst = (a: Task, b: Task) => {
  const [x, y] = [bornOf(a), bornOf(b)];
  return x < y ? 1 : x > y ? -1 : Math.abs(b.id) - Math.abs(a.id);
};
const LAST = '9999';

const ORDERS: Record<Order, (a: Task, b: Task) => number> = {
  newest: newestFirst,
  changed: (a, b) => (a.updated_at < b.updated_at ? 1 : a.updated_at > b.updated_at ? -1 : newestFirst(a, b)),
  priority: (a, b) => b.priority - a.priority || newestFirst(a, b),
  title: (a, b) => collator.compare(a.title, b.title) || newestFirst(a, b),
  due: (a, b) => {
    const [x, y] = [a.due_date ?? LAST, b.due_date ?? LAST];
    return x < y ? -1 : x > y ? 1 : newestFirst(a, b);
  },
};

export const visible = computed<readonly Task[]>(() => {
  const wanted = filters.value;
  return tasks.value.filter(testFor(wanted, lingering.value)).sort(ORDERS[wanted.order]);
});

/** Only asked for when nothing is shown. */
export const matchesOfAnyStatus = computed(
  () => tasks.value.filter(testFor({ ...filters.value, status: 'all' }, new Set())).length,
);

export const isFiltered = computed(() => {
  const { order, ...wanted } = filters.value;
  return Object.entries(wanted).some(([key, value]) => value !== START[key as keyof Filters]);
});

/** Categories in use, with the number of open tasks of each. */
export const categories = computed(() => {
  const counts = new Map<string, number>();
  for (const { category, status } of tasks.value)
    if (category !== null) counts.set(category, (counts.get(category) ?? 0) + (status ? 0 : 1));
  return [...counts].map(([name, open]) => ({ name, open })).sort((a, b) => collator.compare(a.name, b.name));
});

export const tally = computed(() => {
  const now = today();
  let [open, overdue, dueToday] = [0, 0, 0];
  for (const { status, due_date } of tasks.value) {
    if (status) continue;
    open += 1;
    if (due_date !== null && due_date < now) overdue += 1;
    if (due_date === now) dueToday += 1;
  }
  return { open, overdue, dueToday, all: tasks.value.length };
});

export const selection = computed(() => {
  const chosen: Task[] = [];
  for (const id of selected.value) {
    const task = tasksById.value.get(currentId(id));
    if (task) chosen.push(task);
  }
  return chosen;
});

/** At sign-out: the next person starts afresh. */
export function resetList(): void {
  filters.value = START;
  selected.value = new Set();
  editing.value = undefined;
  acting.value = undefined;
  active.value = undefined;
}

export function setFilter(change: Partial<Filters>): void {
  filters.value = { ...filters.value, ...change };
  setSearch(searchOf(filters.value));
}

/** As one types. */
export function setQuery(query: string): void {
  filters.value = { ...filters.value, query };
  typeSearch(searchOf(filters.value));
}

export function toggleSelected(id: number): void {
  const next = new Set(selected.value);
  if (!next.delete(id)) next.add(id);
  selected.value = next;
}

export function clearSelection(): void {
  selected.value = new Set();
}

function linger(ids: readonly number[]): void {
  lingering.value = new Set([...lingering.value, ...ids]);
  setTimeout(() => {
    const left = new Set(lingering.value);
    for (const id of ids) {
      left.delete(id);
      left.delete(currentId(id));
    }
    lingering.value = left;
  }, LINGER);
}

const TICKED = 'ticked';

function untick(id: number): void {
  const task = tasksById.value.get(currentId(id));
  if (task?.status) changeTask(task, { status: false });
}

/** A slip of the finger is taken back from the toast. */
export function toggleDone(task: Task): void {
  const status = !task.status;
  linger([task.id]);
  changeTask(task, { status });
  const action = { label: 'Undo', run: () => untick(task.id) };
  if (status) say(`“${task.title}” is done.`, { about: TICKED, action });
  else unsay(TICKED);
}

export function setDone(chosen: readonly Task[], status: boolean): void {
  const others = chosen.filter((task) => task.status !== status);
  linger(others.map(({ id }) => id));
  changeTasks(others, { status });
}

export function indexOfActive(): number {
  const id = active.value === undefined ? undefined : currentId(active.value);
  return visible.value.findIndex((task) => task.id === id);
}

export function focusAt(index: number): void {
  const list = visible.value;
  const task = list[Math.max(0, Math.min(index, list.length - 1))];
  if (!task) return;
  active.value = task.id;
  focusRequest.value += 1;
}

export function deleteAndMoveOn(task: Task): void {
  const index = visible.value.findIndex(({ id }) => id === task.id);
  if (editing.value === task.id) editing.value = undefined;
  if (selected.value.has(task.id)) toggleSelected(task.id);
  trashTasks([task]);
  focusAt(index);
}
