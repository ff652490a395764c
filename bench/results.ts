// Results as they come: each part is kept when it is complete, so that a run that was ended goes on where it was.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { RESULTS, ROOT, WORKPLACE } from './settings.ts';

const FAILURES = 'failures';

function fileOf(part: string): string {
  return path.join(RESULTS, `${part}.json`);
}

export function keptResult<Result>(part: string): Result | undefined {
  return existsSync(fileOf(part)) ? (JSON.parse(readFileSync(fileOf(part), 'utf8')) as Result) : undefined;
}

export function keepResult(part: string, result: unknown): void {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(fileOf(part), JSON.stringify(result, null, 1));
}

export function forgetResults(parts: readonly string[]): void {
  for (const part of parts) rmSync(fileOf(part), { force: true });
}

export function progress(text: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)}  ${text}\n`);
}

/** What was not measured, and why. */
export function failures(): Record<string, string> {
  return keptResult(FAILURES) ?? {};
}

export function forgetFailures(): void {
  forgetResults([FAILURES]);
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
    keepResult(FAILURES, { ...failures(), [what]: why });
    return undefined;
  }
}
