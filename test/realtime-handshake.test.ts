// Who may open a socket, and what nobody can do by asking for it.
import { request } from 'node:http';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { connected, openSocket, refusal, type SocketSettings } from './support/follower.ts';
import { clientOf, type SeededUser, seedSession, seedUsers } from './support/nodes.ts';
import { until } from './support/process.ts';
import { startProxy } from './support/proxy.ts';
import { startServer, type TestServer } from './support/server.ts';

const TRANSPORTS = ['websocket', 'polling'] as const;
const ALLOWED = 'https://app.example.com';

let server: TestServer;
let user: SeededUser;
let other: SeededUser;

beforeAll(async () => {
  server = await startServer({ env: { ALLOWED_ORIGINS: ALLOWED, TRUST_PROXY: '127.0.0.1' } });
});
afterAll(() => server.close());
beforeEach(async () => {
  [user, other] = (await seedUsers(server, 2)) as [SeededUser, SeededUser];
});

function open(settings: SocketSettings) {
  return openSocket(server.url, undefined, settings);
}

const headersOf = (extraHeaders: Record<string, string>): SocketSettings => ({ extraHeaders });

/** Connects, hears the user's own changes and nobody else's. */
async function expectWelcome(settings: SocketSettings): Promise<void> {
  const socket = open(settings);
  await connected(socket);
  await clientOf(server.url, other).post('/api/tasks', { title: 'Theirs' });
  const { body } = await clientOf(server.url, user).post('/api/tasks', { title: 'Mine' });
  await until(() => socket.received.length > 0);
  expect(socket.received[0]).toMatchObject(['task:created', { task: { id: body.id, user_id: user.id } }]);
  socket.disconnect();
}

describe.each(TRANSPORTS)('by %s', (transport) => {
  const transports = { transports: [transport] };
  const refused = (settings: SocketSettings) => refusal(open({ ...transports, ...settings }));

  it('a session cookie lets in from an allowed page, from the server’s own, and without an origin', async () => {
    const own = server.url;
    for (const origin of [{ origin: ALLOWED }, { origin: own }, { origin: own.toUpperCase() }, {}]) {
      await expectWelcome({ ...transports, extraHeaders: { cookie: user.cookie, ...origin } as never });
    }
  });

  it('a session cookie does not let in from a foreign page', async () => {
    const { cookie } = user;
    const foreign = [
      'https://evil.example',
      'null',
      'http://app.example.com',
      'https://app.example.com.evil.example',
      `${server.url}.evil.example`,
      server.url.replace('http', 'https'),
      'file://',
    ];
    for (const origin of foreign) expect(await refused(headersOf({ cookie, origin }))).toBe('unauthorized');
    const crossSite = headersOf({ cookie, 'sec-fetch-site': 'cross-site' });
    expect(await refused(crossSite)).toBe('unauthorized');
  });

  it('an access token lets in from anywhere, in `auth` and, as over HTTP, in the Authorization header', async () => {
    const origin = 'https://evil.example';
    await expectWelcome({ ...transports, auth: { token: user.token }, extraHeaders: { origin } });
    await expectWelcome({ ...transports, auth: { token: `Bearer ${user.token}` } });
    await expectWelcome({
      ...transports,
      auth: { token: null },
      extraHeaders: { authorization: `Bearer ${user.token}` },
    });
  });

  it('an access token goes before the cookie', async () => {
    const { cookie } = user;
    await expectWelcome({
      ...transports,
      auth: { token: user.token },
      extraHeaders: { cookie: other.cookie },
    });
    expect(await refused({ auth: { token: 'nonsense' }, extraHeaders: { cookie } })).toBe('unauthorized');
    expect(await refused(headersOf({ cookie, authorization: 'Bearer nonsense' }))).toBe('unauthorized');
  });

  it('nobody comes in without credentials', async () => {
    expect(await refused({})).toBe('unauthorized');
    expect(await refused(headersOf({ origin: ALLOWED }))).toBe('unauthorized');
  });
});

