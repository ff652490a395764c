// The web app in bad weather: networks that flap and lie, servers that refuse, clocks that are wrong.
import type { Page, Route } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { Client } from './support/client.ts';
import { NO_NETWORK, openStage } from './support/stage.ts';
import { eventually, live, row, titles, write } from './support/web.ts';

const stage = openStage();
const expected = NO_NETWORK;

async function titlesOf(client: Client): Promise<string[]> {
  const { tasks } = (await client.get('/api/tasks')).body as { tasks: { title: string }[] };
  return tasks.map(({ title }) => title);
}

/** Answers the next requests that write a new task with these, and lets all others through. */
async function answerNext(page: Page, answers: Parameters<Route['fulfill']>[0][]): Promise<void> {
  await page.route('**/api/tasks', (route) => {
    if (route.request().method() !== 'POST') return route.continue();
    const answer = answers.shift();
    return answer ? route.fulfill(answer) : route.continue();
  });
}

function problem(status: number, code: string, headers: Record<string, string> = {}) {
  const body = JSON.stringify({ status, code, title: code, detail: `This is ${code}.` });
  return { status, headers: { 'content-type': 'application/problem+json', ...headers }, body };
}

const SOON = { 'retry-after': '0' };

describe('a network', () => {
  it('that comes and goes loses nothing, doubles nothing and keeps the order', async () => {
    const { page, context, client } = await stage.person({ expected });
    const wanted: string[] = [];
    for (let round = 0; round < 12; round++) {
      await context.setOffline(round % 2 === 0);
      wanted.unshift(`Written in round ${round}`);
      await write(page, `Written in round ${round}`);
    }
    await context.setOffline(false);
    await eventually(() => titlesOf(client)).toEqual(wanted);
    await live(page);
    await eventually(() => titles(page)).toEqual(wanted);
  });

  it('that loses every first answer does nothing twice', async () => {
    const { page, client } = await stage.person({ expected });
    const seen = new Set<string>();
    await page.route('**/api/tasks**', async (route) => {
      const key = route.request().headers()['idempotency-key'] ?? '';
      if (key === '' || seen.has(key)) return route.continue();
      seen.add(key);
      await route.fetch();
      await route.abort();
    });
    await write(page, 'One', 'Two', 'Three');
    await eventually(() => titlesOf(client)).toEqual(['Three', 'Two', 'One']);
    await eventually(() => titles(page)).toEqual(['Three', 'Two', 'One']);
    await page.getByLabel('Done: Two').check();
    await eventually(async () => (await client.get('/api/dashboard/stats')).body.completed_tasks).toBe(1);
    expect(seen.size).toBe(4);
  });

  it.each([
    ['with a page of its own', { status: 200, contentType: 'text/html', body: '<h1>Hotel</h1>' }],
    ['with half an answer', { status: 201, contentType: 'application/json', body: '{"id":7,"tit' }],
    ['with a word of its own', { status: 502, contentType: 'text/html', body: '<h1>Bad gateway</h1>' }],
  ])('that answers for the server %s is not believed', async (_name, answer) => {
    const { page, client } = await stage.person({ expected });
    await answerNext(page, [answer, answer]);
    await write(page, 'Still here');
    await page.getByText(/Offline · 1 change waiting/).waitFor();
    await row(page, 'Still here').waitFor();
    await eventually(() => titlesOf(client)).toEqual(['Still here']);
    await eventually(() => titles(page)).toEqual(['Still here']);
  });
});

