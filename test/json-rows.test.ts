// Rows as JSON: byte by byte what the objects would give that the same rows make.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Database } from '../src/database/database.ts';
import { read } from '../src/database/statement.ts';
import { createDatabase } from './support/server.ts';

const EVERY_CHARACTER = Array.from({ length: 0x3000 }, (_, index) => String.fromCharCode(index + 1)).join('');
const TEXTS = [
  '',
  'plain',
  'say "so" \\ and\n\tso',
  EVERY_CHARACTER,
  'Zoë 🎈 漢字',
  '\u{10ffff}\u2028',
  '}],"a":[{',
];
const TIMES = [
  '2026-01-03 10:30:00+00',
  '2026-01-03 10:30:00.1+00',
  '2026-01-03 10:30:00.12+00',
  '2026-01-03 10:30:00.123+00',
  '2026-01-03 10:30:00.123456+00',
  '0001-01-01 00:00:00+00',
  '9999-12-31 23:59:59.999999+00',
];

const texts = read('json_rows_texts', 'select text from unnest($1::text[]) as text');
const times = read(
  'json_rows_times',
  'select moment, moment::date as day from unnest($1::timestamptz[]) as moment',
);
const COLUMNS = `n as id, -n as "the ""other"" id", case when n % 3 > 0 then repeat('x', n % 400) end as text, n % 2 = 0 as even,
  n::smallint as small, n::bigint as large, array[n, 2] as list, to_jsonb(n) as json, n / 8.0 as fraction,
  n::real as real, null as nothing, ('0000000' || n)::varchar as name`;

const many = read('json_rows_many', `select ${COLUMNS} from generate_series(1, $1::integer) as n`);

let database: Database;
/** Its server speaks in another time zone. */
let abroad: Database;
let drop: () => Promise<void>;

beforeAll(async () => {
  const made = await createDatabase();
  drop = made.drop;
  const open = (options: string) =>
    new Database({
      connection: { ...made.connection, options },
      poolMode: 'session',
      poolSize: 2,
      log: () => {},
    });
  database = open('');
  abroad = open('-c timezone=Asia/Kolkata');
});
afterAll(async () => {
  await Promise.all([database.close(), abroad.close()]);
  await drop();
});

async function expectSame(on: Database, ...asked: Parameters<Database['readJson']>): Promise<void> {
  const objects = await on.read(...asked);
  const rows = await on.readJson(...asked);
  const json = (some: unknown[]) => some.map((row) => JSON.stringify(row)).join(',');
  expect(rows.count).toBe(objects.length);
  for (const [index, object] of objects.entries()) expect(rows.object(index)).toEqual(object);
  for (const count of [0, 1, Math.max(0, objects.length - 1), objects.length, objects.length + 1]) {
    const framed = (await on.readJson(...asked)).finish('{"rows":[', count, '],"after":"größer"}');
    expect(framed.toString()).toBe(`{"rows":[${json(objects.slice(0, count))}],"after":"größer"}`);
  }
}

it('escapes what JSON must not have, and nothing else', async () => {
  const objects = await database.read(texts, [TEXTS]);
  expect(objects).toEqual(TEXTS.map((text) => ({ text })));
  await expectSame(database, texts, [TEXTS]);
});

it('has times as the wire has them, whatever zone the server is in', async () => {
  await expectSame(database, times, [TIMES]);
  await expectSame(abroad, times, [TIMES.slice(0, 5)]);
  const rows = await abroad.readJson(times, [TIMES.slice(1, 2)]);
  expect(rows.finish('', 1, '').toString()).toContain('"moment":"2026-01-03T10:30:00.100Z"');
});

it.each([0, 1, 21, 5_000])('has all kinds of values, in %i rows', async (rows) => {
  await expectSame(database, many, [rows]);
});

it('keeps apart what many ask for at once', async () => {
  const asked = Array.from({ length: 60 }, (_, index) => 1 + index * 17);
  const found = await Promise.all(asked.map((rows) => database.readJson(many, [rows])));
  for (const [index, rows] of found.entries()) {
    expect(rows.count).toBe(asked[index]);
    const last = rows.object<{ id: number }>(rows.count - 1);
    expect(last.id).toBe(asked[index]);
    expect((JSON.parse(rows.finish('[', rows.count, ']').toString()) as unknown[]).length).toBe(asked[index]);
  }
});
