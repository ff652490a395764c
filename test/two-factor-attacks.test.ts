// Attacks on the second factor: used codes, races, guessing, and ways around it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedAccount, signIn } from './support/accounts.ts';
import { betterAuthOn } from './support/better-auth.ts';
import { Client, PASSWORD } from './support/client.ts';
import { expectProblem } from './support/problem.ts';
import { startServer, type TestServer } from './support/server.ts';
import { Authenticator, nextStep, type Protected, protect, seedProtected } from './support/two-factor.ts';

const TOGETHER = 16;

/** Two nodes on one database. */
let nodes: [TestServer, TestServer];
let addresses = 0;

beforeAll(async () => {
  const env = { TRUST_PROXY: '127.0.0.1' };
  const first = await startServer({ env, shared: true });
  nodes = [first, await startServer({ env, shared: true, connection: first.connection })];
});
afterAll(async () => {
  await nodes[1].close();
  await nodes[0].close();
});

function freshAddress(): Record<string, string> {
  addresses += 1;
  return { 'x-forwarded-for': `10.7.${Math.floor(addresses / 250)}.${(addresses % 250) + 1}` };
}

const nodeOf = (index: number) => nodes[index % 2] as TestServer;

async function seed(): Promise<Protected & { headers: Record<string, string>; client: Client }> {
  const headers = freshAddress();
  const { account, client } = await seedProtected(nodes[0], headers);
  return { ...account, headers, client };
}

interface Step {
  node?: TestServer;
  headers?: Record<string, string>;
}

/** A client that has got as far as the password gets. */
async function challenged(
  { email, password }: Protected,
  { node = nodes[0], headers = freshAddress() }: Step,
) {
  const client = new Client(node.url);
  const answer = await client.post('/api/auth/login', { email, password }, { headers });
  expectProblem(answer, 'two_factor_required');
  const ours = (body: object) => client.post('/api/auth/two-factor', body, { headers });
  const theirs = (path: 'verify-totp' | 'verify-backup-code', code: string) =>
    client.post(`/api/auth/two-factor/${path}`, { code }, { headers });
  return { client, ours, theirs };
}

async function statusesOf(attempts: Promise<{ status: number }>[]): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (const { status } of await Promise.all(attempts)) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

async function sessionsOf(userId: string): Promise<string[]> {
  const rows = await nodes[0].sql<{ id: string }>('select id from session where user_id = $1', [userId]);
  return rows.map(({ id }) => id);
}

async function manyChallenged(account: Protected) {
  return Promise.all(
    Array.from({ length: TOGETHER }, (_, index) => challenged(account, { node: nodeOf(index) })),
  );
}

