// The log as it lies on the disk: whole JSON lines, rotated, and without anything that is nobody's business.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { dataDirectory, type RunningServer, startProcess } from './support/process.ts';
import { sendOne } from './support/wire.ts';

const place = dataDirectory();
afterAll(() => place.remove());

interface Line {
  level: number;
  time: number;
  msg: string;
  reqId?: string;
  method?: string;
  route?: string;
  status?: number;
  address?: string;
  user?: string;
}

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');

describe('the log of a server', () => {
  const file = path.join(place.directory, 'logs here/server.log');
  const marks = {
    password: 'Pa55-Mark-9d1f',
    wrongPassword: 'Wr0ng-Mark-77aa',
    email: 'mark.e41c@example.com',
    query: 'query-mark-5b2e',
    title: 'title-mark-c0de',
    key: 'key-mark-1f2e',
    agent: 'agent-mark-88aa',
  };
  let server: RunningServer;
  let text: string;
  let secrets: string[];
  let userId: string;

  beforeAll(async () => {
    const env = { DATA_DIR: path.join(place.directory, 'data'), LOG_FILE: file, LOG_LEVEL: 'trace' };
    server = await startProcess({ env });
    const account = { name: 'Mark', email: marks.email, password: marks.password };
    const client = new Client(server.url);
    const { body } = await client.post('/api/auth/signup', account);
    userId = body.user.id;
    const cookies = [...client.cookies.values()];
    const token = body.access_token as string;
    const own = (headers: Record<string, string>) => ({ headers });
    const stranger = () => new Client(server.url);
    await Promise.all([
      stranger().post('/api/auth/login', { email: marks.email, password: marks.wrongPassword }),
      stranger().post('/api/auth/sign-in/email', { email: marks.email, password: marks.wrongPassword }),
      stranger().post('/api/auth/sign-up/email', {
        ...account,
        email: `new.${marks.email}`,
        password: 'short',
      }),
      stranger().post('/api/auth/signup', account),
      stranger().post('/api/auth/signup', { ...account, email: `${marks.email}@` }),
      stranger().request('POST', '/api/auth/login', {
        body: `{"password":"${marks.password}`,
        headers: { 'content-type': 'application/json' },
      }),
      stranger().get(`/api/tasks?access_token=${marks.query}`, own({ authorization: `Bearer ${token}` })),
      stranger().get(`/api/tasks?q=${marks.query}`, own({ authorization: `Bearer ${token}x` })),
      stranger().get(`/nowhere/${marks.query}?a=${marks.query}`),
      stranger().get(`/api/tasks/${marks.query}`, own({ authorization: `Bearer ${token}` })),
      stranger().get(`/api/auth/reset-password/${marks.query}?callbackURL=/${marks.query}`),
      client.post(
        '/api/tasks',
        { title: marks.title, description: marks.title },
        own({ 'idempotency-key': marks.key }),
      ),
      client.post(
        '/api/tasks',
        { title: marks.title, due_date: marks.title },
        own({ 'user-agent': marks.agent }),
      ),
      client.get('/api/tasks', own({ 'x-request-id': `${marks.query} not plain` })),
    ]);
    // What would be a line of its own if it were written as it came.
    const forged = '{"level":60,"msg":"forged"}';
    await stranger().get(`/%0A${encodeURIComponent(forged)}%0D%0A?x=%0A${encodeURIComponent(forged)}`);
    await stranger().get(
      '/health',
      own({ 'x-request-id': encodeURIComponent(`\n${forged}`), 'x-forwarded-for': forged }),
    );
    await stranger().post('/api/auth/login', { email: `a@b.co\n${forged}\n`, password: `\n${forged}\n` });
    await sendOne(
      server.url,
      `GET /a\x85\u2028${forged.replaceAll(' ', '')} HTTP/1.1\r\nHost: x\r\nX: ${forged}\r\n\r\n`,
    );
    await client.get('/api/tasks', own({ 'x-request-id': 'plain-id' }));
    await client.post('/api/auth/logout');
    expect(await server.stop()).toBe(0);
    text = readFileSync(file, 'utf8');
    secrets = [
      ...Object.values(marks),
      token,
      ...cookies,
      ...cookies.map(decodeURIComponent),
      body.session.id,
    ].filter((secret) => secret !== '');
    for (const name of ['secret-key.txt', 'better-auth-secret.txt'])
      secrets.push(readFileSync(path.join(env.DATA_DIR, name), 'utf8').trim());
  });

  it('is one JSON object a line, and has a line for each request', () => {
    const lines = linesOf(text).map((line) => JSON.parse(line) as Line);
    for (const line of lines)
      expect(line).toMatchObject({
        level: expect.any(Number),
        time: expect.any(Number),
        msg: expect.any(String),
      });
    const requests = lines.filter(({ msg }) => msg === 'request');
    expect(requests.length).toBeGreaterThanOrEqual(18);
    expect(requests.find(({ reqId }) => reqId === 'plain-id')).toMatchObject({
      method: 'GET',
      route: '/api/tasks',
      status: 200,
      address: '127.0.0.1',
      user: userId,
    });
    expect(new Set(requests.map(({ route }) => route))).toContain('unknown');
  });

  it('holds no password, token, cookie, secret, query, text or e-mail', () => {
    const everything = text + server.stdout() + server.stderr();
    expect(secrets.length).toBeGreaterThanOrEqual(12);
    for (const secret of secrets) expect([secret, everything.includes(secret)]).toEqual([secret, false]);
    expect(everything).not.toMatch(/example\.com|Bearer |better-auth\.session_token/i);
  });

  it('cannot be given lines by a client', () => {
    expect(text + server.stdout()).not.toContain('forged');
    expect(linesOf(text).filter((line) => (JSON.parse(line) as Line).level > 40)).toEqual([]);
  });

  it('is the same on the console and in the file, which nobody else may read', () => {
    const console = linesOf(server.stdout()).filter((line) => line.startsWith('{'));
    expect(console).toEqual(linesOf(text));
    expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
  });
});