describe('credentials that are worth nothing', () => {
  const sign = (claims: object, key = 'k'.repeat(48), alg = 'HS256') =>
    new SignJWT({ sid: user.sessionId, sub: user.id, ...claims })
      .setProtectedHeader({ alg })
      .setIssuedAt()
      .setExpirationTime('30m')
      .sign(Buffer.from(key));

  it('forged tokens', async () => {
    const [header = '', claims = ''] = user.token.split('.');
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
    const forged = [
      await sign({}, 'x'.repeat(48)),
      await sign({}, 'k'.repeat(64), 'HS512'),
      await sign({ sub: other.id }),
      await sign({ sid: 'nonexistent' }),
      `${none}.${claims}.`,
      `${header}.${claims}.`,
      `${header}.${claims}`,
      user.sessionId,
      '',
      ' ',
      '\0',
      'x'.repeat(8_000),
    ];
    for (const token of forged) expect(await refusal(open({ auth: { token } }))).toBe('unauthorized');
  });

  it('tokens that are no text', async () => {
    for (const token of [1, true, {}, [user.token], { token: user.token }])
      expect(await refusal(open({ auth: { token } }))).toBe('unauthorized');
  });

  it('an expired token, though its session lives', async () => {
    const expired = await new SignJWT({ sid: user.sessionId })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(user.id)
      .setIssuedAt(0)
      .setExpirationTime(1)
      .sign(Buffer.from('k'.repeat(48)));
    expect(await refusal(open({ auth: { token: expired } }))).toBe('unauthorized');
  });

  it('forged cookies', async () => {
    const [name = '', value = ''] = user.cookie.split('=');
    const forged = [
      `${name}=${value.slice(0, -6)}AAAA%3D`,
      `${name}=${other.cookie.split('=')[1]?.split('.')[0]}.${value.split('.')[1]}`,
      `${name}=%zz`,
      `${name}=`,
    ];
    for (const cookie of forged) expect(await refusal(open(headersOf({ cookie })))).toBe('unauthorized');
  });

  it('a session that has expired or was deleted, by token and by cookie', async () => {
    const [expired, deleted] = [await seedSession(server, user.id), await seedSession(server, user.id)];
    await server.sql(`update session set expires_at = now() - interval '1 second' where id = $1`, [
      expired.sessionId,
    ]);
    await server.sql('delete from session where id = $1', [deleted.sessionId]);
    for (const { token, cookie } of [expired, deleted]) {
      expect(await refusal(open({ auth: { token } }))).toBe('unauthorized');
      expect(await refusal(open(headersOf({ cookie })))).toBe('unauthorized');
    }
  });

  it('are told apart by nothing, and never logged', async () => {
    const messages = [
      await refusal(open({})),
      await refusal(open({ auth: { token: await sign({}, 'x'.repeat(48)) } })),
    ];
    expect(new Set(messages)).toEqual(new Set(['unauthorized']));
    const log = server.logs.join('');
    expect(log).toContain('was refused: unauthorized');
    for (const secret of [user.token, user.cookie, decodeURIComponent(user.cookie), other.token])
      expect(log).not.toContain(secret);
  });
});

describe('what a client chooses', () => {
  it('changes nothing about whom it hears: rooms, users and namespaces in auth, query and events', async () => {
    const wanted = {
      userId: other.id,
      user_id: other.id,
      room: other.id,
      rooms: [other.id, `user:${other.id}`],
    };
    const socket = open({ auth: { token: user.token, ...wanted }, query: wanted });
    await connected(socket);
    for (const name of ['join', 'subscribe', 'room', 'authenticate', 'join_user_room', 'task:created'])
      socket.emit(name, wanted, other.id);
    await clientOf(server.url, other).post('/api/tasks', { title: 'Theirs' });
    const { body } = await clientOf(server.url, user).post('/api/tasks', { title: 'Mine' });
    await until(() => socket.received.some(([, { task }]) => task?.id === body.id));
    expect(JSON.stringify(socket.received)).not.toContain(other.id);
    expect(JSON.stringify(socket.received)).not.toContain('Theirs');
    socket.disconnect();
  });

  it('never reaches the sockets of others', async () => {
    const [one, two] = [open({ auth: { token: user.token } }), open({ auth: { token: other.token } })];
    await Promise.all([connected(one), connected(two)]);
    one.emit('task:created', { rev: 99, task: { title: 'Forged' } });
    one.emit('session:revoked', {});
    await clientOf(server.url, other).post('/api/tasks', { title: 'Theirs' });
    await until(() => two.received.length >= 2);
    expect(two.received.map(([name]) => name)).toEqual(['task:created', 'dashboard:stats']);
    expect(two.connected).toBe(true);
    one.disconnect();
    two.disconnect();
  });

  it('is no other namespace', async () => {
    for (const namespace of ['/admin', `/${other.id}`, '//', '/%2f']) {
      const socket = openSocket(`${server.url}${namespace}`, user);
      expect(await refusal(socket)).toBe('Invalid namespace');
    }
  });
});

describe('behind a trusted proxy', () => {
  it('the server’s own origin is what the proxy says it is', async () => {
    const { cookie } = user;
    const forwarded = { cookie, 'x-forwarded-proto': 'https', 'x-forwarded-host': 'todo.example.com' };
    await expectWelcome(headersOf({ ...forwarded, origin: 'https://todo.example.com' }));
    expect(await refusal(open(headersOf({ ...forwarded, origin: 'http://todo.example.com' })))).toBe(
      'unauthorized',
    );
  });

  it('and without a trusted one it is what the connection says', async () => {
    const untrusting = await startServer({ connection: server.connection });
    const headers = {
      cookie: user.cookie,
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil.example',
      origin: 'https://evil.example',
    };
    expect(await refusal(openSocket(untrusting.url, undefined, headersOf(headers)))).toBe('unauthorized');
    await untrusting.close();
  });
});

