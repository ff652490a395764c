// One statement writes for several users, and each as if alone: also where another node has written after the statement began to look.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { valuesForEach } from '../src/database/statement.ts';
import { insertTask, insertTaskKept, updateTask } from '../src/tasks/repository.ts';
import { signUp } from './support/client.ts';
import { until } from './support/process.ts';
import { startServer, type TestServer } from './support/server.ts';
import { countersOf } from './support/tasks.ts';

type Person = Awaited<ReturnType<typeof signUp>>;
let server: TestServer;
let ada: Person;
let eve: Person;
/** Another node's connection, and one that holds the gate. */
let other: pg.Client;
let keeper: pg.Client;

beforeAll(async () => {
  server = await startServer();
  // Holds a statement up that has its snapshot and no lock yet.
  await server.sql(
    `create function gate() returns integer language sql volatile as 'select 1 from pg_advisory_xact_lock(42)'`,
  );
});
afterAll(() => server?.close());
beforeEach(async () => {
  [ada, eve] = [await signUp(server.url), await signUp(server.url)];
  [other, keeper] = [new pg.Client(server.connection), new pg.Client(server.connection)];
  await Promise.all([other.connect(), keeper.connect()]);
  await keeper.query('select pg_advisory_lock(42)');
});
afterEach(async () => {
  await Promise.all([other.end(), keeper.end()]);
  for (const { user } of [ada, eve]) {
    const { kept, counted } = await countersOf(server, user.id);
    expect(kept).toEqual(counted);
  }
});

/** Runs a statement for several users, and `meanwhile` between what it sees and its locks. */
async function around<Row>(
  text: string,
  inputs: readonly { user_id: string }[],
  meanwhile: () => Promise<unknown>,
): Promise<Row[]> {
  const gated = text.replace(
    'select * from json_to_recordset',
    'select input.* from gate(), json_to_recordset',
  );
  expect(gated).not.toBe(text);
  const running = other.query(gated, valuesForEach(inputs));
  running.catch(() => {});
  const isWaiting = () => server.sql(`select from pg_locks where locktype = 'advisory' and not granted`);
  await until(async () => (await isWaiting()).length > 0, 'the statement to stand at the gate');
  await meanwhile();
  await keeper.query('select pg_advisory_unlock(42)');
  return (await running).rows as Row[];
}

const newTask = ({ user }: Person, title: string) => ({
  user_id: user.id,
  title,
  description: null,
  status: false,
  category: null,
  priority: 2 as const,
  due_date: null,
});
const newTitle = ({ user }: Person, id: number, title: string) => ({
  ...{ user_id: user.id, id: String(id), tags: null, title, has_description: false, description: null },
  ...{
    status: null,
    has_category: false,
    category: null,
    priority: null,
    has_due_date: false,
    due_date: null,
  },
});
const create = async (person: Person, title: string, more = {}) =>
  (await person.post('/api/tasks', { title, ...more })).body;

it('a new task follows what another node has written meanwhile', async () => {
  const rows = await around<{ user_id: string; rev: string }>(
    insertTask.text,
    [newTask(ada, 'Second'), newTask(eve, 'First')],
    () => create(ada, 'First', { status: true, priority: 'high' }),
  );
  const revs = new Map(rows.map(({ user_id, rev }) => [user_id, Number(rev)]));
  expect([revs.get(ada.user.id), revs.get(eve.user.id)]).toEqual([2, 1]);
  expect((await ada.get('/api/sync')).body.tasks.map(({ title }: { title: string }) => title)).toEqual([
    'First',
    'Second',
  ]);
});

it('a task is changed beside another one, and not where it has been changed itself', async () => {
  const [mine, beside, hers] = [await create(ada, 'A'), await create(ada, 'B'), await create(eve, 'C')];
  const rows = await around<{ user_id: string; title: string; rev: string }>(
    updateTask.text,
    [newTitle(ada, mine.id, 'Late'), newTitle(eve, hers.id, 'Late')],
    async () => {
      await ada.patch(`/api/tasks/${beside.id}/complete`);
      await eve.patch(`/api/tasks/${hers.id}`, { title: 'Earlier', priority: 'low' });
    },
  );
  expect(rows.map(({ user_id, title, rev }) => [user_id, title, Number(rev)])).toEqual([
    [ada.user.id, 'Late', 4],
  ]);
  expect((await eve.get(`/api/tasks/${hers.id}`)).body).toMatchObject({ title: 'Earlier', rev: 2 });
  expect((await ada.get('/api/sync')).body.rev).toBe(4);
});

it('what another node has kept under the key meanwhile undoes it all', async () => {
  const key = randomUUID();
  const keyed = { key, hash: '\\x00', headers: {}, tasks: '/api/tasks/' };
  const inputs = [
    { ...newTask(ada, 'Twice'), ...keyed },
    { ...newTask(eve, 'Beside'), ...keyed, key: randomUUID() },
  ];
  const meanwhile = () => ada.post('/api/tasks', { title: 'Once' }, { headers: { 'idempotency-key': key } });
  await expect(around(insertTaskKept.text, inputs, meanwhile)).rejects.toMatchObject({
    constraint: 'idempotency_key_pkey',
  });
  expect((await ada.get('/api/tasks')).body.tasks).toHaveLength(1);
  expect((await eve.get('/api/tasks')).body.tasks).toEqual([]);
});

it('a user whose row is locked is passed over, and the others are not', async () => {
  await keeper.query('begin');
  await keeper.query('select from user_sync where user_id = $1 for update', [ada.user.id]);
  const { rows } = await other.query(insertTask.text, valuesForEach([newTask(ada, 'A'), newTask(eve, 'B')]));
  expect(rows.map(({ title }) => title)).toEqual(['B']);
  await keeper.query('rollback');
  expect((await ada.get('/api/sync')).body.rev).toBe(0);
});

it('each of many who write at once gets their own answer: a change, none, a refusal, a kept one', async () => {
  const people = await Promise.all(Array.from({ length: 8 }, () => signUp(server.url)));
  const tasks = await Promise.all(people.map((person, index) => create(person, `Task ${index}`)));
  const answers = await Promise.all(
    people.map((person, index) => {
      const path = `/api/tasks/${tasks[index].id}`;
      const kind = index % 4;
      if (kind === 0) return person.patch(path, { title: 'Changed' });
      if (kind === 1) return person.patch(path, { title: `Task ${index}` });
      if (kind === 2) return person.patch(path, { title: 'No' }, { headers: { 'if-match': '"9"' } });
      return person.patch(path, { title: 'Kept' }, { headers: { 'idempotency-key': 'same' } });
    }),
  );
  expect(answers.map(({ status, body }) => [status, body.user_id ?? body.current.user_id, body.rev])).toEqual(
    people.map(({ user }, index) => {
      const kind = index % 4;
      return [kind === 2 ? 412 : 200, user.id, kind === 2 ? undefined : kind === 1 ? 1 : 2];
    }),
  );
});
