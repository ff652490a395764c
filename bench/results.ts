// Results as they come: each part is kept when it is complete, so that a run that was ended goes on where it was. What was
// measured with other settings, or of another commit, is not mixed with it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { output } from './processes.ts';
import { type BenchSettings, RESULTS, ROOT, WORKPLACE } from './settings.ts';

interface Kept {
  /** What was measured. */
  commit: string;
  result: unknown;
  /** What of it was not measured, and why. */
  failures: Record<string, string>;
}

/** What failed where no result came of it: of which part, and why. */
type Left = Record<string, { part: string; why: string }>;

const LEFT = 'left-out';
let directory = RESULTS;
let noted: Record<string, string> = {};

/** Of these settings and no others. */
export function openResults(settings: BenchSettings): string {
  const name = createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 8);
  directory = path.join(RESULTS, name);
  mkdirSync(directory, { recursive: true });
  return directory;
}

function fileOf(name: string): string {
  return path.join(directory, `${name}.json`);
}

function kept(name: string): Kept | undefined {
  return existsSync(fileOf(name)) ? (JSON.parse(readFileSync(fileOf(name), 'utf8')) as Kept) : undefined;
}

function keep(name: string, result: unknown, failures: Record<string, string>): void {
  const all: Kept = { commit: commitNow(), result, failures };
  writeFileSync(fileOf(name), JSON.stringify(all, null, 1));
}

const git = (...parameters: string[]) => output('git', parameters, { cwd: ROOT }).trim();

/** Tells one state that is not committed from another; nothing where all is. What is written for people measures nothing. */
function changesNow(): string {
  const measured = ['src', 'contract', 'bench', 'package-lock.json', ':(exclude)*.md'];
  const changed = git('diff', 'HEAD', '--binary', '--', ...measured);
  const added = git('ls-files', '--others', '--exclude-standard', '-z', '--', ...measured);
  if (changed === '' && added === '') return '';
  const hash = createHash('sha256').update(changed);
  for (const file of added.split('\0').filter((name) => name !== ''))
    hash.update(`\0${file}\0`).update(readFileSync(path.join(ROOT, file)));
  return ` with changes ${hash.digest('hex').slice(0, 7)}`;
}

let commit: string | undefined;
/** What is measured now. */
function commitNow(): string {
  commit ??= `${git('rev-parse', '--short', 'HEAD')}${changesNow()}`;
  return commit;
}

/** Whether there is a result of what is here now: then it need not be measured again. */
export function isMeasured(name: string): boolean {
  return kept(name)?.commit === commitNow();
}

/** Of whichever commit; the report says of which. */
export function keptResult<Result>(name: string): Result | undefined {
  return kept(name)?.result as Result | undefined;
}

/** Keeps it together with what has failed since the last one. */
export function keepResult(name: string, result: unknown): void {
  keep(name, result, noted);
  noted = {};
}

export function forgetResults(names: readonly string[]): void {
  for (const name of names) rmSync(fileOf(name), { force: true });
}

function names(): string[] {
  return readdirSync(directory).map((file) => path.basename(file, '.json'));
}

/** The results by the commit that they are of. */
export function measuredCommits(): Map<string, string[]> {
  const commits = new Map<string, string[]>();
  for (const name of names().filter((name) => name !== LEFT)) {
    const { commit } = kept(name) as Kept;
    commits.set(commit, [...(commits.get(commit) ?? []), name]);
  }
  return commits;
}

export function progress(text: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)}  ${text}\n`);
}

/** What was not measured, and why. */
export function failures(): Record<string, string> {
  const left = Object.entries(keptResult<Left>(LEFT) ?? {}).map(([what, { why }]) => [what, why]);
  return Object.assign(Object.fromEntries(left), ...names().map((name) => kept(name)?.failures));
}

function inOneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const short = text
    // An address with a password.
    .replace(/:\/\/[^@\s]+@/g, '://…@')
    .replaceAll(WORKPLACE, '…')
    .replaceAll(ROOT, '…')
    .replace(/\s+/g, ' ')
    .replaceAll('|', '/');
  return short.slice(0, 300).trim();
}

/** Runs it; if it fails, notes why and goes on without it. */
export async function attempt<Result>(
  what: string,
  run: () => Promise<Result> | Result,
): Promise<Result | undefined> {
  try {
    return await run();
  } catch (error) {
    const why = inOneLine(error);
    progress(`not measured: ${what}: ${why}`);
    noted[what] = why;
    return undefined;
  }
}

/** Runs a part, and keeps what failed in it and is in no result; what had failed the last time is forgotten. */
export async function attemptPart(part: string, run: () => Promise<unknown>): Promise<void> {
  await attempt(part, run);
  const others = Object.entries(keptResult<Left>(LEFT) ?? {}).filter(([, left]) => left.part !== part);
  const these = Object.entries(noted).map(([what, why]) => [what, { part, why }]);
  keep(LEFT, Object.fromEntries([...others, ...these]), {});
  noted = {};
}
