// An import on its way: tried first, then done. It goes on while its owner looks at other pages, and ends when they leave.
import { computed, effect, signal } from '@preact/signals';
import type { FieldError } from '../../contract/errors.ts';
import { NDJSON_TYPE } from '../../contract/headers.ts';
import { IMPORT_BYTES } from '../../contract/limits.ts';
import type { ImportProgress, ImportResult } from '../../contract/portability.ts';
import { patience, sentence } from '../form.ts';
import { newKey, Refused, Unreachable } from '../http.ts';
import { lastPerson, user } from '../person.ts';
import { route } from '../routes.ts';
import { count } from '../task-words.ts';
import { say } from '../toasts.ts';
import { linesOfFile } from './lines-of-file.ts';
import { Stopped, sendFile } from './transfer.ts';

/** Something about a line of the file, and what stands there. */
export interface LineWord {
  line: number;
  text: string | undefined;
  words: readonly string[];
}

export type ImportState =
  | { kind: 'sending'; isTrial: boolean; sent: number }
  | { kind: 'working'; isTrial: boolean; done: number; total: number }
  | { kind: 'wrong'; lines: readonly LineWord[]; total: number }
  | { kind: 'tried' | 'done'; result: ImportResult; warnings: readonly LineWord[] }
  | { kind: 'failed'; words: string; isTrial: boolean; isWorthTrying: boolean };

/** The file that was chosen. */
export const chosen = signal<File | undefined>(undefined);
export const importState = signal<ImportState | undefined>(undefined);
/** Not only tried: tasks are on their way. */
export const isImporting = computed(() => {
  const state = importState.value;
  return (state?.kind === 'sending' || state?.kind === 'working') && !state.isTrial;
});

/** The same for every attempt with one file: an answer that was lost on its way is given again. */
let key = '';
let stopper = new AbortController();

/** What the browser can tell by itself. */
class Unfit extends Error {}

const KILOBYTE = 1_024;
const MEGABYTE = KILOBYTE * KILOBYTE;

export function sizeWords(bytes: number): string {
  if (bytes < KILOBYTE) return count(bytes, 'byte');
  if (bytes < MEGABYTE) return `${Math.round(bytes / KILOBYTE)} KB`;
  return `${(bytes / MEGABYTE).toFixed(1).replace('.0', '')} MB`;
}

/** By what is in it: names of files say little. @throws Unfit */
async function typeOf(file: File): Promise<string> {
  if (file.size === 0) throw new Unfit('The file is empty.');
  if (file.size > IMPORT_BYTES)
    throw new Unfit(`It is larger than a file may be: ${sizeWords(IMPORT_BYTES)}. Import it in parts.`);
  const head = new Uint8Array(await file.slice(0, 512).arrayBuffer());
  const [first, second] = head;
  // ZIP (spreadsheets are that, too), gzip
  if ((first === 0x50 && second === 0x4b) || (first === 0x1f && second === 0x8b))
    throw new Unfit('It is packed, or a spreadsheet’s own format. Unpack it, or save it as CSV (UTF-8).');
  return new TextDecoder().decode(head).trimStart().startsWith('{') ? NDJSON_TYPE : 'text/csv';
}

function wordsFor(error: unknown, isTrial: boolean): string {
  if (error instanceof Unfit) return error.message;
  if (error instanceof DOMException)
    return 'The file cannot be read: it has changed since you chose it, or is gone. Choose it again.';
  if (error instanceof Unreachable)
    return isTrial
      ? `${error.message} Nothing was imported.`
      : `${error.message} Whether it was imported is not known. Try again: nothing comes twice.`;
  if (!(error instanceof Refused)) throw error;
  const { status, code, message, fields } = error;
  if (status === 401) return 'Your session had ended, and nothing was imported.';
  if (status === 413 && code === '')
    return 'Nothing was imported: something between you and the server lets no file of this size through. Import it in parts, or ask whoever runs the server.';
  if (status === 429) return patience(error);
  const [fault] = fields;
  return `${fault ? faultWords(fault, 'the file') : message} Nothing was imported.`;
}

/** Choosing the same file again would change nothing about these. */
function isWorthTrying(error: unknown): boolean {
  if (error instanceof Refused) return [401, 408, 429].includes(error.status) || error.status >= 500;
  return error instanceof Unreachable;
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}

function progressIn(text: string): ImportProgress | undefined {
  // The last line may be half of one.
  const told = lastLine(text.slice(0, text.lastIndexOf('\n') + 1));
  return told.startsWith('{"type":"progress"') ? (JSON.parse(told) as ImportProgress) : undefined;
}

/** @throws Refused for what went wrong after the answer had begun; Unreachable for half an answer. */
function resultIn(text: string): ImportResult {
  let told: { type?: string; problem?: Record<string, unknown> };
  try {
    told = JSON.parse(lastLine(text));
  } catch (error) {
    throw new Unreachable('The answer broke off.', { cause: error });
  }
  if (told.type === 'problem') throw new Refused(Number(told.problem?.status), told.problem ?? {}, undefined);
  if (told.type === 'progress') throw new Unreachable('The answer broke off.');
  return told as unknown as ImportResult;
}

