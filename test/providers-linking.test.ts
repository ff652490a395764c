// Whom another service may vouch for: accounts are made and connected by verified addresses alone, on both sides.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Account, seedAccount, signIn } from './support/accounts.ts';
import { Client } from './support/client.ts';
import { type Elsewhere, PUBLIC_URL, startElsewhere } from './support/elsewhere.ts';
import { arrive, type OidcProvider, oidcSettings, type Person, Visitor } from './support/oidc.ts';
import { expectProblem } from './support/problem.ts';
import { startServer, type TestServer } from './support/server.ts';
import { seedProtected } from './support/two-factor.ts';

let elsewhere: Elsewhere;
let provider: OidcProvider;
let server: TestServer;

beforeAll(async () => {
  elsewhere = await startElsewhere({ TRUST_PROXY: '127.0.0.1' });
  ({ provider, server } = elsewhere);
});
afterAll(() => elsewhere.close());

let addresses = 0;
function freshAddress(): { headers: Record<string, string> } {
  addresses += 1;
  return { headers: { 'x-forwarded-for': `10.8.${Math.floor(addresses / 250)}.${(addresses % 250) + 1}` } };
}

const person = (claims?: Person): string => elsewhere.person(claims).name;

const landing = (error?: string) =>
  error === undefined ? `${PUBLIC_URL}/` : `${PUBLIC_URL}/sign-in-failed?error=${error}`;

async function enter(name: string, { url = server.url, client = new Client(url), input = {} } = {}) {
  const begun = await client.post('/api/auth/providers/oidc', input, freshAddress());
  expect(begun.status).toBe(200);
  const back = await new Visitor(provider.issuer).signIn(begun.body.url, name);
  return { client, landed: (await arrive(client, back)).href };
}

/** Connects the provider's identity to the account that the client is signed in to. */
async function connect(client: Client, name: string) {
  const begun = await client.post('/api/account/connections', { provider: 'oidc' }, freshAddress());
  expect(begun.status).toBe(200);
  return (await arrive(client, await new Visitor(provider.issuer).signIn(begun.body.url, name))).href;
}

async function member(verified: boolean): Promise<Client & { account: Account }> {
  const account = await seedAccount(server);
  await server.sql('update "user" set email_verified = $2 where id = $1', [account.id, verified]);
  return Object.assign(await signIn(server.url, account, freshAddress().headers), { account });
}

async function waysInto(userId: string): Promise<string[]> {
  const rows = await server.sql<{ provider_id: string }>(
    'select provider_id from account where user_id = $1 order by provider_id',
    [userId],
  );
  return rows.map(({ provider_id }) => provider_id);
}

async function toldOf(userId: string): Promise<[kind: string, details: object][]> {
  const rows = await server.sql<{ kind: string; details: object }>(
    `select kind, details from security_event where user_id = $1 and kind like 'provider%' order by id`,
    [userId],
  );
  return rows.map(({ kind, details }) => [kind, details]);
}

/** None that would open anything: it counts as a way in. */
async function seedPasskey(userId: string): Promise<void> {
  await server.sql(
    `insert into passkey (id, user_id, public_key, credential_id, counter, device_type, backed_up)
     values ($1, $2, 'x', $1, 0, 'singleDevice', false)`,
    [randomUUID(), userId],
  );
}

async function accountsOf(email: string) {
  return server.sql<{ id: string }>('select id from "user" where email = $1', [email]);
}