describe('a code', () => {
  it('signs in once, whichever door it comes to again', async () => {
    const account = await seed();
    const code = account.authenticator.code();
    expect((await (await challenged(account, {})).ours({ code })).status).toBe(200);
    for (const node of nodes) {
      expectProblem(await (await challenged(account, { node })).ours({ code }), 'invalid_code');
      const other = await (await challenged(account, { node })).theirs('verify-totp', code);
      expect([other.status, other.body.code]).toEqual([401, 'INVALID_CODE']);
    }
    const later = account.authenticator.code(1);
    expect((await (await challenged(account, {})).theirs('verify-totp', later)).status).toBe(200);
  });

  it('is void once a later one was taken', async () => {
    const account = await seed();
    const [earlier, later] = [account.authenticator.code(), account.authenticator.code(1)];
    expect((await (await challenged(account, {})).ours({ code: later })).status).toBe(200);
    expectProblem(await (await challenged(account, {})).ours({ code: earlier }), 'invalid_code');
  });

  it('that confirmed the factor, or proved it, signs in no more', async () => {
    const headers = freshAddress();
    const seeded = await seedAccount(nodes[0]);
    const client = await signIn(nodes[0].url, seeded, headers);
    const { authenticator, recoveryCodes } = await protect(client, PASSWORD);
    const account = { ...seeded, authenticator, recoveryCodes };
    expectProblem(await (await challenged(account, {})).ours({ code: authenticator.code() }), 'invalid_code');
    await nextStep(nodes[0], account);
    const code = authenticator.code();
    const renew = await client.post('/api/account/two-factor/recovery-codes', { password: PASSWORD, code });
    expect(renew.status).toBe(200);
    expectProblem(await (await challenged(account, {})).ours({ code }), 'invalid_code');
  });

  it('used sixteen times at once on two nodes and two doors makes one session', async () => {
    const account = await seed();
    const before = await sessionsOf(account.id);
    const steps = await manyChallenged(account);
    const code = account.authenticator.code();
    const uses = steps.map((step, index) =>
      index % 4 < 2 ? step.ours({ code }) : step.theirs('verify-totp', code),
    );
    expect(await statusesOf(uses)).toEqual({ 200: 1, 401: TOGETHER - 1 });
    expect(await sessionsOf(account.id)).toHaveLength(before.length + 1);
  });

  it('sent sixteen times at once with one challenge makes no second session', async () => {
    const account = await seed();
    const before = await sessionsOf(account.id);
    const { ours } = await challenged(account, {});
    const code = account.authenticator.code();
    const counts = await statusesOf(Array.from({ length: TOGETHER }, () => ours({ code })));
    // Under way together they may use the challenge up, so that none gets in: its owner asks for another.
    const entered = counts[200] ?? 0;
    expect(entered).toBeLessThanOrEqual(1);
    expect(counts[401]).toBe(TOGETHER - entered);
    expect(await sessionsOf(account.id)).toHaveLength(before.length + entered);
  });
});

describe('a recovery code', () => {
  it('used sixteen times at once on two nodes and two doors makes one session', async () => {
    const account = await seed();
    const before = await sessionsOf(account.id);
    const steps = await manyChallenged(account);
    const [code = ''] = account.recoveryCodes;
    const uses = steps.map((step, index) =>
      index % 4 < 2 ? step.ours({ recovery_code: code }) : step.theirs('verify-backup-code', code),
    );
    const counts = await statusesOf(uses);
    expect(counts[200]).toBe(1);
    // Better Auth tells some losers of the race that they have lost it.
    expect((counts[401] ?? 0) + (counts[409] ?? 0)).toBe(TOGETHER - 1);
    expect(await sessionsOf(account.id)).toHaveLength(before.length + 1);
    const { body } = await account.client.get('/api/account/two-factor');
    expect(body.recovery_codes_left).toBe(9);
  });

  it('is not what is stored for it, nor anything like it', async () => {
    const account = await seed();
    const [row] = await nodes[0].sql<{ backup_codes: string }>(
      'select backup_codes from two_factor where user_id = $1',
      [account.id],
    );
    const [hash = ''] = JSON.parse(row?.backup_codes ?? '[]');
    expect(hash).toMatch(/^[\w-]{43}$/);
    for (const code of [hash, '', '[]', '%', hash.slice(0, 24)]) {
      expectProblem(await (await challenged(account, {})).ours({ recovery_code: code }), 'invalid_code');
      const theirs = await (await challenged(account, {})).theirs('verify-backup-code', code);
      expect([theirs.status, theirs.body.code]).toEqual([401, 'INVALID_BACKUP_CODE']);
    }
  });
});

