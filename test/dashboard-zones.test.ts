// The overview's days: a day is a day of the zone that was asked for, and nothing but a zone may be asked for.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AnyBody, signUp } from './support/client.ts';
import { addDays, DAY, dayIn, expectRecount, HOUR, iso } from './support/overview.ts';
import { startServer, type TestServer } from './support/server.ts';
import { recountUser, type SeededTask, seedTasks } from './support/tasks.ts';

let server: TestServer;
let ada: Awaited<ReturnType<typeof signUp>>;

beforeAll(async () => {
  server = await startServer();
  ada = await signUp(server.url);
});
afterAll(() => server.close());
beforeEach(async () => {
  await server.sql('delete from task');
  await recountUser(server, ada.user.id);
});

const overview = async (query = ''): Promise<AnyBody> => {
  const { status, body, text } = await ada.get(`/api/dashboard/overview${query}`);
  expect(status, text).toBe(200);
  return body;
};
const seed = (tasks: SeededTask[]) => seedTasks(server, ada.user.id, tasks);

/** A zone where it is about noon now: midnight is far while a test runs. */
function zoneAtNoon(): string {
  const ahead = 12 - new Date().getUTCHours();
  return ahead === 0 ? 'Etc/GMT' : `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`;
}

describe('days and zones', () => {
  it.each([1, 2, 30, 365, 366])('days=%i gives exactly so many, oldest first, without gaps', async (days) => {
    for (const zone of ['UTC', 'America/New_York', 'Europe/London', 'Africa/Cairo']) {
      const { trend, generated_at } = await overview(`?days=${days}&tz=${zone}`);
      const today = dayIn(zone, Date.parse(generated_at));
      expect(trend.map(({ date }: AnyBody) => date)).toEqual(
        Array.from({ length: days }, (_, n) => addDays(today, n - days + 1)),
      );
    }
  });

  it.each(['0', '367', '-1', 'abc', '1.5', '', '1e2', '30&days=30', '9'.repeat(30)])(
    'days=%s is 422',
    async (days) => {
      const { status, body } = await ada.get(`/api/dashboard/overview?days=${days}`);
      expect([status, body.code, body.errors[0].path]).toEqual([422, 'validation_error', 'days']);
    },
  );

  it.each([
    'Mars/Olympus',
    'Europe/Pariss',
    '',
    '+02:00',
    '-05:00',
    'UTC+2',
    'GMT+2',
    '2',
    'Foo+3',
    'PST',
    'IST',
    'jst',
    'CEST',
    'SystemV/PST8PDT',
    'localtime',
    '../etc/passwd',
    "UTC'; drop table task;--",
    "Europe/Paris' or '1'='1",
    'Europe/Paris\0',
    'Europe/Paris ',
    'Éurope/Paris',
    'a'.repeat(5000),
    'constructor',
    '__proto__',
  ])('tz=%j is 422', async (tz) => {
    const { status, body } = await ada.get(`/api/dashboard/overview?tz=${encodeURIComponent(tz)}`);
    expect([status, body.code, body.errors[0].path]).toEqual([422, 'validation_error', 'tz']);
  });

  it('tz given twice is 422', async () => {
    const { status, body } = await ada.get('/api/dashboard/overview?tz=UTC&tz=UTC');
    expect([status, body.errors[0].path]).toEqual([422, 'tz']);
  });

  it('knows every zone that JavaScript knows', async () => {
    const zones = [
      ...Intl.supportedValuesOf('timeZone'),
      'UTC',
      'GMT',
      'Etc/GMT-14',
      'EST',
      'US/Pacific',
      'NZ',
      'Zulu',
    ];
    const [unknown] = await server.sql<{ names: string[] }>(
      `select array(select unnest($1::text[]) except select name from pg_timezone_names) as names`,
      [zones],
    );
    expect(unknown?.names).toEqual([]);
    for (const zone of zones.filter((_, n) => n % 25 === 0 || n >= zones.length - 7))
      expect((await overview(`?days=1&tz=${encodeURIComponent(zone)}`)).trend[0].date).toBe(
        dayIn(zone, Date.now()),
      );
  });

  it('sorts due dates by the day of the zone: at one instant a task is due today here and overdue there', async () => {
    const [east, west] = ['Pacific/Kiritimati', 'Pacific/Pago_Pago'] as const;
    // 25 hours lie between the two, so that their days always differ.
    const days = Array.from({ length: 24 }, (_, n) => addDays(dayIn('UTC', Date.now()), n - 11));
    await seed([
      ...days.map((due_date) => ({ title: due_date, due_date })),
      { title: 'no date' },
      { title: 'done', due_date: '2020-01-01', completed_at: iso(Date.now()) },
    ]);
    const there = await expectRecount(ada, east, 1);
    const here = await expectRecount(ada, west, 1);
    expect(there.due.overdue - here.due.overdue).toBeGreaterThanOrEqual(1);
    expect([there.due.today, here.due.today, there.due.next_7_days, there.due.no_date]).toEqual([1, 1, 7, 1]);
  });

  it('counts the first hour of a day whose midnight comes twice', async () => {
    const zone = 'America/Havana';
    const clock = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit' });
    const start = Math.floor(Date.now() / HOUR) * HOUR + HOUR / 2;
    const half = (instant: number) => clock.format(instant) === '00:30';
    const back = Array.from({ length: 365 * 24 }, (_, n) => n + 1).find(
      (n) => half(start - n * HOUR) && half(start - (n - 1) * HOUR),
    );
    const twice = start - Number(back) * HOUR;
    await seed([
      { title: 'first 00:30', created_at: iso(twice), completed_at: iso(twice) },
      { title: 'second 00:30', created_at: iso(twice + HOUR) },
      { title: 'the evening before', created_at: iso(twice - HOUR) },
    ]);
    const today = dayIn(zone, Date.now());
    const days = (Date.parse(today) - Date.parse(dayIn(zone, twice))) / DAY + 1;
    const { trend } = await expectRecount(ada, zone, days);
    expect(trend[0]).toEqual({ date: dayIn(zone, twice), created: 2, completed: 1 });
  });

  it.each([
    ['CET', 'Europe/Brussels', 1],
    ['MET', 'Europe/Brussels', 1],
    ['EET', 'Europe/Athens', 2],
    ['WET', 'Europe/Lisbon', 0],
    ['cet', 'Europe/Brussels', 1],
  ])('%s has the summer of %s', async (zone, place, winter) => {
    // A summer day's last hour in winter time belongs to the next day in summer time.
    const summer = Array.from(
      { length: 366 },
      (_, n) => Math.floor(Date.now() / DAY) * DAY - (n + 2) * DAY,
    ).find((midnight) => dayIn(place, midnight - winter * HOUR - HOUR / 2) === iso(midnight).slice(0, 10));
    await seed([{ title: 'late', created_at: iso(Number(summer) - winter * HOUR - HOUR / 2) }]);
    const { trend } = await overview(`?days=366&tz=${zone}`);
    expect(trend.find(({ created }: AnyBody) => created === 1).date).toBe(iso(Number(summer)).slice(0, 10));
  });
});

