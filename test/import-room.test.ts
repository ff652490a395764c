// How many tasks an account may have after an import: what an import would make beyond that, it does not make.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { IMPORT_TASKS } from '../contract/limits.ts';
import { seedClient } from './support/accounts.ts';
import { exportOf, fillUpTo, importFile, NDJSON } from './support/portability.ts';
import { expectProblem } from './support/problem.ts';
import { startServer, type TestServer } from './support/server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

it('an import fills an account up to the last place, and takes none beyond it', async () => {
  const client = await seedClient(server);
  const { id } = client.account;
  await fillUpTo(server, id, IMPORT_TASKS - 2);
  const send = (titles: string[], query = '') =>
    importFile(client, exportOf(titles.map((title) => ({ title }))), { type: NDJSON, query });

  for (const query of ['', '?dry_run=true']) {
    const beyond = expectProblem(await send(['one', 'two', 'three'], query), 'validation_error');
    expect(beyond.errors).toEqual([{ path: '', message: expect.stringContaining(String(IMPORT_TASKS)) }]);
  }
  expect((await client.get('/api/tasks')).body.tasks).toEqual([]);
  expect((await send(['one', 'two'], '?dry_run=true')).body.created).toBe(2);
  expect((await send(['one', 'two'])).body.created).toBe(2);
  // What is there needs no place.
  expect((await send(['one', 'two'])).body).toMatchObject({ created: 0, already_there: 2 });
  expectProblem(await send(['one', 'two', 'three']), 'validation_error');
  // By hand there is no such end.
  expect((await client.post('/api/tasks', { title: 'by hand' })).status).toBe(201);
});
