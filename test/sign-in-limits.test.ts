// Wrong sign-ins and sign-ups are limited by address and by e-mail, whichever door they come through.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Account, seedAccount, signIn } from './support/accounts.ts';
import { Client, PASSWORD } from './support/client.ts';
import { expectProblem } from './support/problem.ts';
import { startServer, type TestServer } from './support/server.ts';

const DOORS = ['ours', 'json', 'form'] as const;
type Door = (typeof DOORS)[number];

let server: TestServer;
let account: Account;

beforeAll(async () => {
  server = await startServer({ env: { TRUST_PROXY: '127.0.0.1' } });
});
beforeEach(async () => {
  account = await seedAccount(server);
});
afterAll(() => server.close());

let addresses = 0;
function freshAddress(): string {
  addresses += 1;
  return `10.9.${Math.floor(addresses / 250)}.${(addresses % 250) + 1}`;
}

interface Attempt {
  email?: string;
  password?: string;
  address?: string;
  door?: Door;
  url?: string;
}

function attempt({
  email = account.email,
  password = 'wrong password',
  address,
  door = 'ours',
  url = server.url,
}: Attempt) {
  const client = new Client(url);
  const headers: Record<string, string> = address === undefined ? {} : { 'x-forwarded-for': address };
  const path = door === 'ours' ? '/api/auth/login' : '/api/auth/sign-in/email';
  if (door !== 'form') return client.post(path, { email, password }, { headers });
  const body = new URLSearchParams({ email: 'first@example.com', password });
  body.append('email', email); // the last one counts
  return client.request('POST', path, {
    body: body.toString(),
    headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
  });
}

const right = (options: Attempt) => attempt({ password: PASSWORD, ...options });

async function statusesOf(attempts: Promise<{ status: number }>[]): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (const { status } of await Promise.all(attempts)) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

