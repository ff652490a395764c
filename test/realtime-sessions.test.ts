// A session that ends, by whatever way and on whatever node, takes its sockets with it, and they hear nothing more.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Account, seedAccount, signIn } from './support/accounts.ts';
import { PASSWORD } from './support/client.ts';
import { connected, type ListeningSocket, openSocket, refusal } from './support/follower.ts';
import { clientOf, type SeededUser, seedSession } from './support/nodes.ts';
import { until } from './support/process.ts';
import { startServer, type TestServer } from './support/server.ts';

type SignedIn = Awaited<ReturnType<typeof signIn>>;

let here: TestServer;
let there: TestServer;
let account: Account;
let client: SignedIn;
/** Another session of the same user: it must not be touched. */
let lasting: SeededUser;

beforeAll(async () => {
  here = await startServer({ shared: true });
  there = await startServer({ shared: true, connection: here.connection });
});
afterAll(async () => {
  await there.close();
  await here.close();
});
beforeEach(async () => {
  account = await seedAccount(here);
  client = await signIn(here.url, account);
  lasting = await seedSession(here, account.id);
});

interface Watched extends ListeningSocket {
  /** Why it was disconnected, once it was. */
  reason: string | undefined;
}

async function watch(url: string, token: string): Promise<Watched> {
  const socket = Object.assign(openSocket(url, { token }), { reason: undefined as string | undefined });
  socket.on('disconnect', (reason) => {
    socket.reason = reason;
  });
  await connected(socket);
  return socket;
}

/** Ends the session of `client` and sees its sockets on both nodes go, and the other session's stay. */
async function expectRevoked(end: () => Promise<unknown>): Promise<void> {
  const ended = await Promise.all([here, there].map(({ url }) => watch(url, client.accessToken)));
  const stays = await Promise.all([here, there].map(({ url }) => watch(url, lasting.token)));
  await end();
  await until(() => ended.every(({ reason }) => reason !== undefined), 'both disconnects');
  // A change after that: whoever still hears something hears this.
  await clientOf(there.url, lasting).post('/api/tasks', { title: 'After' });
  await until(() => stays.every(({ received }) => received.length >= 2), 'the event');
  for (const socket of ended) {
    expect(socket.received).toEqual([['session:revoked', {}]]);
    // Which a Socket.IO client takes as an order not to come back.
    expect(socket.reason).toBe('io server disconnect');
    expect(socket.active).toBe(false);
    expect(await refusal(socket.connect())).toBe('unauthorized');
  }
  for (const socket of stays) {
    expect(socket.received.map(([name]) => name)).toEqual(['task:created', 'dashboard:stats']);
    expect(socket.reason).toBeUndefined();
    socket.disconnect();
  }
}

describe('the sockets of a session end on every node', () => {
  it('when it logs out', () => expectRevoked(() => client.post('/api/auth/logout')));

  it('when it signs out through Better Auth', () =>
    expectRevoked(() => client.post('/api/auth/sign-out', {})));

  it('when another session of the user ends it by its id', () =>
    expectRevoked(async () => {
      const path = `/api/account/sessions/${client.session.id}`;
      expect((await clientOf(there.url, lasting).delete(path)).status).toBe(200);
    }));

  it('when another session of the user changes the password', () =>
    expectRevoked(async () => {
      const passwords = { current_password: PASSWORD, new_password: 'a quiet river at dawn' };
      const changed = await clientOf(there.url, lasting).post('/api/account/password', passwords);
      expect(changed.body).toEqual({ ended: 1 });
    }));

  it('when another session of the user revokes it', () =>
    expectRevoked(async () => {
      const other = await signIn(there.url, account);
      const { body } = await other.get('/api/auth/list-sessions');
      const { token } = body.find(({ id }: { id: string }) => id === client.session.id);
      expect((await other.post('/api/auth/revoke-session', { token })).status).toBe(200);
    }));

  it('when its row is deleted', () =>
    expectRevoked(() => here.sql('delete from session where id = $1', [client.session.id])));

  it('when it is made to expire', () =>
    expectRevoked(() =>
      here.sql(`update session set expires_at = now() - interval '1 second' where id = $1`, [
        client.session.id,
      ]),
    ));

  it('when the listeners are cut off at that very moment', () =>
    expectRevoked(() =>
      here.sql(
        `with cut as (select pg_terminate_backend(pid) from pg_stat_activity
                      where application_name = 'donewell-listener' and datname = current_database())
         delete from session where id = $1 and (select count(*) from cut) > 0`,
        [client.session.id],
      ),
    ));
});

