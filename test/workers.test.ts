// Several processes behind one address: they serve as one, one that dies is replaced, and all of them end together.
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, signUp } from './support/client.ts';
import { dataDirectory, isAlive, type RunningServer, startProcess, until } from './support/process.ts';
import { holdRequest } from './support/wire.ts';

const place = dataDirectory();
const LIMIT = 40;
const temporary = path.join(place.directory, 'tmp');
const env = {
  DATA_DIR: path.join(place.directory, 'data'),
  TMPDIR: temporary,
  WORKERS: '2',
  RATE_LIMIT_REQUESTS: String(LIMIT),
};
let server: RunningServer;
let ada: Client & { accessToken: string };

beforeAll(async () => {
  mkdirSync(temporary, { mode: 0o711 });
  server = await startProcess({ env });
  ada = await signUp(server.url);
});
afterAll(async () => {
  await server?.stop();
  place.remove();
});

const lines = () =>
  server
    .stdout()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { pid: number; msg: string; level: number });
/** Whose lines say that they listen. */
const workers = () =>
  new Set(lines().flatMap(({ pid, msg }) => (msg.startsWith('Server listening') ? [pid] : [])));
/** A connection of its own, so that any worker may take it. */
const fresh = (pathname: string, init: RequestInit = {}) =>
  fetch(`${server.url}${pathname}`, { ...init, headers: { connection: 'close', ...init.headers } });

const directories = () => readdirSync(temporary).filter((name) => name.startsWith('donewell-workers-'));

/** Of a server that lives, of one that is starting, and of one in another container, where its id is nobody's. */
async function directoriesOfOthers(dead: number): Promise<{ names: string[]; close: () => void }> {
  const names = [`${process.pid}-living`, `${dead}-starting`, `${dead}-elsewhere`].map(
    (rest) => `donewell-workers-${rest}`,
  );
  const [living = '', starting = '', elsewhere = ''] = names.map((name) => path.join(temporary, name));
  for (const directory of [living, starting, elsewhere]) mkdirSync(directory);
  writeFileSync(path.join(living, '1.sock'), '');
  writeFileSync(path.join(elsewhere, '1.sock'), '');
  const answering = createServer().listen(path.join(elsewhere, '2.sock'));
  await once(answering, 'listening');
  return { names, close: () => answering.close() };
}

describe('two workers', () => {
  it('listen on the one address of the ready line, and both serve', async () => {
    expect(workers().size).toBe(2);
    expect(workers()).not.toContain(server.pid);
    const served = () =>
      new Set(lines().flatMap(({ pid, msg }) => (msg === 'request' && workers().has(pid) ? [pid] : [])));
    await until(async () => {
      await Promise.all(Array.from({ length: 10 }, () => fresh('/health')));
      return served().size === 2;
    });
    expect(server.stderr()).toBe('');
  });

  it('count the limit of a user exactly, together', async () => {
    const headers = { authorization: `Bearer ${ada.accessToken}` };
    const answers = await Promise.all(
      Array.from({ length: LIMIT * 2 }, () => fresh('/api/tasks', { headers })),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(LIMIT);
    expect(statuses.filter((status) => status === 429)).toHaveLength(LIMIT);
  });

  it('see each other’s sessions at once', async () => {
    const bob = await signUp(server.url);
    const headers = { authorization: `Bearer ${bob.accessToken}` };
    const before = await Promise.all(Array.from({ length: 8 }, () => fresh('/api/tasks', { headers })));
    expect(new Set(before.map(({ status }) => status))).toEqual(new Set([200]));
    expect((await bob.post('/api/auth/logout')).status).toBe(200);
    const after = await Promise.all(Array.from({ length: 8 }, () => fresh('/api/tasks', { headers })));
    expect(new Set(after.map(({ status }) => status))).toEqual(new Set([401]));
  });

  it('are two again when one is killed, and the address is served all the while', async () => {
    const [victim = 0] = workers();
    const before = workers();
    process.kill(victim, 'SIGKILL');
    await until(async () => {
      expect((await fresh('/health').catch(() => fresh('/health'))).status).toBe(200);
      return workers().size === 3;
    });
    expect(lines().map(({ msg }) => msg)).toContain(`Worker ${victim} ended (SIGKILL); starting another.`);
    const replacement = [...workers()].find((pid) => !before.has(pid)) ?? 0;
    expect([isAlive(victim), isAlive(replacement)]).toEqual([false, true]);
  });

  it('let requests finish on Ctrl-C, which reaches every process, and end with the first', async () => {
    const bob = await signUp(server.url);
    const bearer = `Authorization: Bearer ${bob.accessToken}`;
    const requests = Array.from({ length: 4 }, (_, index) =>
      holdRequest(server.url, 'POST /api/tasks', [bearer], JSON.stringify({ title: `held ${index}` })),
    );
    await Promise.all(requests.map(({ accepted }) => accepted));
    const living = [...workers()].filter(isAlive);
    for (const pid of [server.pid, ...living]) process.kill(pid, 'SIGINT');
    // No worker takes another one: what comes now is refused, or waits until the first process ends.
    await until(() =>
      fresh('/health', { signal: AbortSignal.timeout(300) })
        .then(() => false)
        .catch(() => true),
    );
    for (const request of requests) request.finish();
    for (const request of requests) expect((await request.answer)?.status).toBe(201);
    expect([await server.exited, server.stderr()]).toEqual([0, '']);
    expect(living.filter(isAlive)).toEqual([]);
    expect(directories()).toEqual([]);
  });

  it('end when the first process is killed, and the next start finds everything', async () => {
    server = await startProcess({ env });
    const living = [...workers()];
    server.kill('SIGKILL');
    await server.exited;
    await until(() => !living.some(isAlive));
    const dead = server.pid;
    expect(directories()).toEqual([expect.stringMatching(`^donewell-workers-${dead}-`)]);
    const others = await directoriesOfOthers(dead);
    server = await startProcess({ env });
    expect((await fresh('/health')).status).toBe(200);
    // What the killed one left is gone; whatever may be somebody's is not.
    const own = expect.stringMatching(`^donewell-workers-${server.pid}-`);
    expect(directories()).toEqual(expect.arrayContaining([...others.names, own]));
    expect(directories()).toHaveLength(others.names.length + 1);
    others.close();
    const orphaned = [...workers()];
    expect(await server.stop()).toBe(0);
    expect(orphaned.filter(isAlive)).toEqual([]);
  });
});
