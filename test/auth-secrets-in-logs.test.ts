// What a server writes to its log and its console while people sign up, sign in, err and attack: no secret and no e-mail.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seedAccount } from './support/accounts.ts';
import { type AnyBody, Client } from './support/client.ts';
import { type RunningServer, startProcess } from './support/process.ts';
import { type DatabaseProxy, startProxy } from './support/proxy.ts';
import { createDatabase } from './support/server.ts';
import { query } from './support/sql.ts';

const PASSWORD = 'pW-only-in-this-test-7261';
const PLANTED = 'planted-5b1a2c1e';

let server: RunningServer;
let proxy: DatabaseProxy;
let cleanUp: () => Promise<void>;
let sql: (text: string, values?: unknown[]) => Promise<AnyBody[]>;

beforeAll(async () => {
  const { connection, drop } = await createDatabase();
  sql = (text, values) => query(connection, text, values);
  proxy = await startProxy(connection);
  server = await startProcess({
    env: { DATABASE_URL: proxy.url, DEBUG: 'true', LOG_LEVEL: 'trace', TRUST_PROXY: '127.0.0.1' },
  });
  cleanUp = async () => {
    await server.stop();
    await proxy.close();
    await drop();
  };
});
afterAll(() => cleanUp());

const written = () => server.stdout() + server.stderr();

it('are in no line, whatever happened', async () => {
  const secrets = new Set([PASSWORD, PLANTED]);
  const emails: string[] = [];
  const newEmail = () => {
    const email = `${randomUUID()}@secret.example.com`;
    emails.push(email);
    return email;
  };
  const visitor = (headers: Record<string, string> = {}) => {
    const client = new Client(server.url);
    const post = (path: string, json: unknown) => client.post(path, json, { headers });
    return Object.assign(client, { send: post });
  };
  const keep = (client: Client, body: AnyBody) => {
    for (const [, value] of client.cookies) secrets.add(value).add(decodeURIComponent(value));
    for (const value of [body.access_token, body.token]) if (typeof value === 'string') secrets.add(value);
  };

  // Sign-up by both doors, a taken e-mail, a race.
  const email = newEmail();
  const person = { name: 'Ada', email, password: PASSWORD };
  const ada = visitor();
  keep(ada, (await ada.send('/api/auth/signup', person)).body);
  const other = visitor();
  keep(other, (await other.send('/api/auth/sign-up/email', { ...person, email: newEmail() })).body);
  await visitor().send('/api/auth/signup', person);
  await visitor().send('/api/auth/sign-up/email', person);
  const raced = { ...person, email: newEmail() };
  await Promise.all([
    visitor().send('/api/auth/signup', raced),
    visitor().send('/api/auth/sign-up/email', raced),
  ]);

  // Wrong and refused sign-ins, malformed bodies, planted values in every place that a client controls.
  for (const path of ['/api/auth/login', '/api/auth/sign-in/email']) {
    await visitor().send(path, { email, password: `${PASSWORD}!` });
    await visitor().send(path, { email: newEmail(), password: PASSWORD });
    await visitor().send(path, { email: `${PLANTED}@`, password: PASSWORD });
    await visitor().send(path, { email: { [PLANTED]: 1 }, password: [PASSWORD] });
    const headers = { 'content-type': 'application/json' };
    await visitor().request('POST', path, { body: `{"email":"${email}","password":"${PASSWORD}`, headers });
    await visitor().request('POST', path, { body: PASSWORD, headers: { 'content-type': `text/${PLANTED}` } });
    await visitor({ origin: `https://${PLANTED}.example` }).send(path, person);
  }
  keep(ada, (await ada.send('/api/auth/login', person)).body);
  await ada.send('/api/auth/change-password', { currentPassword: PASSWORD, newPassword: 'password123' });
  await ada.send('/api/auth/change-password', {
    currentPassword: `${PLANTED} wrong`,
    newPassword: `${PLANTED} new`,
  });
  await ada.send('/api/auth/update-user', { image: `http://${PLANTED}.example`, name: 'Grace' });
  await ada.send('/api/auth/sign-out?callbackURL=https://evil.example', {
    callbackURL: `https://evil.example/${PLANTED}`,
  });
  await ada.send('/api/auth/reset-password', { token: PLANTED, newPassword: PASSWORD });
  await ada.get(`/api/auth/verify-email?token=${PLANTED}&callbackURL=/`);
  await ada.get(`/api/auth/reset-password/${PLANTED}?callbackURL=/`);
  await ada.get(`/api/tasks?access_token=${PLANTED}`, { headers: { authorization: `Bearer ${PLANTED}` } });
  await ada.get(`/${PLANTED}`, { headers: { cookie: `better-auth.session_token=${PLANTED}.x` } });
  await ada.get('/api/tasks', { headers: { 'user-agent': PLANTED, referer: `https://${PLANTED}.example/` } });
  const sql22 = await visitor().send('/api/auth/sign-in/email', {
    email: `${'a'.repeat(3_000)}@secret.example.com`,
    password: PASSWORD,
  });
  expect(sql22.status).toBe(401);

  // Failures inside: a constraint that repeats the row, a table that is gone, a database that is away.
  const late = await seedAccount(
    { sql: (text, values) => sql(text, values) as never },
    { password: PASSWORD, email: newEmail() },
  );
  await sql(
    `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'row %', new; end $$`,
  );
  await sql('create trigger refuse before insert on session for each row execute function refuse()');
  for (const path of ['/api/auth/login', '/api/auth/sign-in/email'])
    expect((await visitor().send(path, late)).status).toBe(500);
  expect((await visitor().send('/api/auth/signup', { ...person, email: newEmail() })).status).toBe(500);
  expect((await visitor().send('/api/auth/sign-up/email', { ...person, email: newEmail() })).status).toBe(
    500,
  );
  await sql('drop trigger refuse on session');
  await proxy.refuse();
  for (const path of [
    '/api/auth/login',
    '/api/auth/sign-in/email',
    '/api/auth/signup',
    '/api/auth/sign-up/email',
  ])
    expect((await visitor().send(path, { ...person, email: newEmail() })).status).toBe(503);
  expect((await other.get('/api/auth/session')).status).toBe(503);
  await proxy.resume();

  for (const { password_hash: hash } of await sql('select password_hash from account')) secrets.add(hash);
  for (const { token } of await sql('select token from session')) secrets.add(token);
  await expect
    .poll(
      () =>
        written()
          .split('\n')
          .filter((line) => line.includes('"status":503')).length,
    )
    .toBeGreaterThan(4);
  const text = written().toLowerCase();
  expect(emails.length).toBeGreaterThan(10);
  for (const value of [...secrets, ...emails]) expect(text).not.toContain(value.toLowerCase());
  expect(text).not.toContain('@secret.example.com');
  expect(text).not.toContain('bearer ');
  // What is written are our own lines, each of them JSON, but for the start page of the console.
  const strange = server
    .stderr()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('{'));
  expect(strange).toEqual([]);
});