describe('guessing', () => {
  it('ends after twenty wrong codes for an account, from any addresses, nodes and doors; its owner still gets in', async () => {
    const account = await seed();
    for (let count = 0; count < 20; count++) {
      const step = await challenged(account, { node: nodeOf(count) });
      const wrong = account.authenticator.wrong();
      const answer = count % 4 < 2 ? step.ours({ code: wrong }) : step.theirs('verify-totp', wrong);
      expect([count, (await answer).status]).toEqual([count, 401]);
    }
    for (const node of nodes) {
      const step = await challenged(account, { node });
      const refused = await step.ours({ code: account.authenticator.code() });
      expectProblem(refused, 'rate_limited');
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3600);
      expect((await step.theirs('verify-totp', account.authenticator.code())).status).toBe(429);
    }
    // From an address of theirs with a code, and with a recovery code from anywhere.
    const atHome = await challenged(account, { headers: account.headers });
    expect((await atHome.ours({ code: account.authenticator.code() })).status).toBe(200);
    const abroad = await challenged(account, {});
    expect((await abroad.ours({ recovery_code: account.recoveryCodes[0] })).status).toBe(200);
  });

  it('ends after twenty wrong codes from a known address, too, which leaves other addresses open', async () => {
    const account = await seed();
    // The address's own count starts anew after a quarter of an hour; that of the account does not.
    for (let count = 0; count < 20; count++) {
      const step = await challenged(account, { headers: account.headers });
      const { status } = await step.ours({ code: account.authenticator.wrong() });
      expect([count, status]).toEqual([count, 401]);
      if (count === 10) await nodes[0].sql(`delete from rate_limit where key like 'sign-in-address:%'`);
    }
    await nodes[0].sql(`delete from rate_limit where key like 'sign-in-address:%'`);
    const step = await challenged(account, { headers: account.headers });
    expectProblem(await step.ours({ code: account.authenticator.code() }), 'rate_limited');
    const abroad = await challenged(account, {});
    expect((await abroad.ours({ code: account.authenticator.code() })).status).toBe(200);
  });

  it('counts wrong codes and wrong passwords of an address together', async () => {
    const account = await seed();
    const headers = freshAddress();
    const client = new Client(nodes[0].url);
    for (let count = 0; count < 10; count++) {
      const { email } = account;
      const wrong = await client.post('/api/auth/login', { email, password: 'wrong password' }, { headers });
      expect(wrong.status).toBe(401);
      const step = await challenged(account, { headers });
      expect((await step.ours({ recovery_code: 'k7m2p9-x4qdtr-8vw3hn-6zb5cj' })).status).toBe(401);
    }
    const { email, password } = account;
    expectProblem(await client.post('/api/auth/login', { email, password }, { headers }), 'rate_limited');
  });

  it('is no guessing when codes are right: the password alone makes no address known', async () => {
    const account = await seed();
    const headers = freshAddress();
    await challenged(account, { headers });
    const known = () =>
      nodes[0].sql('select from sign_in_address where user_id = $1 and address = $2', [
        account.id,
        headers['x-forwarded-for'],
      ]);
    expect(await known()).toHaveLength(0);
    const step = await challenged(account, { headers });
    await step.ours({ code: account.authenticator.code() });
    expect(await known()).toHaveLength(1);
  });

  it('at once gets no more than twenty answers', async () => {
    const account = await seed();
    const steps = await Promise.all(
      Array.from({ length: 28 }, (_, index) => challenged(account, { node: nodeOf(index) })),
    );
    const wrong = account.authenticator.wrong();
    expect(await statusesOf(steps.map((step) => step.ours({ code: wrong })))).toEqual({ 401: 20, 429: 8 });
  });

  it('by somebody who is signed in counts, too', async () => {
    const account = await seed();
    const json = { password: PASSWORD, code: account.authenticator.wrong() };
    const { headers } = account;
    for (let count = 0; count < 20; count++) {
      const { status } = await account.client.delete('/api/account/two-factor', { json, headers });
      expect([count, status]).toEqual([count, 422]);
    }
    const right = { password: PASSWORD, code: account.authenticator.code() };
    expectProblem(
      await account.client.delete('/api/account/two-factor', { json: right, headers }),
      'rate_limited',
    );
  });
});