describe('a streak', () => {
  const zone = zoneAtNoon();
  /** Completions so many days ago, at about this time of the day. */
  const completed = (...daysAgo: number[]) =>
    seed(daysAgo.map((days) => ({ title: `${days}`, completed_at: iso(Date.now() - days * DAY) })));
  const streak = async () => (await overview(`?tz=${encodeURIComponent(zone)}`)).streak;

  it.each([
    ['today alone', [0], 1, 1],
    ['yesterday alone', [1], 1, 1],
    ['the day before yesterday alone', [2], 0, 1],
    ['today and yesterday', [0, 1], 2, 2],
    ['two days ago and earlier', [2, 3, 4], 0, 3],
    ['yesterday and earlier, today not yet', [1, 2, 3], 3, 3],
    ['a longer run in the past', [0, 5, 6, 7, 8], 1, 4],
    ['several on one day', [0, 0, 0, 1], 2, 2],
    ['a year without a gap', Array.from({ length: 400 }, (_, n) => n), 400, 400],
    ['every other day', [0, 2, 4, 6], 1, 1],
  ])('with %s', async (_what, days, current_days, longest_days) => {
    await completed(...days);
    expect(await streak()).toEqual({ current_days, longest_days });
    await expectRecount(ada, zone, 7);
  });

  it('loses a day whose only task is reopened or trashed', async () => {
    const ids = await completed(0, 1, 2);
    await ada.put(`/api/tasks/${ids[1]}`, { status: false });
    expect(await streak()).toEqual({ current_days: 1, longest_days: 1 });
    await ada.delete(`/api/tasks/${ids[0]}`);
    expect(await streak()).toEqual({ current_days: 0, longest_days: 1 });
    await ada.post(`/api/tasks/${ids[0]}/restore`);
    expect(await streak()).toEqual({ current_days: 1, longest_days: 1 });
  });

  it('counts days of the zone: the same completions may be one day here and two there', async () => {
    const noon = Math.floor(Date.now() / DAY) * DAY - DAY + 12 * HOUR;
    await seed([
      { title: 'before', completed_at: iso(noon - HOUR) },
      { title: 'after', completed_at: iso(noon + HOUR) },
    ]);
    const longest = async (tz: string) =>
      (await overview(`?tz=${encodeURIComponent(tz)}`)).streak.longest_days;
    expect([await longest('UTC'), await longest('Etc/GMT-12')]).toEqual([1, 2]);
  });
});