describe('a new account', () => {
  it('is made only for an e-mail that the service has verified', async () => {
    for (const claims of [
      { email_verified: false },
      { email_verified: undefined },
      { email_verified: 'false' },
      { email_verified: 'no' },
      { email_verified: '1' },
      { email_verified: 1 },
    ] as unknown as Person[]) {
      const name = person(claims);
      const { client, landed } = await enter(name);
      expect(landed).toBe(landing('email_not_verified_there'));
      expect(await accountsOf(`${name}@example.com`)).toEqual([]);
      expect((await client.get('/api/auth/session')).body.user).toBeNull();
    }
    // As Amazon Cognito and Apple send it.
    const name = person({ email_verified: 'true' } as unknown as Person);
    expect((await enter(name)).landed).toBe(landing());
  });

  it('needs an e-mail, and one by our rules', async () => {
    expect((await enter(person({ email: undefined } as unknown as Person))).landed).toBe(
      landing('email_missing'),
    );
    for (const email of ['not an address', `${'a'.repeat(200)}@example.com`, 'a@b', 'ö@example.com'])
      expect([email, (await enter(person({ email }))).landed]).toEqual([email, landing('failed')]);
    const kelvin = await enter(person({ email: `\u212Aate-${randomUUID()}@example.com` }));
    expect(kelvin.landed).toMatch(/error=email_not_verified_there$/);
    const upper = person({ email: `Upper-${randomUUID()}@Example.COM` });
    const { client } = await enter(upper);
    expect((await client.get('/api/auth/session')).body.user.email).toMatch(/^upper-[\w-]+@example\.com$/);
  });

  it('obeys who may make one, and says so', async () => {
    for (const [SIGNUP, failure] of [
      ['closed', 'signup_closed'],
      ['invite', 'invitation_required'],
    ] as const) {
      const env = { ...oidcSettings(PUBLIC_URL, provider.issuer), SIGNUP, TRUST_PROXY: '127.0.0.1' };
      const node = await startServer({ env, connection: server.connection });
      const name = person();
      expect((await enter(name, { url: node.url })).landed).toBe(landing(failure));
      expect(await accountsOf(`${name}@example.com`)).toEqual([]);
      // Who has an account gets in.
      await enter(name);
      expect((await enter(name, { url: node.url })).landed).toBe(landing());
      await node.close();
    }
  });

  it('is one, when it is made often at once', async () => {
    const name = person();
    const ready = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const client = new Client(server.url);
        const begun = await client.post('/api/auth/providers/oidc', {}, freshAddress());
        return { client, back: await new Visitor(provider.issuer).signIn(begun.body.url, name) };
      }),
    );
    const landed = await Promise.all(ready.map(({ client, back }) => arrive(client, back)));
    expect(landed.map(({ href }) => href)).toContain(landing());
    expect(await accountsOf(`${name}@example.com`)).toHaveLength(1);
    expect((await enter(name)).landed).toBe(landing());
  });
});

describe('an account that is there already', () => {
  it('is connected by a verified e-mail where its own is verified', async () => {
    const ada = await member(true);
    const name = person({ email: ada.account.email.toUpperCase() });
    const { client, landed } = await enter(name);
    expect(landed).toBe(landing());
    expect((await client.get('/api/auth/session')).body.user.id).toBe(ada.account.id);
    expect(await waysInto(ada.account.id)).toEqual(['credential', 'oidc']);
    const [event] = await server.sql(
      `select kind, details from security_event where user_id = $1 and kind = 'provider_connected'`,
      [ada.account.id],
    );
    expect(event).toMatchObject({ details: { provider: 'oidc' } });
  });

  it('and whose e-mail nobody has verified takes over no identity, nor is it taken over', async () => {
    // Somebody signs up with the address of a victim, and waits for the victim to come by the service.
    const attacker = await member(false);
    const victim = person({ email: attacker.account.email });
    const { client, landed } = await enter(victim);
    expect(landed).toBe(landing('account_exists'));
    expect((await client.get('/api/auth/session')).body.user).toBeNull();
    expect(await waysInto(attacker.account.id)).toEqual(['credential']);
    const [row] = await server.sql('select email_verified from "user" where id = $1', [attacker.account.id]);
    expect(row).toEqual({ email_verified: false });
    // Once the owner of the address has confirmed it, the two belong together.
    await server.sql('update "user" set email_verified = true where id = $1', [attacker.account.id]);
    expect((await enter(victim)).landed).toBe(landing());
  });

  it('is not connected by an e-mail that the service has not verified', async () => {
    const ada = await member(true);
    const thief = person({ email: ada.account.email, email_verified: false });
    expect((await enter(thief)).landed).toBe(landing('account_exists'));
    expect(await waysInto(ada.account.id)).toEqual(['credential']);
  });

  it('and whose e-mail has to be confirmed again stays closed where that is asked for', async () => {
    const env = {
      ...oidcSettings(PUBLIC_URL, provider.issuer),
      REQUIRE_EMAIL_VERIFICATION: 'true',
      TRUST_PROXY: '127.0.0.1',
    };
    const node = await startServer({ env, connection: server.connection });
    const name = person();
    expect((await enter(name, { url: node.url })).landed).toBe(landing());
    await server.sql('update "user" set email_verified = false where email = $1', [`${name}@example.com`]);
    provider.people.set(name, { email: 'another@example.com', email_verified: true });
    const { client, landed } = await enter(name, { url: node.url });
    expect(landed).toBe(landing('email_not_verified'));
    expect((await client.get('/api/auth/session')).body.user).toBeNull();
    await node.close();
  });

  it('and was disabled stays closed', async () => {
    const name = person();
    await enter(name);
    await server.sql('update "user" set disabled_at = now() where email = $1', [`${name}@example.com`]);
    const { client, landed } = await enter(name);
    expect(landed).toBe(landing('account_disabled'));
    expect((await client.get('/api/auth/session')).body.user).toBeNull();
  });
});