describe('how many', () => {
  it('five hundred sockets of one user are let in, the next is refused until one has gone', async () => {
    const sockets = Array.from({ length: 500 }, () => openSocket(server.url, user));
    await Promise.all(sockets.map(connected));
    expect(await refusal(openSocket(server.url, user))).toBe('too_many_connections');
    await expect(connected(openSocket(server.url, other))).resolves.toBeUndefined();
    sockets[0]?.disconnect();
    await until(async () => (await refusal(openSocket(server.url, user))) !== 'too_many_connections');
    for (const socket of sockets) socket.disconnect();
  });

  it('the limit holds when ten more are in the middle of their handshakes at once', async () => {
    const proxy = await startProxy(server.connection);
    const node = await startServer({ connection: proxy.connection });
    proxy.hang();
    const sockets = Array.from({ length: 510 }, () => openSocket(node.url, user, { reconnection: false }));
    const outcomes = sockets.map((socket) =>
      connected(socket).then(
        () => 'in',
        (error: Error) => error.message,
      ),
    );
    await until(() => sockets.every(({ io }) => io.engine?.id !== undefined), 'all connections');
    await proxy.resume();
    const counts = Object.groupBy(await Promise.all(outcomes), (outcome) => outcome);
    expect([counts.in?.length, counts.too_many_connections?.length]).toEqual([500, 10]);
    for (const socket of sockets) socket.disconnect();
    await node.close();
    await proxy.close();
  });
});

describe('a database that is away during the handshake', () => {
  it('is no refusal: the client comes in by itself once it is back', async () => {
    const proxy = await startProxy(server.connection);
    const node = await startServer({ connection: proxy.connection });
    await proxy.refuse();
    const socket = openSocket(node.url, user);
    const refusals: string[] = [];
    socket.on('connect_error', ({ message }) => refusals.push(message));
    let attempts = 0;
    socket.io.on('reconnect_attempt', () => attempts++);
    await until(() => attempts >= 2, 'further attempts');
    expect(refusals).toEqual([]);
    await proxy.resume();
    await until(() => socket.connected, 'the connection');
    socket.disconnect();
    await node.close();
    await proxy.close();
  });
});

describe('the path', () => {
  it('is /socket.io with and without a trailing slash', async () => {
    for (const addTrailingSlash of [true, false]) {
      for (const transport of TRANSPORTS)
        await expectWelcome({ auth: { token: user.token }, addTrailingSlash, transports: [transport] });
    }
  });

  it('answers strangers with the headers of every other answer, and allowed pages may read it', async () => {
    const client = new Client(server.url);
    const path = '/socket.io/?EIO=4&transport=polling';
    const { status, headers } = await client.get(path, {
      headers: { origin: ALLOWED, 'x-request-id': 'mine' },
    });
    expect(status).toBe(200);
    expect(headers.get('x-request-id')).toBe('mine');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('access-control-allow-origin')).toBe(ALLOWED);
    expect(headers.get('access-control-allow-credentials')).toBe('true');
    const foreign = await client.get(path, { headers: { origin: 'https://evil.example' } });
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('answers nobody in scripts, which any page may load', async () => {
    const client = new Client(server.url);
    const headers = { cookie: user.cookie, 'sec-fetch-site': 'same-site', 'sec-fetch-dest': 'script' };
    for (const query of ['j=0', 'j', 'j=', 'j=0&j=1', 'x=?&j=0', '%6a=0']) {
      const path = `/socket.io/?EIO=4&transport=polling&${query}`;
      const { status, body, text } = await client.get(path, { headers });
      expect([query, status, body.code]).toEqual([query, 403, 4]);
      expect(text).not.toContain('___eio');
    }
    expect((await client.get('/socket.io/?EIO=4&transport=polling&js=0', { headers })).status).toBe(200);
  });

  it('an offer of another protocol is not taken up: the request is answered all the same', async () => {
    const offers = [
      ['/health', 'h2c'],
      ['/health', 'websocket'],
      ['/api/tasks', 'websocket'],
    ] as const;
    for (const [path, protocol] of offers) {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        request(`${server.url}${path}`, { headers: { connection: 'Upgrade', upgrade: protocol } })
          .once('response', (response) => resolve(response.resume().statusCode))
          .once('error', reject)
          .end();
      });
      expect([path, status]).toEqual([path, path === '/health' ? 200 : 401]);
    }
  });
});
