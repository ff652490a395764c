// The drawings of the dashboard: ring, bars, calendar, trend. Plain SVG.
import type { JSX } from 'preact';
import type { Overview } from '../contract/dashboard.ts';
import { shortDate, weekdayOf } from './dates.ts';
import { isNarrow } from './narrow.ts';

type Day = Overview['trend'][number];

export function Ring({ rate }: { rate: number }): JSX.Element {
  const length = 2 * Math.PI * 42;
  return (
    <svg class="ring" viewBox="0 0 100 100" aria-hidden="true">
      <circle cx="50" cy="50" r="42" />
      {rate > 0 && (
        <circle
          class="ring-done"
          cx="50"
          cy="50"
          r="42"
          stroke-dasharray={`${(length * rate) / 100} ${length}`}
        />
      )}
      <text x="50" y="53">
        {rate}%
      </text>
      <text class="ring-word" x="50" y="66">
        done
      </text>
    </svg>
  );
}

export interface BarRow {
  label: string;
  /** Drawn one after another, of `of`. */
  parts: readonly { amount: number; kind: 'done' | 'open' | 'late' }[];
  words: string;
}

const BAR_WIDTH = 1000;

export function Bars({ rows, of }: { rows: readonly BarRow[]; of: number }): JSX.Element {
  const scale = BAR_WIDTH / Math.max(1, of);
  return (
    <div class="bars">
      {rows.map(({ label, parts, words }) => {
        let x = 0;
        return (
          <div key={label}>
            <div class="bar-label">
              <span class="clip">{label}</span>
              <span>{words}</span>
            </div>
            <svg class="bar" viewBox={`0 0 ${BAR_WIDTH} 8`} preserveAspectRatio="none" aria-hidden="true">
              <rect width={BAR_WIDTH} height="8" />
              {parts.map(({ amount, kind }) => {
                const start = x;
                x += amount * scale;
                return <rect key={kind} class={`bar-${kind}`} x={start} width={amount * scale} height="8" />;
              })}
            </svg>
          </div>
        );
      })}
    </div>
  );
}

const CELL = 14;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function levelOf(completed: number, most: number): number {
  return completed === 0 ? 0 : Math.min(4, Math.ceil((completed / Math.max(4, most)) * 4));
}

/** Monday is the first row. */
function rowOf(date: string): number {
  return (weekdayOf(date) + 6) % 7;
}

function Weeks({ days, most }: { days: readonly Day[]; most: number }): JSX.Element {
  const [first] = days;
  if (!first) return <p />;
  const offset = rowOf(first.date);
  const columnOf = (index: number) => Math.floor((index + offset) / 7);
  const width = (columnOf(days.length - 1) + 1) * CELL + 28;
  return (
    <svg class="calendar" viewBox={`0 0 ${width} ${7 * CELL + 16}`} aria-hidden="true">
      {['Mon', 'Wed', 'Fri'].map((day, index) => (
        <text key={day} class="axis" x="0" y={16 + index * 2 * CELL + 10}>
          {day}
        </text>
      ))}
      {days.map(({ date, completed }, index) => {
        const x = 28 + columnOf(index) * CELL;
        return (
          <g key={date}>
            {date.endsWith('-01') && (
              <text class="axis" x={x} y="9">
                {MONTHS[Number(date.slice(5, 7)) - 1]}
              </text>
            )}
            <rect
              class={`level-${levelOf(completed, most)}`}
              x={x}
              y={16 + rowOf(date) * CELL}
              width="11"
              height="11"
              rx="2"
            >
              <title>{`${completed} on ${shortDate(date)}`}</title>
            </rect>
          </g>
        );
      })}
    </svg>
  );
}

const HALF_YEAR = 26 * 7;

/** On a phone the two halves of the year stand one below the other, so that nobody has to scroll sideways. */
export function Calendar({ days }: { days: readonly Day[] }): JSX.Element {
  const most = Math.max(...days.map(({ completed }) => completed));
  if (!isNarrow.value) return <Weeks days={days} most={most} />;
  return (
    <>
      <Weeks days={days.slice(0, -HALF_YEAR)} most={most} />
      <Weeks days={days.slice(-HALF_YEAR)} most={most} />
    </>
  );
}

const TREND = { width: 420, height: 200, left: 26, top: 8, bottom: 24 };

/** Every so many days there is a date below, but not where today stands. */
const LABEL_DAYS = 10;

/** A round number above: 1, 2, 5, 10, 20, 50 … */
function roundUp(number: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, number)));
  return [1, 2, 4, 10].map((step) => step * power).find((step) => step >= number) ?? 1;
}

export function Trend({ days }: { days: readonly Day[] }): JSX.Element {
  const { width, height, left, top, bottom } = TREND;
  const most = roundUp(Math.max(2, ...days.flatMap(({ created, completed }) => [created, completed])));
  const step = (width - left) / Math.max(1, days.length);
  const y = (amount: number) => height - bottom - (amount / most) * (height - bottom - top);
  const made = days.map(({ created }, index) => `${left + (index + 0.5) * step},${y(created)}`).join(' ');
  return (
    <svg class="trend" viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      {[0, most / 2, most].map((amount) => (
        <g key={amount}>
          <path class="trend-grid" d={`M${left} ${y(amount)}H${width}`} />
          <text class="axis" x="0" y={y(amount) + 3}>
            {amount}
          </text>
        </g>
      ))}
      {days.map(({ date, completed }, index) => (
        <g key={date}>
          <rect
            class="trend-done"
            x={left + index * step + step * 0.18}
            y={y(completed)}
            width={step * 0.64}
            height={height - bottom - y(completed)}
            rx="1.5"
          />
          {index % LABEL_DAYS === 0 && index < days.length - LABEL_DAYS / 2 && (
            <text class="axis" x={left + index * step} y={height - 6}>
              {shortDate(date)}
            </text>
          )}
        </g>
      ))}
      <text class="axis axis-end" x={width} y={height - 6}>
        Today
      </text>
      <polyline class="trend-made" points={made} />
    </svg>
  );
}
