// Tasks brought in from a file: chosen, tried, looked at, and only then imported.
import type { JSX } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { IMPORT_BYTES, IMPORT_FAULTS_COUNTED, IMPORT_TASKS } from '../../contract/limits.ts';
import { go } from '../routes.ts';
import { count } from '../task-words.ts';
import { Card } from './frame.tsx';
import { Lines, Result } from './import-report.tsx';
import {
  choose,
  chosen,
  forget,
  type ImportState,
  importState,
  runImport,
  sizeWords,
  stopImport,
  tryImport,
} from './importing.ts';

const TYPES = '.ndjson,.jsonl,.csv,.tsv,.txt,application/x-ndjson,text/csv';

function Chooser(): JSX.Element {
  const id = useId();
  return (
    <>
      <div class="field file-field">
        <label for={id}>A file with tasks</label>
        <input
          id={id}
          type="file"
          accept={TYPES}
          onChange={({ currentTarget }) => {
            const [file] = currentTarget.files ?? [];
            if (file) choose(file);
          }}
        />
        <p class="hint">It is tried first: you see what would happen before anything does.</p>
      </div>
      <details class="formats">
        <summary>Which files?</summary>
        <ul>
          <li>
            <strong>An export of Donewell</strong>, as you get it above.
          </li>
          <li>
            <strong>CSV</strong> in UTF-8. Its first line names the columns: <code>title</code>, and if you
            like <code>description</code>, <code>status</code>, <code>category</code>, <code>priority</code>,{' '}
            <code>due_date</code>.
          </li>
          <li>
            <strong>Todoist</strong>: a project that was exported as a template (CSV).
          </li>
          <li>
            At most {sizeWords(IMPORT_BYTES)} and {count(IMPORT_TASKS, 'task')} in one file.
          </li>
        </ul>
      </details>
    </>
  );
}

type Moving = Extract<ImportState, { kind: 'sending' | 'working' }>;

function Progress({ state, size }: { state: Moving; size: number }): JSX.Element {
  const id = useId();
  const words = {
    sending: state.isTrial ? 'Sending the file to be tried…' : 'Sending the file…',
    working: state.isTrial ? 'Trying it…' : 'Importing…',
  };
  const [value, max] = state.kind === 'sending' ? [state.sent, size] : [state.done, state.total];
  const figures =
    state.kind === 'sending'
      ? `${sizeWords(value)} of ${sizeWords(size)}`
      : `${value.toLocaleString('en-GB')} of ${count(max, 'task')}`;
  return (
    <div class="progress">
      <p id={id} role="status">
        {words[state.kind]}
      </p>
      <progress aria-labelledby={id} {...(max > 0 ? { value, max } : {})} />
      <p class="hint">{max > 0 ? figures : ' '}</p>
      <button type="button" class="button" onClick={stopImport}>
        Stop
      </button>
    </div>
  );
}

function Another({ words = 'Choose another file' }: { words?: string }): JSX.Element {
  return (
    <button type="button" class="button quiet" onClick={forget}>
      {words}
    </button>
  );
}

function Settled({ state }: { state: Exclude<ImportState, Moving> }): JSX.Element {
  if (state.kind === 'wrong')
    return (
      <>
        <p class="fault" role="status">
          {state.total >= IMPORT_FAULTS_COUNTED && 'At least '}
          {count(state.total, 'thing')} to mend first. Nothing was imported.
        </p>
        <Lines lines={state.lines} label="What is wrong, by line" tone="fault" />
        {state.total > state.lines.reduce((sum, { words }) => sum + words.length, 0) && (
          <p class="hint">Only the first are shown.</p>
        )}
        <div class="form-foot">
          <button type="button" class="button" onClick={forget}>
            Choose the mended file
          </button>
        </div>
      </>
    );
  if (state.kind === 'failed')
    return (
      <>
        <p class="fault" role="status">
          {state.words}
        </p>
        <div class="form-foot">
          {state.isWorthTrying && (
            <button
              type="button"
              class="button"
              onClick={() => void (state.isTrial ? tryImport() : runImport())}
            >
              Try again
            </button>
          )}
          <Another />
        </div>
      </>
    );
  const { created } = state.result;
  return (
    <>
      <Result state={state} />
      <div class="form-foot">
        {state.kind === 'tried' && created > 0 && (
          <button type="button" class="button primary" onClick={() => void runImport()}>
            Import {count(created, 'task')}
          </button>
        )}
        {state.kind === 'done' && (
          <button type="button" class="button primary" onClick={() => go('tasks')}>
            To your tasks
          </button>
        )}
        <Another />
      </div>
    </>
  );
}

/** Where the focus is when what had it is gone: the page must not begin anew for those who cannot see it. */
function useFocusKept(kind: string | undefined) {
  const place = useRef<HTMLDivElement>(null);
  const before = useRef(kind);
  useEffect(() => {
    if (before.current === kind) return;
    before.current = kind;
    if (document.activeElement === document.body)
      place.current?.querySelector<HTMLElement>('h3, input')?.focus();
  }, [kind]);
  return place;
}

export function ImportCard(): JSX.Element {
  const file = chosen.value;
  const state = importState.value;
  const place = useFocusKept(state?.kind);
  return (
    <Card
      title="Import"
      hint="Tasks from elsewhere, or from an earlier export. All of a file, or nothing of it."
    >
      <div class="import" ref={place}>
        {!file && <Chooser />}
        {file && (
          <h3 tabIndex={-1}>
            {file.name} <span class="hint">{sizeWords(file.size)}</span>
          </h3>
        )}
        {file && (state?.kind === 'sending' || state?.kind === 'working') && (
          <Progress state={state} size={file.size} />
        )}
        {file && state && state.kind !== 'sending' && state.kind !== 'working' && <Settled state={state} />}
      </div>
    </Card>
  );
}