describe('a way around', () => {
  it('is not to sign in while the factor is being switched on', async () => {
    for (let round = 0; round < 2; round++) {
      // A slow hash: the password is still being compared when the factor is on.
      const account = await seedAccount(nodes[0], { cost: 11 });
      const headers = freshAddress();
      const owner = await signIn(nodes[0].url, account, headers);
      const begun = await owner.post('/api/account/two-factor', { password: PASSWORD });
      const authenticator = new Authenticator(begun.body.otpauth_uri);
      const thieves = Array.from({ length: 4 }, (_, index) => {
        const client = new Client(nodeOf(index).url);
        const door = index % 3 === 0 ? 'sign-in/email' : 'login';
        return client
          .post(
            `/api/auth/${door}`,
            { email: account.email, password: PASSWORD },
            { headers: freshAddress() },
          )
          .then(() => client);
      });
      const confirmed = await owner.post('/api/account/two-factor/confirm', { code: authenticator.code() });
      expect(confirmed.status).toBe(200);
      for (const thief of await Promise.all(thieves))
        expect((await thief.get('/api/auth/session')).body.session).toBeNull();
      expect(await sessionsOf(account.id)).toEqual([owner.session.id]);
    }
  });

  it('is none of the ways in which Better Auth can make a session', async () => {
    const account = await seed();
    const { auth, close } = betterAuthOn(nodes[0].connection);
    try {
      const { internalAdapter } = await auth.$context;
      await expect(internalAdapter.createSession(account.id)).rejects.toMatchObject({
        body: { code: 'TWO_FACTOR_REQUIRED' },
      });
    } finally {
      await close();
    }
  });

  it('is not the challenge of somebody else', async () => {
    const [ada, eve] = [await seed(), await seed()];
    const { client } = await challenged(ada, {});
    const stolen = [...client.cookies].find(([name]) => name.endsWith('two_factor'))?.[1] ?? '';
    const code = eve.authenticator.code();
    const challenge = decodeURIComponent(stolen);
    const answer = await new Client(nodes[0].url).post('/api/auth/two-factor', { code, challenge });
    expectProblem(answer, 'invalid_code');
    // Nor to be signed in as another meanwhile.
    const headers = {
      cookie: [...eve.client.cookies, ...client.cookies].map((pair) => pair.join('=')).join('; '),
    };
    const mixed = await new Client(nodes[0].url).post(
      '/api/auth/two-factor/verify-totp',
      { code },
      { headers },
    );
    expect(mixed.body.user?.id ?? eve.id).toBe(eve.id);
    expect((await sessionsOf(ada.id)).length).toBe(1);
  });

  it('is not to begin often at once: one secret is what counts, whichever door it came from', async () => {
    const account = await seedAccount(nodes[0]);
    const client = await signIn(nodes[0].url, account, freshAddress());
    const begun = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        index % 2 === 0
          ? client.post('/api/auth/two-factor/enable', { password: PASSWORD })
          : client.post('/api/account/two-factor', { password: PASSWORD }),
      ),
    );
    for (const { status } of begun) expect([200, 409]).toContain(status);
    const confirmed: number[] = [];
    for (const { body, status } of begun.filter((answer) => answer.status === 200)) {
      const { code } = { code: new Authenticator(body.otpauth_uri ?? body.totpURI).code() };
      const answer = await client.post('/api/account/two-factor/confirm', { code });
      confirmed.push(answer.status === 200 ? status : answer.status);
    }
    expect(confirmed.filter((status) => status === 200)).toHaveLength(1);
  });

  it('is no odd body', async () => {
    const account = await seed();
    const step = await challenged(account, {});
    const code = account.authenticator.code();
    for (const body of [
      { code: [code] },
      { code: { toString: code } },
      { code: true },
      { code: null },
      [],
      { __proto__: { code } },
    ]) {
      const { status } = await step.client.post('/api/auth/two-factor/verify-totp', body);
      expect([JSON.stringify(body), status]).toEqual([JSON.stringify(body), 400]);
    }
    expect((await step.theirs('verify-totp', code)).status).toBe(200);
  });
});
