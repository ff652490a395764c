// An import goes on for minutes: whoever has lost the right to it meanwhile is told so when the file is there, and nothing is written.
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { Spool } from '../src/portability/spool.ts';
import { seedClient } from './support/accounts.ts';
import { makeToken } from './support/api-tokens.ts';
import { importFile, NDJSON } from './support/portability.ts';
import { until } from './support/process.ts';
import { startServer, type TestServer } from './support/server.ts';
import { openUpload, type Upload } from './support/upload.ts';

const HEAD = 'title,priority\n';

let server: TestServer;
let ada: Awaited<ReturnType<typeof seedClient>>;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  ada = await seedClient(server);
});

const written = () => server.sql('select 1 from task where user_id = $1', [ada.account.id]);
const logOut = async () => expect((await ada.post('/api/auth/logout')).status).toBe(200);

/** An upload that has been let in. */
async function uploadBy(bearer: string, options: Parameters<typeof openUpload>[2] = {}): Promise<Upload> {
  const opening = vi.spyOn(Spool, 'open');
  const upload = openUpload(server.url, bearer, options);
  await upload.send(HEAD);
  await until(() => opening.mock.calls.length === 1, 'the place for the file');
  opening.mockRestore();
  return upload;
}

async function expectRefused(upload: Upload, rest: string): Promise<void> {
  await upload.send(rest);
  upload.end();
  const answer = await upload.answer;
  expect([answer?.status, JSON.parse(answer?.text ?? '{}').code]).toEqual([401, 'unauthenticated']);
  expect(await written()).toEqual([]);
}

it('a session that is ended', async () => {
  const upload = await uploadBy(ada.accessToken);
  await logOut();
  await expectRefused(upload, 'Milk,1\n');
});

it('an API token that is revoked', async () => {
  const { id, token } = await makeToken(ada, ['tasks:write']);
  const upload = await uploadBy(token);
  expect((await ada.delete(`/api/account/tokens/${id}`)).status).toBe(200);
  await expectRefused(upload, 'Milk,1\n');
});

it('an account that is disabled, by session and by token', async () => {
  const { token } = await makeToken(ada, ['tasks:write']);
  for (const bearer of [ada.accessToken, token]) {
    const upload = await uploadBy(bearer);
    await server.sql('update "user" set disabled_at = now() where id = $1', [ada.account.id]);
    await expectRefused(upload, 'Milk,1\n');
    await server.sql('update "user" set disabled_at = null where id = $1', [ada.account.id]);
  }
});

it.each([
  ['a dry run', { path: '/api/account/import?dry_run=true' }, 'Milk,1\n'],
  ['one that is told of its progress', { headers: { accept: NDJSON } }, 'Milk,1\n'],
  ['one whose file is wrong', {}, 'Milk,9\n'],
])('%s', async (_what, options, rest) => {
  const upload = await uploadBy(ada.accessToken, options);
  await logOut();
  await expectRefused(upload, rest);
});

it('one whose answer is kept: nobody else gets to see it', async () => {
  const headers = { 'idempotency-key': 'kept' };
  expect((await importFile(ada, HEAD, { headers })).status).toBe(200);
  const upload = await uploadBy(ada.accessToken, { headers });
  await logOut();
  await expectRefused(upload, '');
});

it('one that waits for another write of its user when it is signed out', async () => {
  const holder = new pg.Client(server.connection);
  await holder.connect();
  try {
    await holder.query('begin');
    await holder.query('select from user_sync where user_id = $1 for update', [ada.account.id]);
    const upload = openUpload(server.url, ada.accessToken);
    await upload.send(HEAD);
    const refused = expectRefused(upload, 'Milk,1\n');
    const waiting = () =>
      server.sql(
        `select 1 from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock' and query ~ 'user_sync'`,
      );
    await until(async () => (await waiting()).length === 1, 'the import');
    await logOut();
    await holder.query('rollback');
    await refused;
  } finally {
    await holder.end();
  }
});
