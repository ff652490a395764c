// All of one's data as a file: read to its end, and looked at before it is called a copy.
import { type Signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { ExportEnd } from '../../contract/portability.ts';
import { isoOf } from '../dates.ts';
import { Refused, Unreachable } from '../http.ts';
import { Icon } from '../icons.tsx';
import { pendingCount } from '../outbox.ts';
import { whenReachable } from '../reading.ts';
import { count } from '../task-words.ts';
import { saveAs } from './copying.tsx';
import { receiveFile } from './transfer.ts';

type State =
  | { kind: 'rest' }
  | { kind: 'reading'; lines: number }
  | { kind: 'saved'; words: string }
  | { kind: 'failed'; words: string };

const NEWLINE = 10;
const LONGEST_END = 200;

function linesIn(piece: Uint8Array): number {
  let lines = 0;
  for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}

/** @throws Unreachable when the file lacks its last line. */
async function endOf(blob: Blob): Promise<ExportEnd> {
  const tail = await blob.slice(-LONGEST_END).text();
  try {
    const end = JSON.parse(tail.trimEnd().split('\n').at(-1) ?? '') as ExportEnd;
    if (end.type === 'end') return end;
  } catch {
    // Half a line.
  }
  throw new Unreachable('The file broke off before its end.');
}

async function save(state: Signal<State>): Promise<void> {
  if (state.value.kind === 'reading') return;
  let lines = 0;
  state.value = { kind: 'reading', lines };
  try {
    await whenReachable();
    const { blob, name } = await receiveFile('api/account/export', (piece) => {
      lines += linesIn(piece);
      state.value = { kind: 'reading', lines };
    });
    const { tasks, trashed } = await endOf(blob);
    const file = name ?? `donewell-${isoOf(new Date())}.ndjson`;
    saveAs(file, blob);
    const held = count(tasks, 'task') + (trashed > 0 ? `, ${trashed} of them in the trash` : '');
    state.value = { kind: 'saved', words: `${file} is yours: ${held}.` };
  } catch (error) {
    if (!(error instanceof Refused || error instanceof Unreachable)) throw error;
    state.value = { kind: 'failed', words: `${error.message} No file was saved.` };
  }
}

export function ExportButton({ label }: { label: string }): JSX.Element {
  const state = useSignal<State>({ kind: 'rest' });
  const now = state.value;
  const waiting = pendingCount.value;
  return (
    <div class="export">
      <button
        type="button"
        class="button"
        aria-disabled={now.kind === 'reading'}
        onClick={() => void save(state)}
      >
        <Icon name="download" />
        {now.kind === 'reading' ? 'One moment…' : label}
      </button>
      {now.kind === 'reading' && now.lines > 0 && <p class="hint">{count(now.lines, 'line')} so far</p>}
      {waiting > 0 && (
        <p class="hint">
          {count(waiting, 'change')} {waiting === 1 ? 'waits' : 'wait'} to be sent and will not be in it.
        </p>
      )}
      <p class={now.kind === 'failed' ? 'fault' : 'success'} role="status">
        {now.kind === 'saved' || now.kind === 'failed' ? now.words : ''}
      </p>
    </div>
  );
}
