// ETags: 304 for what a client has already, 412 for writes that would overwrite what it has not seen.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AnyBody, Client, signUp } from './support/client.ts';
import { startNode } from './support/nodes.ts';
import { type RunningServer, until } from './support/process.ts';
import { startServer, type TestServer } from './support/server.ts';
import { countersOf } from './support/tasks.ts';

let server: TestServer;
/** Another process on the same database: within one, a user's writes take turns before they reach it. */
let node: RunningServer;
let ada: Awaited<ReturnType<typeof signUp>>;
/** Ada, on the other node. */
let elsewhere: Client;
/** Changed once, so that an older version of it exists. */
let task: AnyBody;
let old: string;
let now: string;

beforeAll(async () => {
  server = await startServer();
  node = await startNode(server.connection);
  ada = await signUp(server.url);
  elsewhere = new Client(node.url);
  elsewhere.bearer = ada.accessToken;
});
afterAll(async () => {
  await node.stop();
  await server.close();
});

beforeEach(async () => {
  const { body } = await ada.post('/api/tasks', { title: 'First' });
  old = `"${body.rev}"`;
  task = (await ada.put(`/api/tasks/${body.id}`, { title: 'Second' })).body;
  now = `"${task.rev}"`;
});

describe('If-None-Match', () => {
  const ask = (tag: string) => ada.get(`/api/tasks/${task.id}`, { headers: { 'if-none-match': tag } });

  it.each([
    ['the tag', () => now],
    ['the weak tag', () => `W/${now}`],
    ['a list with the tag', () => `"0", ${old},${now} , "x"`],
    ['a list with the weak tag', () => `${old}, W/${now}`],
    ['*', () => '*'],
  ])('%s: 304 without a body, with the tag', async (_what, tag) => {
    const { status, headers, text } = await ask(tag());
    expect([status, text, headers.get('etag')]).toEqual([304, '', now]);
  });

  it.each([
    ['an older tag', () => old],
    ['a tag without quotes', () => String(task.rev)],
    ['an empty header', () => ''],
    ['nonsense', () => '"", W/, ","'],
    ['a longer tag', () => `"${task.rev}0"`],
    ['a lower-case weak tag', () => `w/${now}`],
  ])('%s: 200 with the task', async (_what, tag) => {
    const { status, headers, body } = await ask(tag());
    expect([status, body, headers.get('etag')]).toEqual([200, task, now]);
  });

  it('does not turn a missing task into a match', async () => {
    const { status } = await ada.get('/api/tasks/999999', { headers: { 'if-none-match': '*' } });
    expect(status).toBe(404);
  });

  it('stops matching with the next change and keeps matching without one', async () => {
    await ada.put(`/api/tasks/${task.id}`, { title: 'Second' });
    expect((await ask(now)).status).toBe(304);
    await ada.put(`/api/tasks/${task.id}`, { title: 'Third' });
    expect((await ask(now)).status).toBe(200);
  });
});

const WRITES: [name: string, method: string, suffix: string, json?: object][] = [
  ['PUT', 'PUT', '', { title: 'Third' }],
  ['PATCH', 'PATCH', '', { status: true }],
  ['PATCH that changes nothing', 'PATCH', '', {}],
  ['complete', 'PATCH', '/complete'],
  ['DELETE', 'DELETE', ''],
  ['DELETE for good', 'DELETE', '?permanent=true'],
  ['restore of a live task', 'POST', '/restore'],
];

describe.each(WRITES)('If-Match on %s', (_name, method, suffix, json) => {
  const write = (tag: string) =>
    ada.request(method, `/api/tasks/${task.id}${suffix}`, {
      ...(json ? { json } : {}),
      headers: { 'if-match': tag },
    });

  it.each([
    ['an older tag', () => old],
    ['the tag, but weak', () => `W/${now}`],
    ['a list without the tag', () => `${old}, W/${now}, "x"`],
    ['a tag without quotes', () => String(task.rev)],
    ['an empty header', () => ''],
    ['a future tag', () => `"${task.rev + 1}"`],
    ['a quoted star', () => '"*"'],
  ])('%s: 412 with the task as it is, and nothing happens', async (_what, tag) => {
    const { status, headers, body } = await write(tag());
    expect(status).toBe(412);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(body).toEqual({
      type: '/docs/errors#stale',
      title: 'The task has changed',
      status: 412,
      detail: expect.any(String),
      code: 'stale',
      request_id: headers.get('x-request-id'),
      current: task,
    });
    expect((await ada.get(`/api/tasks/${task.id}`)).body).toEqual(task);
    const { kept, counted } = await countersOf(server, ada.user.id);
    expect(kept).toEqual(counted);
  });

  it('without its quotes says that these are missing, not that somebody has changed the task', async () => {
    expect((await write(String(task.rev))).body.detail).toMatch(/^If-Match takes the ETag .* in its quotes/);
    expect((await write(old)).body.detail).toMatch(/^The task has been changed/);
  });

  it.each([
    ['the tag', () => now],
    ['*', () => '*'],
    ['a list with the tag', () => `${old},${now}`],
  ])('%s: goes through', async (_what, tag) => {
    expect((await write(tag())).status).toBe(200);
  });
});