describe('several sessions at once', () => {
  async function expectOthersRevoked(end: () => Promise<unknown>): Promise<void> {
    const own = await watch(here.url, client.accessToken);
    const others = [await watch(here.url, lasting.token), await watch(there.url, lasting.token)];
    await end();
    await until(() => others.every(({ reason }) => reason !== undefined), 'the disconnects');
    for (const { received, reason } of others)
      expect([received, reason]).toEqual([[['session:revoked', {}]], 'io server disconnect']);
    await client.post('/api/tasks', { title: 'After' });
    await until(() => own.received.length >= 2, 'the event');
    expect(own.received[0]?.[0]).toBe('task:created');
    own.disconnect();
  }

  it('end when the others are revoked', () =>
    expectOthersRevoked(async () => {
      expect((await client.post('/api/auth/revoke-other-sessions', {})).status).toBe(200);
    }));

  it.each([{}, { revokeOtherSessions: false }, { revokeOtherSessions: true }])(
    'end when the password is changed through Better Auth, with %j',
    (more) =>
      expectOthersRevoked(async () => {
        const passwords = { currentPassword: PASSWORD, newPassword: 'another correct horse' };
        expect((await client.post('/api/auth/change-password', { ...passwords, ...more })).status).toBe(200);
      }),
  );

  it('end when the account is deleted', async () => {
    const sockets = await Promise.all(
      [here, there].flatMap(({ url }) =>
        [lasting.token, client.accessToken].map((token) => watch(url, token)),
      ),
    );
    await here.sql('delete from "user" where id = $1', [account.id]);
    await until(() => sockets.every(({ reason }) => reason !== undefined), 'the disconnects');
    for (const { received } of sockets) expect(received).toEqual([['session:revoked', {}]]);
  });
});

describe('a session that reaches its end', () => {
  it('takes its sockets along', async () => {
    await here.sql(`update session set expires_at = now() + interval '2 seconds' where id = $1`, [
      lasting.sessionId,
    ]);
    const socket = await watch(there.url, lasting.token);
    await until(() => socket.reason !== undefined, 'the disconnect');
    expect(socket.received).toEqual([['session:revoked', {}]]);
  });

  it('keeps them when it was refreshed in time', async () => {
    await here.sql(`update session set expires_at = now() + interval '2 seconds' where id = $1`, [
      client.session.id,
    ]);
    const socket = await watch(there.url, client.accessToken);
    expect((await client.post('/api/auth/refresh')).status).toBe(200);
    const ending = await seedSession(here, account.id);
    await here.sql(`update session set expires_at = now() + interval '4 seconds' where id = $1`, [
      ending.sessionId,
    ]);
    const other = await watch(there.url, ending.token);
    // The other one ends later than this one would have.
    await until(() => other.reason !== undefined, 'the disconnect');
    expect(socket.connected).toBe(true);
    expect(socket.received).toEqual([]);
    socket.disconnect();
  });
});

describe('a node behind a pooler that hears no notifications', () => {
  it('finds ended sessions and changes of other nodes by itself', async () => {
    const deaf = await startServer({
      connection: here.connection,
      shared: true,
      env: { DATABASE_POOL_MODE: 'transaction' },
    });
    const socket = await watch(deaf.url, client.accessToken);
    await clientOf(there.url, lasting).post('/api/tasks', { title: 'Unheard' });
    await until(() => socket.received.length >= 2, 'the event');
    expect(socket.received.map(([name]) => name)).toEqual(['task:created', 'dashboard:stats']);
    await client.post('/api/auth/logout');
    await until(() => socket.reason !== undefined, 'the disconnect');
    expect(socket.received.at(-1)).toEqual(['session:revoked', {}]);
    await deaf.close();
  });
});