describe('a server', () => {
  it.each([
    ['in progress already', problem(409, 'idempotency_in_progress', SOON)],
    ['asking for patience', problem(429, 'rate_limited', SOON)],
    ['overloaded', problem(503, 'overloaded', SOON)],
    ['without its database', problem(503, 'database_error', SOON)],
    ['with a defect that passes', problem(500, 'internal_error', SOON)],
  ])('%s is asked again, and the change is not lost', async (_name, answer) => {
    const { page, client } = await stage.person({ expected });
    await answerNext(page, [answer, answer, answer]);
    await write(page, 'Patience');
    await eventually(() => titlesOf(client)).toEqual(['Patience']);
    await live(page);
    expect(await titles(page)).toEqual(['Patience']);
  });

  it.each([
    ['too large', problem(413, 'payload_too_large')],
    ['not allowed', problem(403, 'unauthorized_access')],
    ['not valid', problem(422, 'validation_error')],
    ['in conflict', problem(409, 'conflict')],
  ])(
    'that finds a change %s is believed: it is taken back with a word, and the next goes out',
    async (_name, answer) => {
      const { page, client } = await stage.person({ expected });
      await answerNext(page, [answer]);
      await write(page, 'Refused', 'Welcome');
      await page.getByText(/“Refused” was not saved: This is/).waitFor();
      await row(page, 'Refused').waitFor({ state: 'detached' });
      await eventually(() => titlesOf(client)).toEqual(['Welcome']);
    },
  );

  it('that always fails is not asked for ever', async () => {
    const { page, client } = await stage.person({ expected });
    await page.route('**/api/tasks', (route) => route.fulfill(problem(500, 'internal_error', SOON)));
    await write(page, 'Hopeless');
    await page.getByText(/“Hopeless” was not saved/).waitFor();
    await page.unroute('**/api/tasks');
    await page.getByRole('button', { name: 'Edit again' }).click();
    await eventually(() => page.locator('#quick-add').inputValue()).toBe('Hopeless');
    await page.locator('#quick-add').press('Enter');
    await eventually(() => titlesOf(client)).toEqual(['Hopeless']);
  });
});

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('a clock', () => {
  it.each([
    ['hours fast', 3 * HOUR],
    ['hours slow', -3 * HOUR],
  ])('that is %s neither ends the session nor asks for it all the time', async (_name, skew) => {
    const { context, client, page: first } = await stage.person();
    await first.close();
    const page = await context.newPage();
    await page.clock.install({ time: Date.now() + skew });
    let refreshes = 0;
    page.on('request', (request) => {
      if (request.url().endsWith('/api/auth/refresh')) refreshes += 1;
    });
    await page.goto(client.url);
    await page.locator('#quick-add').waitFor();
    await page.clock.runFor(10 * MINUTE);
    expect(refreshes).toBe(0);
    // Not so far that the request itself would be given up.
    await page.clock.runFor(5 * MINUTE + 10_000);
    await eventually(() => refreshes).toBe(1);
    await write(page, 'On time');
    await eventually(() => titlesOf(client)).toEqual(['On time']);
  });

  it('that was put back does not turn the order of changes round', async () => {
    const { context, client, page } = await stage.person({ expected });
    await page.clock.setSystemTime(Date.now() + 48 * HOUR);
    await page.route('**/api/tasks**', (route) => route.abort());
    await write(page, 'Made in time');
    await page.getByText(/Offline · 1 change waiting/).waitFor();
    const later = await context.newPage();
    await later.clock.setSystemTime(Date.now());
    await later.route('**/api/tasks**', (route) => route.abort());
    await later.goto(client.url);
    await page.close();
    await row(later, 'Made in time').locator('.task-open').click();
    await later.locator('#edit-title').fill('Renamed today');
    await later.getByRole('button', { name: 'Save', exact: true }).click();
    await row(later, 'Renamed today').waitFor();
    await later.reload();
    await row(later, 'Renamed today').waitFor();
    await later.unroute('**/api/tasks**');
    // By itself it would wait the longer, the more often it has been turned away.
    await later.reload();
    await eventually(() => titlesOf(client)).toEqual(['Renamed today']);
  });
});

describe.each([
  ['where the day begins first', 'Pacific/Kiritimati', '2026-11-24', 'Tuesday 24 November'],
  ['where it ends last', 'Pacific/Pago_Pago', '2026-11-23', 'Monday 23 November'],
])('a page %s', (_name, timezone, today, heading) => {
  it('means its own today, and turns at its own midnight', async () => {
    const { context, client, page: first } = await stage.person({ timezone });
    await first.close();
    const page = await context.newPage();
    // 22:59:30 there, or 23:59:30.
    const nearMidnight = timezone === 'Pacific/Kiritimati' ? '2026-11-24T09:59:30Z' : '2026-11-24T10:59:30Z';
    await page.clock.install({ time: nearMidnight });
    await page.goto(client.url);
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    await write(page, 'Due today today', 'Due then tomorrow');
    await eventually(async () =>
      (await client.get('/api/tasks?sort=due_date&order=asc')).body.tasks.map(
        (task: { due_date: string }) => task.due_date,
      ),
    ).toEqual([today, expect.any(String)]);
    await page.getByText('2 open · 1 due today').waitFor();
    await page.clock.runFor(MINUTE);
    await page.getByText('2 open · 1 due today · 1 overdue').waitFor();
    expect(await page.getByRole('heading', { level: 1 }).innerText()).not.toContain(heading);
  });
});