function faultWords({ path, message }: FieldError, subject: string): string {
  const words = message
    .replace(/, or null$/, ', or nothing')
    .replace(/\d{5,}/g, (figure) => Number(figure).toLocaleString('en-GB'));
  return sentence(`${path === '' ? subject : path.replaceAll('_', ' ')} ${words}`);
}

async function lineWords(
  file: Blob,
  told: readonly { line?: number; words: string }[],
): Promise<readonly LineWord[]> {
  const lines = new Map<number, string[]>();
  for (const { line = 1, words } of told) lines.set(line, [...(lines.get(line) ?? []), words]);
  const texts = await linesOfFile(file, new Set(lines.keys())).catch(() => new Map<number, string>());
  return [...lines].map(([line, words]) => ({ line, text: texts.get(line), words }));
}

interface Run {
  file: File;
  isTrial: boolean;
  signal: AbortSignal;
}

async function ask({ file, isTrial, signal }: Run): Promise<ImportResult> {
  const show = (state: ImportState) => {
    if (!signal.aborted) importState.value = state;
  };
  show({ kind: 'sending', isTrial, sent: 0 });
  const response = await sendFile({
    path: `api/account/import${isTrial ? '?dry_run=true' : ''}`,
    file,
    headers: {
      'content-type': await typeOf(file),
      accept: NDJSON_TYPE,
      ...(isTrial ? {} : { 'idempotency-key': key }),
    },
    signal,
    onSent: (sent) =>
      show(
        sent < file.size
          ? { kind: 'sending', isTrial, sent }
          : { kind: 'working', isTrial, done: 0, total: 0 },
      ),
    onText: (text) => {
      const progress = progressIn(text);
      if (progress) show({ ...progress, kind: 'working', isTrial });
    },
  });
  return resultIn(await response.text());
}

/** Undefined where a refusal is about no line. */
async function wrongLines(file: Blob, { fields, body }: Refused): Promise<ImportState | undefined> {
  const told = fields
    .filter(({ line }) => line !== undefined)
    .map((fault) => ({ ...fault, words: faultWords(fault, 'this line') }));
  if (told.length === 0) return undefined;
  const total = Number(body.errors_total ?? told.length);
  return { kind: 'wrong', lines: await lineWords(file, told), total };
}

/** Undefined when it was stopped. */
async function outcomeOf(run: Run): Promise<ImportState | undefined> {
  const { file, isTrial } = run;
  try {
    const result = await ask(run);
    const warnings = await lineWords(
      file,
      result.warnings.map(({ line, message }) => ({ line, words: message })),
    );
    return { kind: isTrial ? 'tried' : 'done', result, warnings };
  } catch (error) {
    if (error instanceof Stopped) return undefined;
    const wrong = error instanceof Refused ? await wrongLines(file, error) : undefined;
    if (wrong) return wrong;
    return { kind: 'failed', words: wordsFor(error, isTrial), isTrial, isWorthTrying: isWorthTrying(error) };
  }
}

/** Closing the window would cut it off. Whoever has left in another tab is not asked. */
function hold(event: Event): void {
  if (lastPerson()?.id === user.peek()?.id) event.preventDefault();
}

async function go(isTrial: boolean): Promise<void> {
  const file = chosen.value;
  if (!file) return;
  stopper = new AbortController();
  const run = { file, isTrial, signal: stopper.signal };
  addEventListener('beforeunload', hold);
  try {
    const outcome = await outcomeOf(run);
    if (!outcome || run.signal.aborted) return;
    importState.value = outcome;
    if (outcome.kind === 'done' && route.value !== 'data')
      say(`${count(outcome.result.created, 'task')} imported.`);
    else if (!isTrial && outcome.kind === 'failed' && route.value !== 'data')
      say(outcome.words, { tone: 'problem' });
  } finally {
    if (stopper.signal === run.signal) removeEventListener('beforeunload', hold);
  }
}

/** Says what an import would do; changes nothing. */
export async function tryImport(): Promise<void> {
  await go(true);
}

export async function runImport(): Promise<void> {
  await go(false);
}

export function choose(file: File): void {
  forget();
  chosen.value = file;
  key = newKey();
  void tryImport();
}

/** What is on its way is stopped: the server writes all or nothing. */
export function forget(): void {
  stopper.abort();
  removeEventListener('beforeunload', hold);
  chosen.value = undefined;
  importState.value = undefined;
}

/** @returns to the state before; what was being written may just have been finished. */
export function stopImport(): void {
  const state = importState.value;
  if (state?.kind !== 'sending' && state?.kind !== 'working') return;
  stopper.abort();
  removeEventListener('beforeunload', hold);
  const { isTrial } = state;
  const words =
    state.kind === 'working' && !isTrial
      ? 'Stopped. Nothing was imported, unless it was all done by then; the same file again makes nothing twice.'
      : 'Stopped. Nothing was imported.';
  importState.value = { kind: 'failed', words, isTrial, isWorthTrying: true };
}

// It is one person's: whoever comes next finds nothing of it.
let owner: string | undefined;
effect(() => {
  const id = user.value?.id;
  if (id === owner) return;
  owner = id;
  forget();
});
