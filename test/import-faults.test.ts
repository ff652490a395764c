// What goes wrong while a file is imported: cut connections, slow ones, several at once, a database that goes away.
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { seedClient } from './support/accounts.ts';
import type { AnyBody } from './support/client.ts';
import { expectConverged, TestFollower } from './support/follower.ts';
import { clientOf, seedSession } from './support/nodes.ts';
import { importFile, linesIn, NDJSON } from './support/portability.ts';
import { expectProblem } from './support/problem.ts';
import { until } from './support/process.ts';
import { startServer, type TestServer } from './support/server.ts';
import { openRawReader } from './support/slow-reader.ts';
import { countersOf, seedTasks } from './support/tasks.ts';
import { openUpload } from './support/upload.ts';

let server: TestServer;
let other: TestServer;
let ada: Awaited<ReturnType<typeof seedClient>>;

beforeAll(async () => {
  server = await startServer({ shared: true });
  other = await startServer({ shared: true, connection: server.connection });
});
afterAll(async () => {
  await other.close();
  await server.close();
});
beforeEach(async () => {
  ada = await seedClient(server);
});

const rows = (count: number, name = 'T') =>
  `${Array.from({ length: count }, (_, index) => `${name}${index},"${'words of a description '.repeat(8)}"`).join('\n')}\n`;
const HEAD = 'title,description\n';

const stored = async () => {
  const [row] = await server.sql<AnyBody>('select count(*)::integer as count from task where user_id = $1', [
    ada.account.id,
  ]);
  return row.count;
};
const openTransactions = async () => {
  const [row] = await server.sql<AnyBody>(
    `select count(*)::integer as open from pg_stat_activity
     where datname = current_database() and application_name = 'donewell' and xact_start is not null`,
  );
  return row.open;
};
/** An upload that has its place, and keeps it until it ends. */
const opened = async (user: typeof ada) => {
  for (;;) {
    const upload = openUpload(server.url, user.accessToken);
    await upload.send(HEAD);
    // One that has met the probe is told to come later.
    await until(
      async () => upload.isAnswered() || (await importFile(user, HEAD)).status === 503,
      'an upload with a place',
    );
    if (!upload.isAnswered()) return upload;
  }
};
const filesAside = () => readdirSync(tmpdir()).filter((name) => name.startsWith('donewell-import-'));

/** Nothing came of it, nothing is left of it, and the next one goes through. */
async function expectNothingWritten(): Promise<void> {
  await until(async () => (await openTransactions()) === 0, 'the end of the transactions');
  expect(await stored()).toBe(0);
  const { kept, counted } = await countersOf(server, ada.account.id);
  expect(kept).toEqual(counted);
  expect(kept.rev).toBe(0);
  expect(filesAside()).toEqual([]);
  const { status, body } = await importFile(ada, `${HEAD}x,y\n`);
  expect([status, body.created]).toEqual([200, 1]);
}

describe('a connection that is cut', () => {
  it('in the middle of the file leaves nothing, however often', async () => {
    const bob = await seedClient(server);
    for (let round = 0; round < 5; round++) {
      const uploads = [ada, bob].map(({ accessToken }) => openUpload(server.url, accessToken));
      await Promise.all(uploads.map((upload) => upload.send(HEAD + rows(500))));
      for (const upload of uploads) upload.cut();
      for (const upload of uploads) expect(await upload.answer).toBeUndefined();
      // The places are free again.
      for (const user of [ada, bob])
        await until(
          async () => (await importFile(user, '', { query: '?dry_run=true' })).status === 422,
          'a place',
        );
    }
    await expectNothingWritten();
  });

  it('while the tasks are written leaves nothing, and no answer for the key', async () => {
    const headers = { accept: NDJSON, 'idempotency-key': 'cut' };
    const upload = openUpload(server.url, ada.accessToken, { headers });
    await upload.send(HEAD + rows(20_000));
    upload.end();
    expect(await upload.firstBytes).toContain('"progress"');
    upload.cut();
    await until(async () => (await openTransactions()) === 0, 'the end of the transaction');
    expect(await stored()).toBe(0);
    expect(await server.sql('select 1 from idempotency_key where user_id = $1', [ada.account.id])).toEqual(
      [],
    );
    const again = await importFile(ada, HEAD + rows(20_000), { headers: { 'idempotency-key': 'cut' } });
    expect(again.body).toMatchObject({ created: 20_000, already_there: 0 });
  });
});