describe('connecting while signed in', () => {
  it('takes any identity with a verified e-mail, which then signs in', async () => {
    const ada = await member(true);
    const name = person();
    expect(await connect(ada, name)).toBe(landing());
    const { client } = await enter(name);
    expect((await client.get('/api/auth/session')).body.user).toMatchObject({
      id: ada.account.id,
      email: ada.account.email,
    });
    const { connections, has_password } = (await ada.get('/api/account/connections')).body;
    expect(has_password).toBe(true);
    expect(connections).toEqual([
      { id: expect.any(String), provider: 'oidc', name: 'Acme', connected_at: expect.any(String) },
    ]);
    // Once more is no mistake.
    expect(await connect(ada, name)).toBe(landing());
    expect((await ada.get('/api/account/connections')).body.connections).toHaveLength(1);
  });

  it('needs a verified e-mail on both sides', async () => {
    const unverified = await member(false);
    const refused = await unverified.post('/api/account/connections', { provider: 'oidc' }, freshAddress());
    expect(expectProblem(refused, 'email_not_verified').detail).toMatch(/^Confirm the e-mail/);
    const ada = await member(true);
    expect(await connect(ada, person({ email_verified: false }))).toBe(landing('email_not_verified_there'));
    // Not verified any more, by the time of coming back: an e-mail that was changed, say.
    const begun = await ada.post('/api/account/connections', { provider: 'oidc' }, freshAddress());
    const back = await new Visitor(provider.issuer).signIn(begun.body.url, person());
    await server.sql('update "user" set email_verified = false where id = $1', [ada.account.id]);
    expect((await arrive(ada, back)).href).toBe(landing('email_not_verified'));
    expect(await waysInto(ada.account.id)).toEqual(['credential']);
  });

  it('needs a fresh sign-in, through both doors, as disconnecting does', async () => {
    const ada = await member(true);
    await connect(ada, person());
    const [{ id }] = (await ada.get('/api/account/connections')).body.connections;
    await server.sql(`update session set created_at = now() - interval '11 minutes' where user_id = $1`, [
      ada.account.id,
    ]);
    for (const answer of [
      await ada.post('/api/account/connections', { provider: 'oidc' }),
      await ada.delete(`/api/account/connections/${id}`),
    ])
      expectProblem(answer, 'fresh_sign_in_required');
    for (const [path, body] of [
      ['link-social', { provider: 'oidc' }],
      ['unlink-account', { accountId: id }],
    ] as const) {
      const { status, body: answer } = await ada.post(`/api/auth/${path}`, body);
      expect([status, answer.code]).toEqual([403, 'SESSION_NOT_FRESH']);
    }
    expect(await waysInto(ada.account.id)).toEqual(['credential', 'oidc']);
  });

  it('never takes an identity away from another account', async () => {
    const name = person();
    const { client: owner } = await enter(name);
    const owned = (await owner.get('/api/auth/session')).body.user.id;
    const ada = await member(true);
    expect(await connect(ada, name)).toBe(landing('connected_elsewhere'));
    expect(await waysInto(ada.account.id)).toEqual(['credential']);
    expect(await waysInto(owned)).toEqual(['oidc']);
  });

  it('does nothing once the session that began it has ended, or in another browser', async () => {
    const ada = await member(true);
    const begun = await ada.post('/api/account/connections', { provider: 'oidc' }, freshAddress());
    const back = await new Visitor(provider.issuer).signIn(begun.body.url, person());
    const other = new Client(server.url);
    expect((await arrive(other, back)).href).toBe(landing('state_mismatch'));
    await server.sql('delete from session where user_id = $1', [ada.account.id]);
    expect((await arrive(ada, back)).href).toBe(landing('failed'));
    expect(await waysInto(ada.account.id)).toEqual(['credential']);
  });

  it('makes no session for an account with a second factor, and takes none', async () => {
    const { account, client } = await seedProtected(server);
    await server.sql('update "user" set email_verified = true where id = $1', [account.id]);
    const before = (await client.get('/api/auth/session')).body.session.id;
    expect(await connect(client, person())).toBe(landing());
    expect((await client.get('/api/auth/session')).body.session.id).toBe(before);
    expect(await server.sql('select from session where user_id = $1', [account.id])).toHaveLength(1);
  });
});

