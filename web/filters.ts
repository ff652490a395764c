// What the list shows and in which order, and how an address says it: only what differs from the start, in plain words.
import type { Priority } from '../contract/task.ts';

export type StatusFilter = 'open' | 'done' | 'all';
export type DueFilter = 'any' | 'overdue' | 'today' | 'week' | 'none';
export type Order = 'newest' | 'due' | 'priority' | 'title' | 'changed';

/** Stands for tasks without a category; no category can be this. */
export const NO_CATEGORY = '\u0000';

export interface Filters {
  status: StatusFilter;
  /** 0 for any. */
  priority: Priority | 0;
  /** '' for any. */
  category: string;
  due: DueFilter;
  query: string;
  order: Order;
}

export const START: Filters = {
  status: 'open',
  priority: 0,
  category: '',
  due: 'any',
  query: '',
  order: 'newest',
};

const STATUSES: readonly StatusFilter[] = ['open', 'done', 'all'];
const DUES: readonly DueFilter[] = ['any', 'overdue', 'today', 'week', 'none'];
const ORDERS: readonly Order[] = ['newest', 'due', 'priority', 'title', 'changed'];
const PRIORITIES = ['any', 'low', 'medium', 'high'] as const;

/** `?show=all&category=work&q=milk`; empty for the start. */
export function searchOf({ status, priority, category, due, query, order }: Filters): string {
  const said = new URLSearchParams();
  if (query !== '') said.set('q', query);
  if (status !== START.status) said.set('show', status);
  if (category !== '') said.set('category', category === NO_CATEGORY ? '' : category);
  if (priority !== 0) said.set('priority', PRIORITIES[priority]);
  if (due !== START.due) said.set('due', due);
  if (order !== START.order) said.set('order', order);
  return said.size === 0 ? '' : `?${said}`;
}

/** What an address says; what it says wrongly is as if it were not there. */
export function filtersOf(search: string): Filters {
  const said = new URLSearchParams(search);
  const oneOf = <Value extends string>(name: string, values: readonly Value[], otherwise: Value) =>
    values.find((value) => value === said.get(name)) ?? otherwise;
  const category = said.get('category');
  return {
    status: oneOf('show', STATUSES, START.status),
    priority: PRIORITIES.indexOf(oneOf('priority', PRIORITIES, 'any')) as Priority | 0,
    category: category === null ? '' : category === '' ? NO_CATEGORY : category,
    due: oneOf('due', DUES, START.due),
    query: said.get('q') ?? '',
    order: oneOf('order', ORDERS, START.order),
  };
}
