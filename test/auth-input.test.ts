// What a name, an e-mail and a password may be at sign-up and sign-in: both sides of every limit.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedAccount } from './support/accounts.ts';
import { type AnyBody, Client, PASSWORD } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let address = 0;

beforeAll(async () => {
  server = await startServer({ env: { TRUST_PROXY: '127.0.0.1' } });
});
afterAll(() => server.close());

/** From an address of its own, so that no limit is met. */
function fresh(): Record<string, string> {
  address += 1;
  return { 'x-forwarded-for': `10.0.${Math.floor(address / 250)}.${(address % 250) + 1}` };
}

function person(changes: Record<string, unknown> = {}) {
  return { name: 'Ada', email: `${randomUUID()}@example.com`, password: PASSWORD, ...changes };
}

function post(json: unknown, path = '/api/auth/signup') {
  return new Client(server.url).post(path, json, { headers: fresh() });
}

async function expectRefused(changes: Record<string, unknown>, field: string) {
  const { status, headers, body, text } = await post(person(changes));
  expect(status, text).toBe(422);
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(body.code).toBe('validation_error');
  expect(body.errors.map(({ path }: AnyBody) => path)).toEqual([field]);
  expect(body.detail).toContain(body.errors[0].message);
  return body;
}

/** An e-mail address of exactly this many characters. */
function emailOf(length: number): string {
  const domain = `@${'d'.repeat(60)}.example.com`;
  return `${randomUUID()}${'x'.repeat(length - 36 - domain.length)}${domain}`;
}

describe('the name', () => {
  it.each([
    ['one character', 'א'],
    ['a hundred emoji, each one code point', '😀'.repeat(100)],
    ['quotes and comparisons', 'O\'Brien "a < b" & sons'],
  ])('may be %s, and comes back as it was sent', async (_what, name) => {
    const { status, body } = await post(person({ name }));
    expect(status).toBe(201);
    expect(body.user.name).toBe(name);
  });

  it('is cleaned before it is counted', async () => {
    const { status, body } = await post(
      person({ name: `  <script>alert(1)</script>${'n'.repeat(100)}\u202e  ` }),
    );
    expect(status).toBe(201);
    expect(body.user.name).toBe('n'.repeat(100));
  });

  it.each([
    ['empty', ''],
    ['blank', ' \t\n '],
    ['nothing but a script', '<script>alert(1)</script>'],
    ['101 characters', 'n'.repeat(101)],
    ['101 emoji', '😀'.repeat(101)],
    ['a number', 7],
    ['null', null],
    ['a list', ['Ada']],
    ['an object', { first: 'Ada' }],
    ['missing', undefined],
  ])('may not be %s', async (_what, name) => {
    await expectRefused({ name }, 'name');
  });
});

describe('the e-mail', () => {
  it('may have 200 characters and is kept in lower case', async () => {
    const email = emailOf(200);
    const { status, body } = await post(person({ email: email.toUpperCase() }));
    expect(status).toBe(201);
    expect(body.user.email).toBe(email);
  });

  it.each([
    ['201 characters', emailOf(201)],
    ['60,000 characters', `${'a'.repeat(60_000)}@example.com`],
    ['empty', ''],
    ['without @', 'ada.example.com'],
    ['without a domain', 'ada@'],
    ['without a name', '@example.com'],
    ['without a top-level domain', 'ada@localhost'],
    ['with two @', 'ada@home@example.com'],
    ['with a space', 'ada lovelace@example.com'],
    ['with spaces around', ' ada@example.com '],
    ['with a line break', 'ada@example.com\nbcc: all@example.com'],
    ['with two dots', 'ada..l@example.com'],
    ['with markup', '<ada@example.com>'],
    ['a list', ['ada@example.com']],
    ['an object', { $ne: null }],
    ['null', null],
    ['missing', undefined],
  ])('may not be %s', async (_what, email) => {
    await expectRefused({ email }, 'email');
  });
});

describe('the password', () => {
  it.each([
    ['8 emoji', '🦊🐼🐸🦁🐯🐨🐷🐵'],
    ['18 emoji, which are 72 bytes', '🦊🐼🐸🦁🐯🐨🐷🐵🦄🐙🦋🐢🐳🦉🐝🌵🍄🔥'],
    ['8 characters with spaces around', ' q7#Lm2 '],
  ])('may be %s, and then opens the account', async (_what, password) => {
    const account = person({ password });
    expect((await post(account)).status).toBe(201);
    expect((await post(account, '/api/auth/login')).status).toBe(200);
    const other = await post({ ...account, password: `${password.slice(0, -2)}zz` }, '/api/auth/login');
    expect(other.status).toBe(401);
  });

  it.each(['é'.repeat(8), '密'.repeat(8), 'xY9!xY9!', 'e\u0301'.repeat(4)])(
    'may be 8 characters that are on no list: %s',
    async (chosen) => {
      const { status } = await post(person({ password: chosen }));
      expect(status).toBe(201);
    },
  );

  it.each([
    ['7 characters', 'q7#Lm2!'],
    ['7 emoji, though these are 14 units of UTF-16', '🦊🐼🐸🦁🐯🐨🐷'],
    ['73 bytes', `${'x'.repeat(71)}é`],
    ['19 emoji, which are 76 bytes', '🦊'.repeat(19)],
    ['a thousand characters', 'long'.repeat(250)],
    ['a common one', 'password123'],
    ['a common one in other case', 'PassWord123'],
    ['a common number', '12345678'],
    ['one character over and over', '00000000'],
    ['a few characters over and over', 'abc1abc1abc1'],
    ['a run of characters', 'abcdefgh'],
    ['a run downwards', '87654321'],
    ['a number', 12345678],
    ['a list', ['correct horse battery']],
    ['null', null],
    ['missing', undefined],
  ])('may not be %s', async (_what, password) => {
    const body = await expectRefused({ password }, 'password');
    if (typeof password === 'string') expect(JSON.stringify(body)).not.toContain(password);
  });
});

