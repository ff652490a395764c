// A hundred thousand tasks in and out again, in a process whose heap could not hold them, and the same tasks in the end.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Client, signUp } from './support/client.ts';
import { dataDirectory, type RunningServer, startProcess } from './support/process.ts';

const COUNT = 100_000;
/** Megabytes. Sixty are the program's own; the file alone has more than the rest, and as objects several times as much. */
const HEAP = 160;
const FILE = 100;
/** Megabytes that the process may grow by: generous, and far from any multiple of the file. */
const GROWTH = 200;
const WORDS =
  'alpha beta gamma delta report milk bridge plants invoice travel garden window cable letter'.split(' ');

let server: RunningServer;
let data: ReturnType<typeof dataDirectory>;

beforeAll(async () => {
  data = dataDirectory();
  server = await startProcess({
    env: {
      DATA_DIR: data.directory,
      RATE_LIMIT_REQUESTS: '1000000',
      LOG_LEVEL: 'warn',
      NODE_OPTIONS: `--max-old-space-size=${HEAP}`,
    },
  });
});
afterAll(async () => {
  await server.stop();
  data.remove();
});

/** The most that the process has held in memory so far, in megabytes. */
function peak(): number {
  if (process.platform !== 'linux')
    return Number(execFileSync('ps', ['-o', 'rss=', '-p', `${server.pid}`])) / 1_024;
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1_024;
}

type Row = [
  title: string,
  description: string,
  done: boolean,
  category: string,
  priority: number,
  due: string,
];

function* tasks(): Generator<Row> {
  for (let index = 0; index < COUNT; index++) {
    const word = (step: number) => WORDS[(index * 7 + step * step) % WORDS.length] ?? '';
    // Long, but of few words: what takes time is the index for searching, and that is not what this is about.
    const description = Array(130).fill(word(2)).join(' ');
    const due = `2026-0${(index % 9) + 1}-11`;
    yield [`Task ${index} ${word(3)}`, description, index % 3 === 0, word(1), (index % 3) + 1, due];
  }
}

function* csv(): Generator<string> {
  yield 'title,description,done,category,priority,due_date\n';
  for (const row of tasks()) yield `${row.join(',')}\n`;
}

async function upload(
  client: Client,
  { type, body, query = '' }: { type: string; body: Readable; query?: string },
): Promise<{ status: number; text: string }> {
  const sent = request(`${server.url}/api/account/import${query}`, {
    method: 'POST',
    headers: { 'content-type': type, authorization: `Bearer ${client.bearer}` },
  });
  const answered = once(sent, 'response');
  await pipeline(body, sent);
  const [answer] = (await answered) as [IncomingMessage];
  let text = '';
  for await (const piece of answer.setEncoding('utf8')) text += piece;
  return { status: answer.statusCode ?? 0, text };
}

async function download(client: Client): Promise<IncomingMessage> {
  const sent = request(`${server.url}/api/account/export`, {
    headers: { authorization: `Bearer ${client.bearer}` },
  }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  expect(answer.statusCode).toBe(200);
  return answer;
}

/** Reads an export line by line, and says how many tasks of it are, in their order, those of the table. */
async function compare(client: Client): Promise<{ equal: number; bytes: number; end: object }> {
  const expected = tasks();
  let [equal, bytes, end, rest] = [0, 0, {}, ''];
  for await (const piece of (await download(client)).setEncoding('utf8')) {
    bytes += piece.length;
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const { type, ...said } = JSON.parse(line);
      if (type === 'end') end = said;
      if (type !== 'task') continue;
      const { title, description, status, category, priority, due_date } = said;
      const own = JSON.stringify([title, description, status, category, priority, due_date]);
      if (own === JSON.stringify(expected.next().value)) equal++;
    }
  }
  return { equal, bytes, end };
}

it('are imported, exported and read again in constant memory, and equal', async () => {
  const [ada, bob] = await Promise.all([signUp(server.url), signUp(server.url)]);
  for (const client of [ada, bob]) client.bearer = client.accessToken;
  await upload(bob, { type: 'text/csv', body: Readable.from(['title\nWarm-up\n']) });
  const before = peak();

  const imported = await upload(ada, { type: 'text/csv', body: Readable.from(csv()) });
  expect([imported.status, JSON.parse(imported.text)]).toMatchObject([200, { created: COUNT }]);
  const exported = await compare(ada);
  expect(exported).toMatchObject({ equal: COUNT, end: { tasks: COUNT, trashed: 0 } });
  expect(exported.bytes).toBeGreaterThan(FILE * 1_048_576);

  // Straight from one account into the other: all of it is read and checked.
  const body = Readable.from(await download(ada));
  const tried = await upload(bob, { type: 'application/x-ndjson', body, query: '?dry_run=true' });
  expect([tried.status, JSON.parse(tried.text)]).toMatchObject([200, { created: COUNT, already_there: 0 }]);

  expect(peak() - before).toBeLessThan(GROWTH);
  expect((await ada.get('/api/dashboard/stats')).body.total_tasks).toBe(COUNT);
}, 600_000);