describe('If-Match on a task in the trash', () => {
  it('holds for restore, and 412 shows the task with the time it was trashed', async () => {
    await ada.delete(`/api/tasks/${task.id}`);
    const trashed = (await ada.get('/api/tasks?trashed=true')).body.tasks.find(
      ({ id }: AnyBody) => id === task.id,
    );
    const restore = (tag: string) =>
      ada.post(`/api/tasks/${task.id}/restore`, undefined, { headers: { 'if-match': tag } });
    const refused = await restore(now);
    expect(trashed.deleted_at).toEqual(expect.any(String));
    expect([refused.status, refused.body.code, refused.body.current]).toEqual([412, 'stale', trashed]);
    expect((await restore(`W/"${trashed.rev}"`)).status).toBe(412);
    const restored = await restore(`"${trashed.rev}"`);
    expect([restored.status, restored.headers.get('etag')]).toEqual([200, `"${trashed.rev + 1}"`]);
  });

  it('holds for deleting for good', async () => {
    await ada.delete(`/api/tasks/${task.id}`);
    const purge = (tag: string) =>
      ada.delete(`/api/tasks/${task.id}?permanent=true`, { headers: { 'if-match': tag } });
    expect((await purge(now)).status).toBe(412);
    expect((await purge('*')).status).toBe(200);
    expect((await purge('*')).status).toBe(404);
  });

  it('is 404 for everything else, whatever the tag', async () => {
    await ada.delete(`/api/tasks/${task.id}`);
    for (const tag of ['*', old, now]) {
      const headers = { 'if-match': tag };
      expect((await ada.put(`/api/tasks/${task.id}`, { title: 'x' }, { headers })).status).toBe(404);
      expect((await ada.delete(`/api/tasks/${task.id}`, { headers })).status).toBe(404);
    }
  });
});