describe('the body', () => {
  it('names every refused field at once', async () => {
    const { status, body } = await post({ name: '', email: 'x', password: 'short' });
    expect(status).toBe(422);
    expect(body.errors.map(({ path }: AnyBody) => path)).toEqual(['name', 'email', 'password']);
  });

  it.each(['/api/auth/signup', '/api/auth/login'])(
    'must be there, JSON and an object at %s',
    async (path) => {
      const client = new Client(server.url);
      const send = async (body: string | Uint8Array | undefined, type = 'application/json') => {
        const given = body === undefined ? {} : { body };
        const answer = await client.request('POST', path, { ...given, headers: { 'content-type': type } });
        return [answer.status, answer.body.code];
      };
      const valid = JSON.stringify(person());
      expect(await send(undefined)).toEqual([400, 'malformed_json']);
      expect(await send('{"email":')).toEqual([400, 'malformed_json']);
      expect(await send(valid.replace('Ada', '\\u0000'))).toEqual([400, 'malformed_json']);
      expect(await send(valid.replace('Ada', '\\ud800'))).toEqual([400, 'malformed_json']);
      expect(await send(valid.replace(PASSWORD, 'eight\\u0000chars'))).toEqual([400, 'malformed_json']);
      expect(await send(Buffer.from([...Buffer.from('{"name":"'), 0xff, ...Buffer.from('"}')]))).toEqual([
        400,
        'malformed_json',
      ]);
      expect(await send(valid, 'text/plain')).toEqual([415, 'unsupported_media_type']);
      expect(await send('email=a%40b.co&password=x', 'application/x-www-form-urlencoded')).toEqual([
        415,
        'unsupported_media_type',
      ]);
      expect(await send(JSON.stringify({ ...person(), more: 'x'.repeat(65_536) }))).toEqual([
        413,
        'payload_too_large',
      ]);
      for (const json of ['[]', 'null', '"text"', '7', 'true'])
        expect(await send(json)).toEqual([422, 'validation_error']);
    },
  );

  it('at sign-in needs both fields as text; a malformed e-mail is a mistake, not a wrong password', async () => {
    const logIn = async (json: unknown) => {
      const { status, body } = await post(json, '/api/auth/login');
      return [status, body.errors?.map(({ path }: AnyBody) => path)];
    };
    expect(await logIn({})).toEqual([422, ['email', 'password']]);
    expect(await logIn({ email: 'ada@example.com' })).toEqual([422, ['password']]);
    expect(await logIn({ email: 'ada@example.com', password: '' })).toEqual([422, ['password']]);
    expect(await logIn({ email: { $gt: '' }, password: PASSWORD })).toEqual([422, ['email']]);
    expect(await logIn({ email: 'ada@example.com', password: 7 })).toEqual([422, ['password']]);
    expect(await logIn({ email: 'nonsense', password: PASSWORD })).toEqual([422, ['email']]);
  });
});

describe('a race for one e-mail', () => {
  it.each([2, 6])('is won by exactly one of %i simultaneous sign-ups', async (count) => {
    const email = `${randomUUID()}@example.com`;
    const answers = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        post(person({ email: index % 2 === 0 ? email : email.toUpperCase() })),
      ),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, ...Array<number>(count - 1).fill(409)]);
    for (const { status, body } of answers) if (status === 409) expect(body.code).toBe('email_taken');
    const rows = await server.sql(
      'select u.id from "user" u join account a on a.user_id = u.id where email = $1',
      [email],
    );
    expect(rows).toHaveLength(1);
  });

  it('ends the same way through both doors at once', async () => {
    const account = person();
    const answers = await Promise.all([
      post(account),
      post(account, '/api/auth/sign-up/email'),
      post(account),
      post(account, '/api/auth/sign-up/email'),
    ]);
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status < 300)).toHaveLength(1);
    for (const [index, { status, body }] of answers.entries()) {
      if (status < 300) continue;
      const taken = index % 2 === 0 ? 'email_taken' : 'USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL';
      expect([status, body.code]).toEqual([index % 2 === 0 ? 409 : 422, taken]);
    }
  });

  it('is nothing to an account that exists: its owner signs in meanwhile', async () => {
    const account = await seedAccount(server);
    const [taken, entered] = await Promise.all([post(person(account)), post(account, '/api/auth/login')]);
    expect([taken.status, entered.status]).toEqual([409, 200]);
  });
});