describe('an address', () => {
  it('has twenty wrong sign-ins, through all doors and for all e-mails together', async () => {
    const address = freshAddress();
    for (let count = 0; count < 20; count++) {
      const email = count % 2 === 0 ? account.email : `${randomUUID()}@example.com`;
      const given = { door: DOORS[count % 3] ?? 'ours', address, password: 'x'.repeat(73) };
      const { status } = await attempt(
        count % 2 === 0 ? { ...given, email, password: 'wrong' } : { ...given, email },
      );
      expect([count, status]).toEqual([count, 401]);
    }
    const refused = await attempt({ address });
    expectProblem(refused, 'rate_limited');
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(600);
    expect(seconds).toBeLessThanOrEqual(900);
    expect(refused.headers.getSetCookie()).toEqual([]);
    for (const door of ['json', 'form'] as const) {
      const { status, headers, body } = await right({ address, door });
      expect([status, body]).toEqual([429, { code: 'RATE_LIMITED', message: expect.any(String) }]);
      expect(headers.get('retry-after')).toMatch(/^\d+$/);
    }
    expect((await right({ address })).status).toBe(429);
    expect((await right({ address: freshAddress() })).status).toBe(200);
  });

  it('has exactly twenty, also when they all come at once', async () => {
    const address = freshAddress();
    const attempts = Array.from({ length: 36 }, (_, index) =>
      attempt({ address, door: DOORS[index % 3] ?? 'ours' }),
    );
    expect(await statusesOf(attempts)).toEqual({ 401: 20, 429: 16 });
  });

  it('may sign in rightly as often as it likes, also often at once, and keeps its twenty', async () => {
    const address = freshAddress();
    const slow = await seedAccount(server, { cost: 8 });
    const attempts = Array.from({ length: 45 }, (_, index) =>
      right({ address, door: DOORS[index % 3] ?? 'ours', email: slow.email }),
    );
    expect(await statusesOf(attempts)).toEqual({ 200: 45 });
    const wrong = Array.from({ length: 21 }, () => attempt({ address }));
    expect(await statusesOf(wrong)).toEqual({ 401: 20, 429: 1 });
  });

  it('is not charged for what is no attempt: malformed, foreign or unreadable requests', async () => {
    const address = freshAddress();
    const headers = { 'x-forwarded-for': address };
    const client = new Client(server.url);
    for (let count = 0; count < 12; count++) {
      expect((await attempt({ address, email: 'nonsense' })).status).toBe(422);
      expect((await attempt({ address, email: 'nonsense', door: 'json' })).status).toBe(400);
      const foreign = { ...headers, origin: 'https://evil.example' };
      expect((await client.post('/api/auth/sign-in/email', account, { headers: foreign })).status).toBe(403);
    }
    expect(await statusesOf(Array.from({ length: 21 }, () => attempt({ address })))).toEqual({
      401: 20,
      429: 1,
    });
  });

  it('is a whole /64 of IPv6, however it is written, and its neighbour is another', async () => {
    const inside = ['2001:db8:1:2::1', '2001:DB8:1:2:ffff:ffff:ffff:ffff', '2001:0db8:0001:0002:0:0:0:9'];
    for (let count = 0; count < 20; count++)
      expect((await attempt({ address: inside[count % 3] ?? '' })).status).toBe(401);
    for (const address of inside) expect((await right({ address })).status).toBe(429);
    expect((await right({ address: '2001:db8:1:3::1' })).status).toBe(200);
    expect((await right({ address: '::ffff:10.8.0.1' })).status).toBe(200);
  });

  it('is the socket’s where no proxy is trusted, whatever a header says', async () => {
    const plain = await startServer();
    try {
      const own = await seedAccount(plain);
      for (let count = 0; count < 20; count++) {
        const { status } = await attempt({ url: plain.url, email: own.email, address: freshAddress() });
        expect(status).toBe(401);
      }
      for (const headers of [
        { 'x-forwarded-for': '10.1.1.1' },
        { forwarded: 'for=10.1.1.1' },
        { 'x-real-ip': '10.1.1.1' },
        { 'x-donewell-client-address': '10.1.1.1' },
        { 'cf-connecting-ip': '10.1.1.1' },
      ])
        expect(
          (
            await new Client(plain.url).post('/api/auth/login', own, {
              headers: headers as Record<string, string>,
            })
          ).status,
        ).toBe(429);
    } finally {
      await plain.close();
    }
  });

  it('may come with its port from a trusted proxy', async () => {
    const [one, other] = [freshAddress(), freshAddress()];
    for (let count = 0; count < 20; count++)
      expect((await attempt({ address: `${one}:${4000 + count}` })).status).toBe(401);
    expect((await right({ address: one })).status).toBe(429);
    expect((await right({ address: `${other}:4000` })).status).toBe(200);
  });

  it('that a trusted proxy names wrongly counts as the proxy’s own', async () => {
    for (let count = 0; count < 20; count++)
      expect((await attempt({ address: `rubbish-${count}` })).status).toBe(401);
    expect((await right({ address: 'unknown' })).status).toBe(429);
    expect((await right({})).status).toBe(429);
  });
});

describe('an e-mail', () => {
  it('has fifty wrong sign-ins from all addresses together; its owner still gets in from a known one', async () => {
    const owner = await seedAccount(server);
    const home = freshAddress();
    await signIn(server.url, owner, { 'x-forwarded-for': home });
    for (let count = 0; count < 50; count++) {
      const email = count % 2 === 0 ? owner.email : owner.email.toUpperCase();
      const { status } = await attempt({ email, address: freshAddress(), door: DOORS[count % 3] ?? 'ours' });
      expect([count, status]).toEqual([count, 401]);
    }
    const refused = await attempt({ email: owner.email, address: freshAddress() });
    expectProblem(refused, 'rate_limited');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(600);
    expect((await attempt({ email: owner.email, address: freshAddress(), door: 'form' })).status).toBe(429);
    expect((await right({ email: owner.email, address: freshAddress() })).status).toBe(429);

    for (const door of DOORS)
      expect((await right({ email: owner.email, address: home, door })).status).toBe(200);
    expect((await attempt({ email: owner.email, address: home })).status).toBe(401);
    expect((await right({ address: freshAddress() })).status).toBe(200);
  });

  it('without an account is limited in the same way, and says no more', async () => {
    const email = `${randomUUID()}@example.com`;
    for (let count = 0; count < 50; count++)
      expect((await attempt({ email, address: freshAddress(), password: 'x'.repeat(73) })).status).toBe(401);
    expectProblem(await attempt({ email, address: freshAddress() }), 'rate_limited');
  });

  it('has exactly fifty, also when they all come at once', async () => {
    const owner = await seedAccount(server);
    const attempts = Array.from({ length: 60 }, (_, index) =>
      attempt({ email: owner.email, address: freshAddress(), door: DOORS[index % 3] ?? 'ours' }),
    );
    expect(await statusesOf(attempts)).toEqual({ 401: 50, 429: 10 });
  });

  it('is known at an address from its sign-up on', async () => {
    const home = freshAddress();
    const email = `${randomUUID()}@example.com`;
    await new Client(server.url).post(
      '/api/auth/signup',
      { name: 'Ada', email, password: PASSWORD },
      {
        headers: { 'x-forwarded-for': home },
      },
    );
    await Promise.all(
      Array.from({ length: 50 }, () => attempt({ email, address: freshAddress(), password: 'x'.repeat(73) })),
    );
    expect((await right({ email, address: freshAddress() })).status).toBe(429);
    expect((await right({ email, address: home })).status).toBe(200);
  });
});