describe('a writer that has to wait for another of the same task', () => {
  const COMPLETED = `with advanced as (
      update user_sync set rev = rev + 1, medium_completed = medium_completed + 1 where user_id = $1 returning rev
    )
    update task set status = true, completed_at = now(), rev = advanced.rev from advanced where id = $2`;

  type Sql = [text: string, values: unknown[]];
  const completed = (): Sql => [COMPLETED, [ada.user.id, task.id]];

  /** Writes as another node does, and commits only when `late` waits for it. */
  async function afterAnother<Answer>(written: Sql, late: () => Promise<Answer>): Promise<Answer> {
    const first = new pg.Client(server.connection);
    await first.connect();
    try {
      await first.query('begin');
      await first.query('select from user_sync where user_id = $1 for update', [ada.user.id]);
      await first.query(...written);
      const answer = late();
      const waiting = () =>
        server.sql(
          `select from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.datname = current_database()`,
        );
      await until(async () => (await waiting()).length > 0, 'the later write');
      await first.query('commit');
      return await answer;
    } finally {
      await first.end();
    }
  }

  it('changes what the other has left, and everything is counted once', async () => {
    const late = () => ada.patch(`/api/tasks/${task.id}`, { title: 'Third', priority: 'high' });
    const { status, body } = await afterAnother(completed(), late);
    expect([status, body.title, body.status, body.rev]).toEqual([200, 'Third', true, task.rev + 2]);
    const { kept, counted } = await countersOf(server, ada.user.id);
    expect(kept).toEqual(counted);
  });

  it('is refused when it has seen the version before, and is shown what the other has left', async () => {
    const headers = { 'if-match': now };
    const late = () => ada.patch(`/api/tasks/${task.id}`, { title: 'Third' }, { headers });
    const { status, body } = await afterAnother(completed(), late);
    expect([status, body.current.title, body.current.status]).toEqual([412, 'Second', true]);
    const { kept, counted } = await countersOf(server, ada.user.id);
    expect(kept).toEqual(counted);
  });

  it('has nothing to do when the other has done it', async () => {
    const { status, body } = await afterAnother(completed(), () =>
      ada.patch(`/api/tasks/${task.id}/complete`),
    );
    expect([status, body.status, body.rev]).toEqual([200, true, task.rev + 1]);
  });

  it('keeps the answer that it gives in the end under its key', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const change = () => ada.patch(`/api/tasks/${task.id}`, { title: 'Third' }, { headers });
    const { status, body, text } = await afterAnother(completed(), change);
    expect([status, body.title, body.status, body.rev]).toEqual([200, 'Third', true, task.rev + 2]);
    const again = await change();
    expect([again.text, again.headers.get('idempotency-replayed')]).toEqual([text, 'true']);
  });

  it('changes nothing when the other has used its key for something else', async () => {
    const key = randomUUID();
    const kept: Sql = [
      `insert into idempotency_key (user_id, key, request_hash, status, headers, body) values ($1, $2, '\\x00', 200, '{}', '{}')`,
      [ada.user.id, key],
    ];
    const { status, body } = await afterAnother(kept, () =>
      ada.patch(`/api/tasks/${task.id}`, { title: 'Third' }, { headers: { 'idempotency-key': key } }),
    );
    expect([status, body.code]).toEqual([422, 'idempotency_key_reused']);
    expect((await ada.get(`/api/tasks/${task.id}`)).body).toEqual(task);
    expect((await ada.post('/api/tasks', { title: 'Next' })).body.rev).toBe(task.rev + 1);
  });

  it.each([
    ['without a key', () => ({})],
    ['with a key', () => ({ 'idempotency-key': randomUUID() })],
  ])('finds the task gone when the other has trashed it, %s', async (_what, headers) => {
    const trashed: Sql = [
      `with advanced as (update user_sync set rev = rev + 1, medium_total = medium_total - 1 where user_id = $1 returning rev)
       update task set deleted_at = now(), rev = advanced.rev from advanced where id = $2`,
      [ada.user.id, task.id],
    ];
    const late = () => ada.patch(`/api/tasks/${task.id}`, { title: 'Third' }, { headers: headers() });
    expect((await afterAnother(trashed, late)).body.code).toBe('task_not_found');
    const { kept, counted } = await countersOf(server, ada.user.id);
    expect(kept).toEqual(counted);
  });

  it('is told to sign in when the account has been deleted', async () => {
    const late = () => ada.patch(`/api/tasks/${task.id}`, { title: 'Third' });
    const { status } = await afterAnother(['delete from "user" where id = $1', [ada.user.id]], late);
    expect(status).toBe(401);
    ada = await signUp(server.url);
    elsewhere.bearer = ada.accessToken;
  });
});

describe('twenty writers that have seen one version', () => {
  const by = (number: number): Client => (number % 2 ? elsewhere : ada);

  it.each([
    ['the same field', (n: number) => ({ title: `Writer ${n}` })],
    ['different fields', (n: number) => (n % 2 ? { description: `Writer ${n}` } : { category: `w${n}` })],
  ])('change %s: exactly one wins, the others see what it wrote', async (_what, change) => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        by(n).patch(`/api/tasks/${task.id}`, change(n), { headers: { 'if-match': now } }),
      ),
    );
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    expect(won[0]?.body.rev).toBe(task.rev + 1);
    const lost = answers.filter(({ status }) => status === 412);
    expect(lost).toHaveLength(19);
    for (const { body } of lost) expect(body.current).toEqual(won[0]?.body);
    expect((await ada.get(`/api/tasks/${task.id}`)).body).toEqual(won[0]?.body);
  });

  it('without If-Match: all go through, one after the other', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => by(n).patch(`/api/tasks/${task.id}`, { title: `Writer ${n}` })),
    );
    const revs = answers.map(({ body }) => body.rev).sort((a, b) => a - b);
    expect(revs).toEqual(Array.from({ length: 20 }, (_, n) => task.rev + 1 + n));
  });

  it('delete it: one does, for the others it is gone', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        by(n).delete(`/api/tasks/${task.id}`, { headers: { 'if-match': now } }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(404)]);
  });
});
