// The icons: one pen, one grid of 24, drawn for this app.
import type { JSX } from 'preact';

const DRAWINGS = {
  tasks: 'M4 6.5l1.5 1.5L8 5M4 13.5L5.5 15L8 12M11.5 6.5H20M11.5 13.5H20M11.5 19.5H17',
  dashboard: 'M4 20V10M10 20V4M16 20v-7M21.5 20h-19',
  trash: 'M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.9 12.5h9.2L17.5 7M10.5 11v5M13.5 11v5',
  account: 'M12 12a4 4 0 100-8 4 4 0 000 8zM4.5 20.5c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5',
  plus: 'M12 5v14M5 12h14',
  check: 'M5 12.5l4.5 4.5L19 7',
  search: 'M10.5 17a6.5 6.5 0 100-13 6.5 6.5 0 000 13zM15.5 15.5L20 20',
  close: 'M6 6l12 12M18 6L6 18',
  restore: 'M4.5 10.5h10a5 5 0 010 10H9M4.5 10.5l4-4M4.5 10.5l4 4',
  date: 'M4.5 6.5h15v13.5h-15zM4.5 10.5h15M8.5 4v4M15.5 4v4',
  tag: 'M4 12.5V4.5h8l8 8-8 8zM8.250 8.5h.01',
  note: 'M5 6h14M5 11h14M5 16h8',
  filter: 'M4 6.5h16M7 12h10M10 17.5h4',
  help: 'M9 9a3 3 0 115 2.3c-1.3.9-2 1.5-2 3.2M12 18.5h.01',
  show: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 14.8a2.8 2.8 0 100-5.6 2.8 2.8 0 000 5.6z',
  hide: 'M3 9.5c2 3 5 5 9 5s7-2 9-5M12 14.5V18M6.5 13l-2 3M17.5 13l2 3',
  copy: 'M9 9h10.5v10.5H9zM6 15H4.5V4.5H15V6',
  key: 'M8 15.5a3.5 3.5 0 100-7 3.5 3.5 0 000 7zM11.5 12H21v3M17.5 12v2.5',
  sun: 'M12 16a4 4 0 100-8 4 4 0 000 8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4',
  moon: 'M19.5 14.5A8 8 0 119.5 4.5a6.3 6.3 0 0010 10z',
  more: 'M12 5.5h.01M12 12h.01M12 18.5h.01',
  edit: 'M5 19l.8-3.8L15.5 5.5l3 3L8.8 18.2zM13.5 7.5l3 3',
  select: 'M5 5h14v14H5zM8.5 12.2l2.5 2.5 4.5-5',
  download: 'M12 4v11M7.5 10.5L12 15l4.5-4.5M4.5 19.5h15',
  leave: 'M14 4.5H5.5v15H14M10.5 12H20M16.5 8.5L20 12l-3.5 3.5',
} as const;

export type IconName = keyof typeof DRAWINGS;

export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={DRAWINGS[name]} />
    </svg>
  );
}

/** One to three strokes of the pen. */
export function PriorityMark({ priority }: { priority: 1 | 2 | 3 }): JSX.Element {
  const strokes = [0, 1, 2].slice(0, priority).map((n) => `M${n * 4 + 1.5} 11.5l2-9`);
  return (
    <svg
      class={`priority-mark priority-${priority}`}
      viewBox={`0 0 ${priority * 4 + 1} 14`}
      aria-hidden="true"
      focusable="false"
    >
      <path d={strokes.join('')} />
    </svg>
  );
}

export function Logo(): JSX.Element {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="7" />
      <path class="logo-margin" d="M9.5 5.5v21" />
      <path class="logo-check" d="M12.5 17l4 4 7.5-10" />
    </svg>
  );
}
