// The whole way of a user through the service, for servers on every kind of database.
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { Client, PASSWORD, signUp } from './client.ts';

/** Signs up, works with tasks, looks at everything, signs out. Fails on the first answer that is not as promised. */
export async function wholeJourney(url: string): Promise<void> {
  const email = `Journey-${randomUUID()}@Example.com`;
  const ada = await signUp(url, email);
  expect(ada.user.email).toBe(email.toLowerCase());

  const key = { headers: { 'idempotency-key': randomUUID() } };
  const milk = { title: 'Buy milk', priority: 'high', category: 'home', due_date: '2026-12-31' };
  const first = await ada.post('/api/tasks', milk, key);
  const again = await ada.post('/api/tasks', milk, key);
  expect([first.status, again.status, again.text]).toEqual([201, 201, first.text]);
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  for (const title of ['Call Zoë about Straße 5', 'Write 100% of a_b', 'Rest'])
    expect((await ada.post('/api/tasks', { title })).status).toBe(201);

  const found = await ada.get(`/api/tasks?q=${encodeURIComponent('STRASSE zoë')}&include_total=true`);
  const literal = await ada.get(`/api/tasks?q=${encodeURIComponent('100% a_b')}`);
  expect(literal.body.tasks.map(({ title }: { title: string }) => title)).toEqual(['Write 100% of a_b']);
  expect(found.body.tasks.map(({ title }: { title: string }) => title)).toEqual(['Call Zoë about Straße 5']);
  const page = (await ada.get('/api/tasks?limit=3&sort=title&order=asc')).body;
  const rest = (await ada.get(`/api/tasks?limit=3&sort=title&order=asc&cursor=${page.next_cursor}`)).body;
  const titles = [...page.tasks, ...rest.tasks].map(({ title }: { title: string }) => title);
  expect(titles).toEqual(['Buy milk', 'Call Zoë about Straße 5', 'Rest', 'Write 100% of a_b']);

  const { id, rev } = first.body;
  expect(
    (await ada.patch(`/api/tasks/${id}`, { title: 'x' }, { headers: { 'if-match': '"0"' } })).status,
  ).toBe(412);
  const changed = await ada.put(
    `/api/tasks/${id}`,
    { title: 'Buy oat milk' },
    { headers: { 'if-match': `"${rev}"` } },
  );
  expect([changed.status, changed.body.title]).toEqual([200, 'Buy oat milk']);
  expect((await ada.patch(`/api/tasks/${id}/complete`)).body.status).toBe(true);
  expect((await ada.delete(`/api/tasks/${page.tasks[2].id}`)).status).toBe(200);

  const stats = (await ada.get('/api/dashboard/stats')).body;
  expect(stats).toMatchObject({
    total_tasks: 3,
    completed_tasks: 1,
    pending_tasks: 2,
    completion_rate: 33.3,
  });
  const overview = (await ada.get('/api/dashboard/overview?tz=Pacific/Auckland&days=7')).body;
  expect(overview.stats).toEqual(stats);
  expect(overview.trend).toHaveLength(7);
  const sync = (await ada.get('/api/sync')).body;
  expect([sync.tasks.length, sync.deleted.length, sync.has_more]).toEqual([3, 0, false]);

  const bearer = new Client(url);
  bearer.bearer = ada.accessToken;
  expect((await bearer.get('/api/auth/session')).body.user.id).toBe(ada.user.id);
  expect((await new Client(url).post('/api/auth/login', { email, password: 'not this one' })).status).toBe(
    401,
  );
  expect((await new Client(url).post('/api/auth/login', { email, password: PASSWORD })).status).toBe(200);
  expect((await new Client(url).get('/api/auth/get-session')).status).toBe(200);
  expect((await ada.post('/api/auth/logout')).status).toBe(200);
  expect((await bearer.get('/api/tasks')).status).toBe(401);
}

/** Many requests of several users at once; answers every status that came. */
export async function mixedLoad(users: Client[], requests: number): Promise<number[]> {
  const kinds: ((user: Client, index: number) => Promise<{ status: number }>)[] = [
    (user, index) => user.post('/api/tasks', { title: `mixed ${index}` }),
    (user) => user.get('/api/tasks?include_total=true'),
    (user, index) =>
      user.post('/api/tasks', { title: `keyed ${index}` }, { headers: { 'idempotency-key': `${index}` } }),
    (user) => user.get('/api/dashboard/overview'),
    (user) => user.get('/api/dashboard/stats'),
    (user) => user.get('/api/auth/session'),
    (user) => user.get('/api/auth/get-session'),
    (user) => user.get('/api/sync?limit=5'),
    (user) => user.get('/api/tasks?q=mixed&sort=priority&status=false'),
    (user) => user.post('/api/auth/refresh'),
  ];
  const sent = Array.from({ length: requests }, (_, index) => {
    const user = users[index % users.length] as Client;
    const kind = kinds[Math.floor(index / users.length) % kinds.length] as (typeof kinds)[number];
    return kind(user, index);
  });
  return (await Promise.all(sent)).map(({ status }) => status);
}
