// Better Auth is loaded when somebody first signs in, and not before; that it is late changes nothing that anybody is answered.
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { BASE_ERROR_CODES } from 'better-auth';
import { APIError } from 'better-auth/api';
import { io } from 'socket.io-client';
import { afterEach, describe, expect, it } from 'vitest';
import { isAPIError } from '../src/auth/api-error.ts';
import { BETTER_AUTH_ENDPOINTS } from '../src/auth/better-auth-endpoints.ts';
import { BASE_ERRORS } from '../src/auth/links/better-auth-routes.ts';
import type { ProviderSettings } from '../src/auth/providers/settings.ts';
import { seedAccount, signIn } from './support/accounts.ts';
import { betterAuthOn } from './support/better-auth.ts';
import { Client, PASSWORD, signUp } from './support/client.ts';
import { type Inspected, inspect, startInspectable } from './support/inspector.ts';
import { expectProblem } from './support/problem.ts';
import { dataDirectory, until } from './support/process.ts';
import { startProxy } from './support/proxy.ts';
import { createDatabase, startServer } from './support/server.ts';
import { query } from './support/sql.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const LATE =
  /\/node_modules\/(@?better-auth|@simplewebauthn|kysely|csv-parse|qr)\/|\/src\/auth\/better-auth\.ts/;
const lateOnes = ({ scripts }: Inspected) => [...scripts].filter((script) => LATE.test(script));

function newPlace(): Record<string, string> {
  const place = dataDirectory();
  closing.push(place.remove);
  return { DATA_DIR: path.join(place.directory, 'data'), RATE_LIMIT_REQUESTS: '1000000' };
}

async function startInspected(env: Record<string, string>) {
  const server = await startInspectable(env);
  closing.push(() => server.stop());
  const inspected = await inspect(server);
  closing.push(() => inspected.close());
  return { server, inspected };
}