describe('a write', () => {
  it('that waits for its last tasks writes nothing when the connection is cut meanwhile', async () => {
    const holder = new pg.Client(server.connection);
    await holder.connect();
    await holder.query('begin; lock table task in exclusive mode');
    const closed = new Promise((resolve) =>
      server.app.server.once('request', (_request, response) => response.once('close', resolve)),
    );
    const upload = openUpload(server.url, ada.accessToken);
    await upload.send(`${HEAD}x,y\n`);
    upload.end();
    const waiting = () =>
      server.sql(
        `select 1 from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock' and query ~* '^insert into task'`,
      );
    await until(async () => (await waiting()).length === 1, 'the insert');
    upload.cut();
    await closed;
    await holder.query('rollback');
    await holder.end();
    await expectNothingWritten();
  });

  it('that is undone by a deadlock is repeated, and its progress does not go backwards', async () => {
    // Sequences are not undone, so it happens once: at the last of the tasks.
    await server.sql(
      `create sequence attempt;
       create function deadlock() returns trigger language plpgsql as $$ begin
         if nextval('attempt') = 1 then raise exception using errcode = '40P01'; end if;
         return new;
       end $$;
       create trigger deadlock before insert on task for each row when (new.rev = 2500) execute function deadlock()`,
    );
    const { text } = await importFile(ada, HEAD + rows(2_500), { headers: { accept: NDJSON } });
    expect(await server.sql(`select last_value::integer as attempts from attempt`)).toEqual([
      { attempts: 2 },
    ]);
    await server.sql('drop function deadlock cascade');
    expect(linesIn(text).map(({ done, created }) => done ?? created)).toEqual([1_000, 2_000, 2_500, 2_500]);
    expect(await stored()).toBe(2_500);
  });
});

describe('several at once', () => {
  it('of one file make its tasks once, on two nodes', async () => {
    const file = HEAD + rows(300);
    const token = await seedSession(server, ada.account.id);
    const answers = await Promise.all(
      [server, other].map(({ url }) => importFile(clientOf(url, token), file)),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers.map(({ body }) => body.created).sort()).toEqual([0, 300]);
    expect(await stored()).toBe(300);
  });

  it('of different files, with other writes between, leave dense revisions and right counters', async () => {
    const user = await seedSession(server, ada.account.id);
    const follower = new TestFollower(other.url, user);
    await until(() => follower.socket.connected && follower.syncs > 0, 'the follower');
    const writes = Array.from({ length: 30 }, (_, index) =>
      clientOf(index % 2 ? server.url : other.url, user).post('/api/tasks', { title: `W${index}` }),
    );
    const imports = ['A', 'B'].map((name, index) =>
      importFile(clientOf((index ? server : other).url, user), HEAD + rows(400, name)),
    );
    expect((await Promise.all(imports)).map(({ body }) => body.created)).toEqual([400, 400]);
    expect(new Set((await Promise.all(writes)).map(({ status }) => status))).toEqual(new Set([201]));
    const { kept, counted } = await countersOf(server, ada.account.id);
    expect(kept).toEqual(counted);
    expect(kept.rev).toBe(830);
    expect(await stored()).toBe(830);
    await expectConverged(server.url, [follower]);
    follower.close();
  });

  it('are bounded: two users take all places, and one more is told to come later', async () => {
    const [bob, eve] = [await seedClient(server), await seedClient(server)];
    const uploads = [await opened(ada), await opened(bob)];
    expectProblem(await importFile(eve, HEAD), 'overloaded');
    expect((await eve.post('/api/tasks', { title: 'x' })).status).toBe(201);
    for (const upload of uploads) {
      await upload.send(rows(1));
      upload.end();
    }
    expect(
      (await Promise.all(uploads.map((upload) => upload.answer))).map((answer) => answer?.status),
    ).toEqual([200, 200]);
    expect((await importFile(eve, `${HEAD}x,\n`)).status).toBe(200);
  });

  it('of one user are one, and leave a place to others', async () => {
    const bob = await seedClient(server);
    const upload = await opened(ada);
    expectProblem(await importFile(ada, HEAD), 'overloaded');
    expect((await importFile(bob, `${HEAD}x,y\n`)).body.created).toBe(1);
    upload.end();
    expect(await upload.answer).toMatchObject({ status: 200 });
    expect((await importFile(ada, `${HEAD}x,y\n`)).body.created).toBe(1);
  });
});

