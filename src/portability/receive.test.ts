// Whatever is in a file, others get their turns of the event loop while it is read, and what is hopeless is not read at all.
import { expect, it } from 'vitest';
import { IMPORT_FAULTS_COUNTED } from '../../contract/limits.ts';
import { receive } from './receive.ts';

const HEAD = 'title,priority\n';
const EXPORT = `${JSON.stringify({ type: 'header', format: 'donewell-export', version: 1, user_id: 'x' })}\n`;
const PIECE = 64 * 1_024;

/** How many turns the loop took between one piece of the body and the next, while nothing but the reading kept it. */
async function turnsFor(file: string, format: 'csv' | 'ndjson'): Promise<number> {
  let turns = 0;
  let taken = 0;
  let next: NodeJS.Immediate | undefined;
  const turn = () => {
    turns++;
    next = setImmediate(turn);
  };
  const pieces = async function* () {
    turn();
    yield Buffer.from(file);
    taken = turns;
    clearImmediate(next);
  };
  await receive(pieces(), format).then(
    ({ close }) => close(),
    () => {},
  );
  return taken;
}

const filled = (head: string, line: string, most = Number.POSITIVE_INFINITY) =>
  head + line.repeat(Math.min(most, Math.floor((PIECE - head.length) / line.length)));

it.each([
  ['rows that are wrong', filled(HEAD, `${'x'.repeat(70)},9\n`, IMPORT_FAULTS_COUNTED - 1), 'csv'],
  ['rows with too many cells', filled(HEAD, `x,1,${'y'.repeat(70)}\n`, IMPORT_FAULTS_COUNTED - 1), 'csv'],
  ['empty rows', filled(HEAD, ',\n'), 'csv'],
  ['lines that are no JSON', filled(EXPORT, `${'x'.repeat(70)}\n`, IMPORT_FAULTS_COUNTED - 1), 'ndjson'],
  ['lines that are not read', filled(EXPORT, '{"type":"profile"}\n'), 'ndjson'],
] as const)('of %s', async (_what, file, format) => {
  expect(file.length).toBeGreaterThan(PIECE * 0.9);
  expect(await turnsFor(file, format)).toBeGreaterThan(20);
});

it('a file in which everything is wrong is given up, and yet taken to its end', async () => {
  let given = 0;
  const pieces = async function* () {
    yield Buffer.from(HEAD);
    for (; given < 100; given++) yield Buffer.from(',9\n'.repeat(5_000));
  };
  const refused = await receive(pieces(), 'csv').catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'validation_error', extra: { errors_total: IMPORT_FAULTS_COUNTED } });
  expect(given).toBe(100);
});

it('rows are numbered rightly wherever a portion ends', async () => {
  for (let length = 1; length < 5; length++) {
    const rows = `title\r\n${`${'x'.repeat(length)}\r\n`.repeat(1_500)}`;
    const latin = Buffer.concat([Buffer.from(rows), Buffer.from([0xe4])]);
    const pieces = async function* () {
      yield latin;
    };
    const refused = await receive(pieces(), 'csv').catch((error: unknown) => error);
    expect(refused).toMatchObject({ errors: [{ line: 1_502 }] });
    const sound = async function* () {
      yield Buffer.from(rows);
    };
    const { file, close } = await receive(sound(), 'csv');
    expect(file.tasks.length).toBe(1_500);
    await close();
  }
});