describe('sign-ups', () => {
  it('are twenty an address, through both doors together; what was refused for its form is not one', async () => {
    const headers = { 'x-forwarded-for': freshAddress() };
    const signUp = (index: number, changes: Record<string, unknown> = {}) => {
      const path = index % 2 === 0 ? '/api/auth/signup' : '/api/auth/sign-up/email';
      const json = { name: 'Ada', email: `${randomUUID()}@example.com`, password: PASSWORD, ...changes };
      return new Client(server.url).post(path, json, { headers });
    };
    for (let index = 0; index < 24; index++) {
      expect((await signUp(index, { password: 'short' })).status).toBe(index % 2 === 0 ? 422 : 400);
      expect((await signUp(index, { name: '' })).status).toBe(index % 2 === 0 ? 422 : 400);
    }
    const statuses = await statusesOf(
      Array.from({ length: 24 }, (_, index) => signUp(index, index < 2 ? { email: account.email } : {})),
    );
    expect(statuses[429]).toBe(4);
    expect((statuses[409] ?? 0) + (statuses[422] ?? 0)).toBeLessThanOrEqual(2);
    const refused = await signUp(0);
    expectProblem(refused, 'rate_limited');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(900);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(3600);
    const better = await signUp(1);
    expect([better.status, better.body.code]).toEqual([429, 'RATE_LIMITED']);
    expect(better.headers.get('retry-after')).toMatch(/^\d+$/);
    expect((await right({ address: headers['x-forwarded-for'] })).status).toBe(200);
  });
});

describe('two nodes on one database', () => {
  let one: TestServer;
  let two: TestServer;
  let owner: Account;

  beforeAll(async () => {
    const env = { TRUST_PROXY: '127.0.0.1' };
    one = await startServer({ env, shared: true });
    two = await startServer({ env, shared: true, connection: one.connection });
    owner = await seedAccount(one, { cost: 8 });
  });
  afterAll(async () => {
    await two.close();
    await one.close();
  });
  const urlOf = (index: number) => (index % 2 === 0 ? one.url : two.url);

  it('count wrong sign-ins together, exactly', async () => {
    const address = freshAddress();
    const attempts = Array.from({ length: 30 }, (_, index) =>
      attempt({ address, url: urlOf(index), email: owner.email }),
    );
    expect(await statusesOf(attempts)).toEqual({ 401: 20, 429: 10 });
    expect((await right({ address, url: two.url, email: owner.email })).status).toBe(429);
  });

  it('let in all right ones, also when one node is busy with more than twenty of the address', async () => {
    const address = freshAddress();
    const attempts = Array.from({ length: 45 }, (_, index) =>
      right({ address, url: urlOf(index % 9), email: owner.email }),
    );
    expect(await statusesOf(attempts)).toEqual({ 200: 45 });
  });

  it('take an e-mail of any length', async () => {
    for (const length of [190, 254, 300, 5_000]) {
      const email = `${'a'.repeat(length - 12)}@example.com`;
      const { status, body } = await attempt({ address: freshAddress(), url: one.url, email, door: 'json' });
      expect([length, status, body.code]).toEqual([length, 401, 'INVALID_EMAIL_OR_PASSWORD']);
    }
  });
});
