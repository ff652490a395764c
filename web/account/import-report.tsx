// What an import says: how many tasks, and what there is to say of which line.
import type { JSX } from 'preact';
import type { ImportFormat, ImportResult } from '../../contract/portability.ts';
import { count } from '../task-words.ts';
import type { ImportState, LineWord } from './importing.ts';

const FORMATS: Record<ImportFormat, string> = {
  ndjson: 'an export of Donewell',
  csv: 'a CSV file',
  todoist: 'a project of Todoist',
};

export interface LinesProps {
  lines: readonly LineWord[];
  label: string;
  tone: 'fault' | 'hint';
}

/** Of many only some are seen at once: then they are reached, and moved, by the keyboard, too. */
export function Lines({ lines, label, tone }: LinesProps): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
    <section class="file-lines" aria-label={label} tabIndex={0}>
      <ol>
        {lines.map(({ line, text, words }) => (
          <li key={line}>
            <span class="line-number">Line {line.toLocaleString('en-GB')}</span>
            {text !== undefined && (
              <code class="line-text" dir="auto">
                {text}
              </code>
            )}
            {words.map((one) => (
              <p key={one} class={tone}>
                {one}
              </p>
            ))}
          </li>
        ))}
      </ol>
    </section>
  );
}

function triedWords({ tasks, created, already_there: there, format }: ImportResult): string {
  const found = `It is ${FORMATS[format]} with ${count(tasks, 'task')}`;
  if (tasks === 0) return `${found}: there is nothing to import.`;
  if (created === 0) return `${found}: nothing to import, they are here already.`;
  if (there === 0)
    return `${found}: ${tasks === created ? 'all new' : `${created.toLocaleString('en-GB')} new`}.`;
  return `${found}: ${created.toLocaleString('en-GB')} new, ${there.toLocaleString('en-GB')} here already.`;
}

function doneWords({ created, already_there: there }: ImportResult): string {
  const imported = `${count(created, 'task')} imported.`;
  return there === 0
    ? imported
    : `${imported} ${count(there, 'task')} ${there === 1 ? 'was' : 'were'} here already.`;
}

export function Result({
  state: { kind, result, warnings },
}: {
  state: Extract<ImportState, { kind: 'tried' | 'done' }>;
}): JSX.Element {
  const { expired, warnings_total: total } = result;
  return (
    <>
      <p role="status" class={kind === 'done' ? 'success' : ''}>
        {kind === 'tried' ? triedWords(result) : doneWords(result)}
        {expired > 0 &&
          ` ${count(expired, 'task')} had ${expired === 1 ? 'its' : 'their'} time in the trash.`}
      </p>
      {kind === 'tried' && total > 0 && (
        <>
          <p>
            {count(total, 'thing')} cannot come over quite as {total === 1 ? 'it is' : 'they are'}:
          </p>
          <Lines lines={warnings} label="What changes, by line" tone="hint" />
          {total > result.warnings.length && <p class="hint">Only the first are shown.</p>}
        </>
      )}
    </>
  );
}
