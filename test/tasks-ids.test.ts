// Ids on every route that takes one: only [1-9][0-9]* is an id, and an id of any size that is not yours is the same 404.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AnyBody, signUp } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';
import { countersOf, problem } from './support/tasks.ts';

let server: TestServer;
let ada: Awaited<ReturnType<typeof signUp>>;
let bob: Awaited<ReturnType<typeof signUp>>;
let bobs: AnyBody;
let purged: number;

beforeAll(async () => {
  server = await startServer();
  ada = await signUp(server.url);
  bob = await signUp(server.url);
  await ada.post('/api/tasks', { title: 'Mine' });
  bobs = (await bob.post('/api/tasks', { title: 'His' })).body;
  purged = (await ada.post('/api/tasks', { title: 'Gone' })).body.id;
  await ada.delete(`/api/tasks/${purged}?permanent=true`);
});
afterAll(() => server.close());

const ROUTES: [name: string, method: string, path: (id: string) => string, json?: object][] = [
  ['GET', 'GET', (id) => `/api/tasks/${id}`],
  ['PUT', 'PUT', (id) => `/api/tasks/${id}`, { title: 'Taken' }],
  ['PATCH', 'PATCH', (id) => `/api/tasks/${id}`, { status: true }],
  ['PATCH with nothing', 'PATCH', (id) => `/api/tasks/${id}`, {}],
  ['complete', 'PATCH', (id) => `/api/tasks/${id}/complete`],
  ['DELETE', 'DELETE', (id) => `/api/tasks/${id}`],
  ['DELETE for good', 'DELETE', (id) => `/api/tasks/${id}?permanent=true`],
  ['restore', 'POST', (id) => `/api/tasks/${id}/restore`],
  ['GET with a slash', 'GET', (id) => `/api/tasks/${id}/`],
];

const NO_IDS = [
  '0',
  '-1',
  '1.5',
  '1.0',
  '01',
  '+1',
  '1e3',
  '0x1',
  '0b1',
  '1_0',
  'abc',
  'null',
  'NaN',
  'undefined',
];
const ENCODED = ['%20', '%201', '1%20', '%00', '1%00', '1%2F2', '1%0a', '%D9%A1', '%EF%BC%91', '1%3B2'];
const NOT_MINE = [
  '999999999',
  '2147483647',
  '2147483648',
  '4294967297',
  '9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
  `1${'0'.repeat(30)}`,
  '7'.repeat(5000),
];

describe.each(ROUTES)('%s', (_name, method, path, json) => {
  const ask = (id: string, options = {}) =>
    ada.request(method, path(id), { ...(json ? { json } : {}), ...options });

  it('refuses with 422 what is no positive integer', async () => {
    const ids = [...NO_IDS, ...ENCODED, '0'.repeat(5000), `-${'1'.repeat(4000)}`];
    const answers = await Promise.all(ids.map((id) => ask(id)));
    for (const [index, { status, body }] of answers.entries()) {
      expect([ids[index], status, body.code, body.errors]).toEqual([
        ids[index],
        422,
        'validation_error',
        [{ path: 'id', message: 'must be a positive integer' }],
      ]);
    }
  });

  it('answers one and the same 404 for every id that is not a task of mine', async () => {
    const missing = problem(await ask('999999998'));
    expect(missing.status).toBe(404);
    const ids = [...NOT_MINE, String(bobs.id), String(purged)];
    for (const headers of [{}, { 'if-match': '*' }, { 'if-match': `"${bobs.rev}"` }]) {
      const answers = await Promise.all(ids.map((id) => ask(id, { headers })));
      for (const [index, answer] of answers.entries())
        expect([ids[index]?.slice(0, 40), problem(answer)]).toEqual([ids[index]?.slice(0, 40), missing]);
    }
  });
});

describe.each(ROUTES.filter(([, , , json]) => json !== undefined))('%s', (_name, method, path) => {
  it('refuses a bad body in the same way for every id', async () => {
    const ask = (id: string) => ada.request(method, path(id), { json: { title: '', priority: 9 } });
    const missing = problem(await ask('999999998'));
    expect(missing.status).toBe(422);
    const answers = await Promise.all([...NOT_MINE, String(bobs.id)].map(ask));
    for (const answer of answers) expect(problem(answer)).toEqual(missing);
  });
});

it('lets none of this touch anybody’s tasks', async () => {
  expect((await bob.get(`/api/tasks/${bobs.id}`)).body).toEqual(bobs);
  for (const { user } of [ada, bob]) {
    const { kept, counted } = await countersOf(server, user.id);
    expect(kept).toEqual(counted);
  }
  expect((await countersOf(server, bob.user.id)).kept.rev).toBe(1);
  expect((await countersOf(server, ada.user.id)).kept.rev).toBe(3);
});