/** Runs a piece of code with `log` on this file in a process of its own, whose console nobody reads. */
async function logIn(file: string, code: string): Promise<void> {
  const module = pathToFileURL(path.resolve(import.meta.dirname, '../src/http/logging.ts')).href;
  const script = `
    import { createLog } from ${JSON.stringify(module)};
    const log = createLog({ level: 'info', file: ${JSON.stringify(file)} });
    ${code}
    await log.close();`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'ignore' });
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
}

describe('the log file', () => {
  it('is rotated at 10 MB with at most five old ones kept, and no line of these is torn or lost', async () => {
    const directory = path.join(place.directory, 'rotated');
    const total = 75_000;
    await logIn(
      path.join(directory, 'server.log'),
      `const filler = 'x'.repeat(1000);
      for (let index = 0; index < ${total}; index++) {
        log.logger.info({ index, filler }, 'line');
        // Let the stream write and rotate, as it does between requests.
        if (index % 500 === 0) await new Promise((resume) => setImmediate(resume));
      }`,
    );
    const files = readdirSync(directory).filter((name) => statSync(path.join(directory, name)).size > 2_000);
    expect(files).toContain('server.log');
    expect(files.length).toBeGreaterThanOrEqual(5);
    expect(files.length).toBeLessThanOrEqual(6);
    const seen: number[] = [];
    for (const name of files) {
      expect(statSync(path.join(directory, name)).size).toBeLessThan(12_000_000);
      for (const line of linesOf(readFileSync(path.join(directory, name), 'utf8')))
        seen.push((JSON.parse(line) as { index: number }).index);
    }
    seen.sort((a, b) => a - b);
    expect(seen.at(-1)).toBe(total - 1);
    const first = seen[0] ?? 0;
    expect(seen.every((index, position) => index === first + position)).toBe(true);
  });

  it('goes on after a restart', async () => {
    const file = path.join(place.directory, 'again.log');
    for (const name of ['first', 'second']) await logIn(file, `log.logger.info('${name}');`);
    expect(linesOf(readFileSync(file, 'utf8')).map((line) => (JSON.parse(line) as Line).msg)).toEqual([
      'first',
      'second',
    ]);
  });
});
