// The isolation walk: on every task route of the OpenAPI document somebody else's task is exactly what a missing one is.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type AnyBody, Client, signUp } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';
import { countersOf } from './support/tasks.ts';

interface Operation {
  name: string;
  method: string;
  path: string;
}

let server: TestServer;
let ada: Awaited<ReturnType<typeof signUp>>;
let eve: Awaited<ReturnType<typeof signUp>>;
let live: AnyBody;
let trashed: AnyBody;
let operations: Operation[];

beforeAll(async () => {
  server = await startServer();
  ada = await signUp(server.url);
  eve = await signUp(server.url);
  live = (await ada.post('/api/tasks', { title: 'Secret', category: 'private', due_date: '2026-12-31' }))
    .body;
  trashed = (await ada.post('/api/tasks', { title: 'Thrown away', status: true })).body;
  await ada.delete(`/api/tasks/${trashed.id}`);
  const document = (await new Client(server.url).get('/openapi.json')).body;
  operations = Object.entries<Record<string, AnyBody>>(document.paths)
    .filter(([path]) => /^\/api\/tasks(\/|$)/.test(path))
    .flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({
        name: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase(),
        path,
      })),
    );
});
afterAll(() => server.close());

const MISSING = '987654321';
/** What belongs to one request, and not to what it asked for. */
const OWN_HEADERS = new Set([
  'date',
  'x-request-id',
  'ratelimit',
  'ratelimit-policy',
  'keep-alive',
  'connection',
]);

function visible({ status, headers, body, text }: Answer<AnyBody>): AnyBody {
  const shown = [...headers].filter(([name]) => !OWN_HEADERS.has(name));
  const { request_id: _, ...rest } = typeof body === 'object' ? body : { text };
  return { status, headers: shown, body: rest };
}

/** All that Ada has: her rows, her listing, her trash, her figures. */
async function stateOfAda(): Promise<AnyBody> {
  const rows = await server.sql('select * from task where user_id = $1 order by id', [ada.user.id]);
  const keys = await server.sql('select * from idempotency_key where user_id = $1 order by key', [
    ada.user.id,
  ]);
  const overview = (await ada.get('/api/dashboard/overview')).body;
  const { generated_at: _, ...figures } = overview;
  const list = (await ada.get('/api/tasks?include_total=true')).body;
  const trash = (await ada.get('/api/tasks?trashed=true')).body;
  return { rows, keys, figures, list, trash, counters: await countersOf(server, ada.user.id) };
}

const BODIES: [string, object | undefined][] = [
  ['a body', { title: 'Taken over', user_id: 'eve', status: true }],
  ['an empty object', {}],
  ['no body', undefined],
];
const VARIANTS: [query: string, headers: Record<string, string>][] = [
  ['', {}],
  ['/', {}],
  ['?permanent=true', {}],
  ['?trashed=true', {}],
  ['', { 'if-match': '*' }],
  ['', { 'if-match': '"1"' }],
  ['?permanent=true', { 'if-match': '"2", "3"' }],
  ['', { 'if-none-match': '*' }],
  ['', { 'idempotency-key': 'walk' }],
];

describe('somebody else', () => {
  it('finds every task route in the document', () => {
    expect(operations.map(({ name }) => name).sort()).toEqual([
      'DELETE /api/tasks/{id}',
      'GET /api/tasks',
      'GET /api/tasks/{id}',
      'PATCH /api/tasks/{id}',
      'PATCH /api/tasks/{id}/complete',
      'POST /api/tasks',
      'POST /api/tasks/{id}/restore',
      'PUT /api/tasks/{id}',
    ]);
  });

  it.each(BODIES)(
    'sees on every route with %s what a missing id gives, and changes nothing',
    async (what, json) => {
      const before = await stateOfAda();
      const withId = operations.filter(({ path }) => path.includes('{id}'));
      expect(withId).toHaveLength(6);
      for (const { method, path, name } of withId) {
        for (const [query, headers] of VARIANTS) {
          const ask = (id: string | number) =>
            eve.request(method, path.replace('{id}', String(id)) + query, {
              ...(method === 'GET' ? {} : { json }),
              // A key stands for one request.
              headers: headers['idempotency-key']
                ? { 'idempotency-key': `${what}${name}${id}`.replace(/ /g, '') }
                : headers,
            });
          const [missing, ...others] = (await Promise.all([MISSING, live.id, trashed.id].map(ask))).map(
            visible,
          );
          expect([404, 400], `${name}${query}`).toContain(missing.status);
          for (const other of others) expect(other, `${name}${query}`).toEqual(missing);
        }
      }
      expect(await stateOfAda()).toEqual(before);
    },
  );

  it('sees nothing of it in listings, filters, totals and figures', async () => {
    for (const query of ['', 'q=secret', 'category=private', 'trashed=true', `user_id=${ada.user.id}`]) {
      const { body } = await eve.get(`/api/tasks?include_total=true&${query}`);
      expect([query, body]).toEqual([query, { tasks: [], next_cursor: null, total: 0 }]);
    }
    expect((await eve.get('/api/dashboard/stats')).body.total_tasks).toBe(0);
    const { body } = await eve.get('/api/dashboard/overview');
    expect(body).toMatchObject({ by_category: [], recent_tasks: [], stats: { total_tasks: 0 } });
  });

  it('cannot be made the owner: the session alone says whose a task is', async () => {
    const { body } = await eve.post('/api/tasks?user_id=x', { title: 'Mine', user_id: ada.user.id });
    expect(body.user_id).toBe(eve.user.id);
    const stolen = await ada.put(`/api/tasks/${live.id}`, { user_id: eve.user.id });
    expect(stolen.body.user_id).toBe(ada.user.id);
    expect((await eve.get(`/api/tasks/${live.id}`)).status).toBe(404);
  });
});

it('tells a stranger without a session the same for every id', async () => {
  const stranger = new Client(server.url);
  for (const { method, path } of operations) {
    const answers = await Promise.all(
      [MISSING, live.id, trashed.id].map((id) => stranger.request(method, path.replace('{id}', String(id)))),
    );
    const [first, ...others] = answers.map(visible);
    expect(first.status).toBe(401);
    for (const other of others) expect(other).toEqual(first);
  }
});