describe('a database that goes away', () => {
  it('while the tasks are written undoes all, and says so in the last line', async () => {
    const upload = openUpload(server.url, ada.accessToken, { headers: { accept: NDJSON } });
    await upload.send(HEAD + rows(20_000));
    upload.end();
    await upload.firstBytes;
    await server.sql(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'donewell' and xact_start is not null`,
    );
    const last = JSON.parse((await upload.answer)?.text.trim().split('\n').at(-1) ?? '{}');
    expect(last).toMatchObject({ type: 'problem', problem: { status: 503, code: 'database_error' } });
    await expectNothingWritten();
  });
});

describe('a file that is too large', () => {
  it('is refused by what it says of itself, before it is read', async () => {
    const answers = new Set<string | undefined>();
    for (const _ of ['first', 'again']) {
      const upload = openUpload(server.url, ada.accessToken, {
        headers: { 'content-length': String(128 * 1_048_576 + 1), 'idempotency-key': 'too-large' },
      });
      await upload.send(HEAD);
      const answer = await upload.answer;
      expect(answer).toMatchObject({ status: 413 });
      answers.add(answer?.text);
      upload.cut();
    }
    // With the id of the first request: it was kept.
    expect(answers.size).toBe(1);
    await expectNothingWritten();
  });

  it('is refused for its number of tasks and of lines, without reading on for ever', async () => {
    const many = `title\n${'x\n'.repeat(200_001)}`;
    const { errors, errors_total } = expectProblem(await importFile(ada, many), 'validation_error');
    expect([errors, errors_total]).toEqual([
      [{ line: 200_002, path: '', message: 'is beyond the 200000 tasks of one import' }],
      1,
    ]);
    const empty = expectProblem(
      await importFile(ada, `title\n${'\n'.repeat(600_000)}x\n`),
      'validation_error',
    );
    expect(empty.errors?.[0]).toMatchObject({ line: 500_001 });
    await expectNothingWritten();
  });
});

describe('who is too slow', () => {
  it('loses the connection: a body that stops, a file that stops, an export that nobody reads', async () => {
    const description = 'x'.repeat(900);
    await seedTasks(
      server,
      ada.account.id,
      Array.from({ length: 10_000 }, (_, index) => ({ title: `T${index}`, description })),
    );
    const reader = await openRawReader(server.url, '/api/account/export', ada.accessToken);
    await reader.readSome();
    const file = openUpload(server.url, ada.accessToken);
    await file.send(HEAD);
    const json = { 'content-type': 'application/json', 'content-length': '100' };
    const body = openUpload(server.url, ada.accessToken, { path: '/api/tasks', headers: json });
    await body.send('{"title":');
    for (const slow of [file, body]) {
      const answer = await slow.answer;
      expect([answer?.status, JSON.parse(answer?.text ?? '{}').code]).toEqual([408, 'malformed_request']);
    }
    await until(async () => (await openTransactions()) === 0, 'the end of the export');
    await reader.readAll().catch(() => {});
    expect(reader.isWhole()).toBe(false);
    expect(filesAside()).toEqual([]);
  }, 120_000);
});