describe('disconnecting', () => {
  it.each([
    ['our route', (client: Client, id: string) => client.delete(`/api/account/connections/${id}`), 404],
    [
      'Better Auth’s',
      (client: Client, accountId: string) => client.post('/api/auth/unlink-account', { accountId }),
      400,
    ],
  ])('ends the way in, and is told with the service’s name, through %s', async (_door, disconnect, again) => {
    const ada = await member(true);
    const name = person();
    await connect(ada, name);
    const [{ id }] = (await ada.get('/api/account/connections')).body.connections;
    expect((await disconnect(ada, id)).status).toBe(200);
    expect((await disconnect(ada, id)).status).toBe(again);
    expect(await toldOf(ada.account.id)).toEqual([
      ['provider_connected', { provider: 'oidc' }],
      ['provider_disconnected', { provider: 'oidc' }],
    ]);
    const mails = await server.sql<{ kind: string }>('select kind from mail where user_id = $1', [
      ada.account.id,
    ]);
    expect(mails).toEqual([{ kind: 'way_in_changed' }, { kind: 'way_in_changed' }]);
    // The identity is somebody new now, with an address of its own.
    const { client } = await enter(name);
    expect((await client.get('/api/auth/session')).body.user.id).not.toBe(ada.account.id);
  });

  it('leaves the password alone, and never takes the last way in, also when all are taken at once', async () => {
    const name = person();
    const { client } = await enter(name);
    for (let count = 0; count < 4; count++) await connect(client, person());
    const { connections } = (await client.get('/api/account/connections')).body;
    expect(connections).toHaveLength(5);
    const answers = await Promise.all(
      connections.map(({ id }: { id: string }, index: number) =>
        index % 2 === 0
          ? client.delete(`/api/account/connections/${id}`)
          : client.post('/api/auth/unlink-account', { accountId: id }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 409]);
    const left = (await client.get('/api/account/connections')).body.connections;
    expect(left).toHaveLength(1);
    expectProblem(await client.delete(`/api/account/connections/${left[0].id}`), 'last_way_in');

    const lastId = left[0].id;
    const unlinked = await client.post('/api/auth/unlink-account', { accountId: lastId });
    expect([unlinked.status, unlinked.body.code]).toEqual([409, 'LAST_WAY_IN']);
  });

  it('takes no password away through either door, though there is another way in', async () => {
    const ada = await member(true);
    await connect(ada, person());
    await seedPasskey(ada.account.id);
    const [row] = await server.sql<{ id: string }>(
      `select id from account where user_id = $1 and provider_id = 'credential'`,
      [ada.account.id],
    );
    expectProblem(await ada.delete(`/api/account/connections/${row?.id}`), 'not_found');
    for (const accountId of [row?.id, randomUUID(), '']) {
      const { status, body } = await ada.post('/api/auth/unlink-account', { accountId });
      expect([accountId, status, body.code]).toEqual([accountId, 400, 'ACCOUNT_NOT_FOUND']);
    }
    for (const body of [{}, { accountId: null }, { accountId: [row?.id] }])
      expect((await ada.post('/api/auth/unlink-account', body)).status).toBe(400);
    expect(await waysInto(ada.account.id)).toEqual(['credential', 'oidc']);
    expect(await toldOf(ada.account.id)).toEqual([['provider_connected', { provider: 'oidc' }]]);
    // Without its password nobody deletes the account.
    expectProblem(await ada.delete('/api/account', { json: {} }), 'validation_error');
  });

  it('of somebody else’s is nothing, through either door', async () => {
    const [ada, eve] = [await member(true), await member(true)];
    await connect(ada, person());
    const [{ id }] = (await ada.get('/api/account/connections')).body.connections;
    expectProblem(await eve.delete(`/api/account/connections/${id}`), 'not_found');
    expect((await eve.post('/api/auth/unlink-account', { accountId: id })).status).toBe(400);
    for (const none of ['%00', 'a%00b', '%27', '%F0%9F%A6%84', `${id}0`])
      expectProblem(await eve.delete(`/api/account/connections/${none}`), 'not_found');
    const nul = await eve.post('/api/auth/unlink-account', { accountId: 'a\u0000b' });
    expect(nul.status).toBe(400);
    const stranger = new Client(server.url);
    expect((await stranger.post('/api/auth/unlink-account', { accountId: id })).status).toBe(401);
    expect(await waysInto(ada.account.id)).toEqual(['credential', 'oidc']);
    expect(await toldOf(eve.account.id)).toEqual([]);
  });

  it('may leave a passkey alone, and then keeps that', async () => {
    const { client } = await enter(person());
    const userId = (await client.get('/api/auth/session')).body.user.id;
    await seedPasskey(userId);
    const [{ id }] = (await client.get('/api/account/connections')).body.connections;
    expect((await client.delete(`/api/account/connections/${id}`)).status).toBe(200);
    const [passkey] = (await client.get('/api/auth/passkey/list-user-passkeys')).body;
    const removed = await client.post('/api/auth/passkey/delete-passkey', { id: passkey.id });
    expect([removed.status, removed.body.code]).toEqual([409, 'LAST_WAY_IN']);
    await server.sql('delete from "user" where id = $1', [userId]);
    expect(await waysInto(userId)).toEqual([]);
  });
});