function connected(client: Client): Promise<void> {
  const cookie = [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const socket = io(client.url, { transports: ['websocket'], extraHeaders: { cookie }, forceNew: true });
  closing.push(() => void socket.close());
  return new Promise((resolve, reject) => {
    socket.on('connect', resolve);
    socket.on('connect_error', reject);
  });
}

interface RealEndpoint {
  path?: string;
  options?: {
    method?: string | string[];
    metadata?: { SERVER_ONLY?: boolean; openapi?: { description?: string } };
  };
}

/** What can be called through its own router: also what it merely hides from its client's types (`/ok`). */
function endpointsOf({ auth }: ReturnType<typeof betterAuthOn>) {
  const disabled: readonly string[] = auth.options.disabledPaths;
  const endpoints = Object.values(auth.api as unknown as Record<string, RealEndpoint>);
  return endpoints.flatMap(({ path, options }) => {
    const serverOnly = options?.metadata?.SERVER_ONLY === true;
    if (path === undefined || serverOnly || disabled.includes(path)) return [];
    const methods = [options?.method ?? 'GET'].flat();
    const summary = options?.metadata?.openapi?.description;
    return [{ path, methods, ...(summary === undefined ? {} : { summary }) }];
  });
}

describe('what is written down of Better Auth', () => {
  const client = { clientId: 'a', clientSecret: 'b' };
  const others: ProviderSettings[] = [
    { ...client, id: 'google', name: 'Google', issuer: 'https://accounts.google.com' },
    { ...client, id: 'github', name: 'GitHub', issuer: undefined },
    { ...client, id: 'oidc', name: 'Acme', issuer: 'https://id.example.com' },
  ];

  it.each([
    ['without other services to sign in with', []],
    ['with all of them', others],
  ])('are its endpoints, %s', async (_what, providers) => {
    const { connection, drop } = await createDatabase();
    closing.push(drop);
    const real = betterAuthOn(connection, providers);
    closing.push(real.close);
    expect(
      endpointsOf(real),
      'Better Auth has other endpoints than src/auth/better-auth-endpoints.ts says. Look at what each new one lets people do, and write it down there.',
    ).toEqual(BETTER_AUTH_ENDPOINTS);
  });

  it('are its words', () => {
    for (const [code, words] of Object.entries(BASE_ERRORS))
      expect({ ...BASE_ERROR_CODES[code as keyof typeof BASE_ERRORS] }).toMatchObject(words);
  });

  it('is how its errors are told from others', () => {
    expect(isAPIError(new APIError('BAD_REQUEST', { message: 'x' }))).toBe(true);
    for (const other of [new Error('APIError'), new TypeError(), 'APIError', null, undefined])
      expect(isAPIError(other)).toBe(false);
  });
});

describe('a server that was just started', () => {
  it('has not loaded Better Auth for anybody who is signed in, but for the first who signs in', async () => {
    const env = newPlace();
    const before = await startInspectable(env);
    const ada = await signUp(before.url);
    await before.stop();

    const { server, inspected } = await startInspected(env);
    const again = new Client(server.url);
    for (const [name, value] of ada.cookies) again.cookies.set(name, value);
    const { session } = (await again.get('/api/auth/session')).body;
    expect(session).not.toBeNull();
    expect((await again.post('/api/tasks', { title: 'Milk' })).status).toBe(201);
    for (const at of [
      '/',
      '/docs/',
      '/openapi.json',
      '/api/tasks',
      '/api/sync',
      '/api/dashboard/stats',
      '/api/account',
      '/api/account/sessions',
      '/api/account/two-factor',
      '/api/account/connections',
      '/api/auth/providers',
      '/api/account/export',
    ])
      expect([at, (await again.get(at)).status]).toEqual([at, 200]);
    await connected(again);
    expect((await again.post('/api/auth/refresh')).status).toBe(200);
    const malformed = { body: '{', headers: { 'content-type': 'application/json' } };
    for (const door of ['/api/auth/login', '/api/auth/sign-in/email'])
      expect([door, (await again.request('POST', door, malformed)).status]).toEqual([door, 400]);
    expect((await again.post('/api/auth/login', { email: 'x', password: '' })).status).toBe(422);
    expect((await again.post('/api/auth/logout')).status).toBe(200);
    expect(lateOnes(inspected)).toEqual([]);

    const known = { email: ada.user.email, password: PASSWORD };
    expect((await new Client(server.url).post('/api/auth/login', known)).status).toBe(200);
    expect(lateOnes(inspected)).toContainEqual(expect.stringMatching(/\/src\/auth\/better-auth\.ts$/));
  });

  it('signs in all who come first, at the same moment and by both doors', async () => {
    const { server } = await startInspected(newPlace());
    const people = Array.from({ length: 6 }, (_, index) => ({
      person: { name: 'Ada', email: `${randomUUID()}@example.com`, password: PASSWORD },
      door: index % 2 === 0 ? '/api/auth/signup' : '/api/auth/sign-up/email',
    }));
    const answers = await Promise.all(
      people.map(({ person, door }) => new Client(server.url).post(door, person)),
    );
    expect(answers.map(({ status }) => status)).toEqual([201, 200, 201, 200, 201, 200]);
  });

  it('that is told to stop while it loads answers who waits, and ends well', async () => {
    const { server, inspected } = await startInspected(newPlace());
    const person = { name: 'Ada', email: `${randomUUID()}@example.com`, password: PASSWORD };
    const answer = new Client(server.url).post('/api/auth/signup', person);
    await until(() => lateOnes(inspected).length > 0, 'the first of what is loaded');
    server.kill('SIGTERM');
    expect((await answer).status).toBe(201);
    inspected.close();
    expect(await server.exited).toBe(0);
  });
});

describe('a first sign-in that fails', () => {
  it('since the database is away leaves nothing behind: the next one succeeds', async () => {
    const { connection, drop } = await createDatabase();
    closing.push(drop);
    const proxy = await startProxy(connection);
    closing.push(() => proxy.close());
    const server = await startServer({ connection: proxy.connection });
    closing.push(() => server.close());
    const account = await seedAccount({ sql: (text, values) => query(connection, text, values) as never });
    await proxy.refuse();
    expectProblem(await new Client(server.url).post('/api/auth/login', account), 'database_error');
    const elsewhere = await new Client(server.url).post('/api/auth/sign-in/email', account);
    expect([elsewhere.status, elsewhere.body.code]).toEqual([503, 'DATABASE_ERROR']);
    await proxy.resume();
    await signIn(server.url, account);
  });

  it('since Better Auth cannot be made is our fault, and the next one makes it', async () => {
    const server = await startServer();
    closing.push(() => server.close());
    const account = await seedAccount(server);
    // Which no start would let through.
    process.env.BETTER_AUTH_SECRETS = 'nonsense';
    closing.push(() => {
      delete process.env.BETTER_AUTH_SECRETS;
    });
    const [first, second] = await Promise.all([
      new Client(server.url).post('/api/auth/login', account),
      new Client(server.url).post('/api/auth/sign-in/email', account),
    ]);
    expectProblem(first, 'internal_error');
    expect([second.status, second.body.code]).toEqual([500, 'INTERNAL_ERROR']);
    delete process.env.BETTER_AUTH_SECRETS;
    await signIn(server.url, account);
  });
});
