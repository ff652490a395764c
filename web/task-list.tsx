// The list: only the rows in sight exist, however many tasks there are; the page itself scrolls.
import { untracked, useSignal, useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useCallback, useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Task } from '../contract/task.ts';
import { active, editing, focusRequest, indexOfActive, selected, visible } from './list-state.ts';
import { currentId, keyOf } from './store.ts';
import { TaskRow } from './task-row.tsx';

/** In rem, as the style sheet has it. */
const ROW = 3.875;
/** Rows beyond both edges, so that fast scrolling meets no gap. */
const MARGIN = 10;

function remPixels(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
}

interface Layout {
  rowHeight: number;
  /** How much more the task that is being edited takes. */
  extra: number;
  /** Its place, or the end. */
  editIndex: number;
}

function topOf(index: number, { rowHeight, extra, editIndex }: Layout): number {
  return index * rowHeight + (index > editIndex ? extra : 0);
}

/** The row at a height of the list. */
function indexAt(height: number, layout: Layout): number {
  const plain = Math.floor(height / layout.rowHeight);
  return plain <= layout.editIndex
    ? plain
    : Math.max(layout.editIndex, Math.floor((height - layout.extra) / layout.rowHeight));
}

/** Room that what sticks to the edges of the window takes. */
const EDGES = { top: 16, bottom: 120 };

/** Scrolls so far that the row is in sight, then puts the focus on it. */
function bringIntoSight(list: HTMLElement, index: number, layout: Layout): void {
  const listTop = list.getBoundingClientRect().top;
  const top = listTop + topOf(index, layout);
  const bottom = top + layout.rowHeight;
  if (top < EDGES.top) scrollBy(0, top - EDGES.top);
  else if (bottom > innerHeight - EDGES.bottom) scrollBy(0, bottom - innerHeight + EDGES.bottom);
}

/** Frames in which a row that was just brought into sight may take its time to be drawn. */
const FOCUS_TRIES = 5;

function focusWhenThere(list: HTMLElement, tries: number): void {
  const key = keyOf(currentId(active.peek() ?? 0));
  const row = list.querySelector<HTMLElement>(`[data-key="${key}"] .task-open`);
  if (row) row.focus({ preventScroll: true });
  else if (tries > 0) requestAnimationFrame(() => focusWhenThere(list, tries - 1));
}

function useRange(list: { current: HTMLElement | null }, layout: Layout, length: number) {
  const first = useSignal(0);
  const last = useSignal(40);
  const measure = () => {
    const element = list.current;
    if (!element) return;
    const above = -element.getBoundingClientRect().top;
    first.value = Math.max(0, indexAt(Math.max(0, above), layout) - MARGIN);
    last.value = indexAt(Math.max(0, above + innerHeight), layout) + MARGIN;
  };
  const latest = useRef(measure);
  latest.current = measure;
  useEffect(() => {
    const listener = () => latest.current();
    addEventListener('scroll', listener, { passive: true });
    addEventListener('resize', listener);
    return () => {
      removeEventListener('scroll', listener);
      removeEventListener('resize', listener);
    };
  }, []);
  useLayoutEffect(measure, [length, layout.extra, layout.rowHeight, layout.editIndex]);
  return {
    first: Math.min(first.value, Math.max(0, length - 1)),
    last: Math.min(last.value, length - 1),
    measure,
  };
}

function rowsOf(items: readonly Task[], first: number, last: number, editIndex: number) {
  const rows: { task: Task; index: number }[] = [];
  const add = (index: number) => {
    const task = items[index];
    if (task) rows.push({ task, index });
  };
  // What is being edited stays, wherever the page scrolls: nothing typed is lost.
  if (editIndex < first && editIndex >= 0) add(editIndex);
  for (let index = first; index <= last; index++) add(index);
  if (editIndex > last && editIndex < items.length) add(editIndex);
  return rows;
}

export function TaskList(): JSX.Element {
  const items = visible.value;
  const list = useRef<HTMLUListElement>(null);
  const extra = useSignal(0);
  const editId = editing.value === undefined ? undefined : currentId(editing.value);
  const found = editId === undefined ? -1 : items.findIndex((task) => task.id === editId);
  const layout: Layout = {
    rowHeight: ROW * remPixels(),
    extra: found < 0 ? 0 : extra.value,
    editIndex: found < 0 ? Number.POSITIVE_INFINITY : found,
  };
  const { first, last, measure } = useRange(list, layout, items.length);
  const latest = useRef(layout);
  latest.current = layout;
  // One function for all time: rows with the same properties are not rendered again while the list scrolls.
  const noteExtra = useCallback((pixels: number) => {
    extra.value = Math.max(0, pixels - latest.current.rowHeight);
  }, []);
  const focusActive = () => {
    const index = indexOfActive();
    if (index < 0 || !list.current) return;
    bringIntoSight(list.current, index, latest.current);
    measure();
    focusWhenThere(list.current, FOCUS_TRIES);
  };
  // Only when it is asked for: a change of the list must not take the focus from whoever types.
  useSignalEffect(() => {
    if (focusRequest.value > 0) untracked(focusActive);
  });
  const height = items.length * layout.rowHeight + layout.extra;
  return (
    <ul
      class={`task-list ${selected.value.size > 0 ? 'is-picking' : ''}`}
      ref={list}
      style={{ height: `${height}px` }}
      aria-label="Tasks"
    >
      {rowsOf(items, first, last, layout.editIndex).map(({ task, index }) => (
        <TaskRow
          key={keyOf(task.id)}
          task={task}
          index={index}
          of={items.length}
          top={topOf(index, layout)}
          onExtra={noteExtra}
        />
      ))}
    </ul>
  );
}
