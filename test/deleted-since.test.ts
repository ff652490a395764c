// Somebody who is deleted between the door and the reading of the profile is nobody: no 500, and nothing is written.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Account, seedAccount, signIn } from './support/accounts.ts';
import { type AnyBody, Client, PASSWORD } from './support/client.ts';
import { expectProblem } from './support/problem.ts';
import { type DatabaseProxy, startProxy } from './support/proxy.ts';
import { createDatabase, startServer, type TestServer } from './support/server.ts';

const FOUND = 'image, created_at, updated_at from "user" where id = $1';
const GONE = `image, created_at, updated_at from "user" where $1 = ''`;

let direct: TestServer;
let late: TestServer;
let proxy: DatabaseProxy;
let account: Account;
let ada: Client;
let drop: () => Promise<unknown>;

const sessions = () =>
  direct.sql('select id, expires_at from session where user_id = $1 order by id', [account.id]);

beforeAll(async () => {
  const database = await createDatabase();
  drop = database.drop;
  direct = await startServer({ connection: database.connection });
  account = await seedAccount(direct);
  const { cookies } = await signIn(direct.url, account);
  proxy = await startProxy(database.connection);
  late = await startServer({ connection: proxy.connection });
  // What the door asks still finds the user, what comes behind it does not.
  proxy.falsify(FOUND, GONE);
  ada = new Client(late.url);
  for (const [name, value] of cookies) ada.cookies.set(name, value);
});
afterAll(async () => {
  await late.close();
  await proxy.close();
  await direct.close();
  await drop();
});

describe('deleted since the door', () => {
  it('finds the door open', async () => {
    expect((await ada.get('/api/tasks')).status).toBe(200);
  });

  it('GET /api/auth/session shows nobody', async () => {
    const { status, body } = await ada.get('/api/auth/session');
    expect([status, body]).toEqual([200, { user: null, session: null }]);
  });

  it('a refresh is 401 and extends nothing', async () => {
    const before = await sessions();
    expectProblem(await ada.post('/api/auth/refresh'), 'unauthenticated');
    expect(await sessions()).toEqual(before);
  });

  it.each<[string, AnyBody]>([
    ['/api/account/verify-email', undefined],
    ['/api/account/two-factor', { password: PASSWORD }],
  ])('POST %s is 401', async (path, json) => {
    expectProblem(await ada.post(path, json), 'unauthenticated');
  });

  it('a sign-in is 401', async () => {
    const stranger = new Client(late.url);
    const credentials = { email: account.email, password: PASSWORD };
    expectProblem(await stranger.post('/api/auth/login', credentials), 'unauthenticated');
  });

  it('and none of it is a defect', () => {
    expect(late.logs.filter((line) => line.includes('a defect'))).toEqual([]);
  });
});
