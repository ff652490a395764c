// What docs/realtime.md and /asyncapi.json say of the socket is what it does: the code runs, the examples are valid.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { io, type Socket } from 'socket.io-client';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERVER_EVENTS } from '../contract/events.ts';
import * as limits from '../contract/limits.ts';
import type { Task } from '../contract/task.ts';
import { type AnyBody, Client } from './support/client.ts';
import { freshRead } from './support/follower.ts';
import { clientOf, type SeededUser, seedSession, seedUsers } from './support/nodes.ts';
import { until } from './support/process.ts';
import { startServer, type TestServer } from './support/server.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const page = readFileSync(path.join(ROOT, 'docs/realtime.md'), 'utf8');

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, code = '']) => code,
  );
}

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

interface Reader {
  tasks: Map<number, Task>;
  socket: Socket;
  rev: () => number;
  /** What a client does after a refresh. */
  renew: (token: string) => void;
}

/** Runs the page's code as it stands, in a scope that has what it uses. */
function run(url: string, token: string, fetchWith: typeof fetch = fetch): Reader {
  const code = `${blocks('js').join('\n')}\nreturn { tasks, socket, rev: () => rev, renew: (next) => { token = next; } };`;
  const start = new Function('io', 'url', 'token', 'fetch', code) as (...given: unknown[]) => Reader;
  return start(io, url, token, fetchWith);
}

async function expectSame(reader: Reader, user: SeededUser): Promise<void> {
  const fresh = await freshRead(server.url, user);
  await until(() => reader.rev() === fresh.rev, `revision ${fresh.rev}`);
  const known = [...reader.tasks.values()].sort((one, other) => one.id - other.id);
  expect(JSON.stringify(known)).toBe(fresh.tasks);
}

describe('the code in docs/realtime.md', () => {
  it('follows everything: writes, pages, broken connections, failing answers, a reset', async () => {
    const [user] = (await seedUsers(server, 1)) as [SeededUser];
    const client = clientOf(server.url, user);
    const ids: number[] = [];
    for (let number = 0; number < 5; number++)
      ids.push((await client.post('/api/tasks', { title: 'Task' })).body.id);

    let failures = 0;
    let asked = 0;
    const reader = run(server.url, user.token, async (...parameters) => {
      // Pages of two, and one answer is that of a server that is busy.
      if (++asked === 2 && ++failures) return new Response('{"status":503}', { status: 503 });
      const [address, options] = parameters as [string, RequestInit];
      return fetch(`${address}&limit=2`, options);
    });
    await expectSame(reader, user);
    expect(failures).toBeGreaterThan(0);

    await client.patch(`/api/tasks/${ids[0]}`, { title: 'Changed' });
    await client.delete(`/api/tasks/${ids[1]}`);
    await client.delete(`/api/tasks/${ids[2]}?permanent=true`);
    await client.post(`/api/tasks/${ids[1]}/restore`);
    await expectSame(reader, user);

    reader.socket.io.engine.close();
    await client.post('/api/tasks', { title: 'Missed' });
    await client.delete(`/api/tasks/${ids[3]}`);
    await until(() => reader.socket.connected, 'the connection');
    await expectSame(reader, user);

    await server.sql('delete from task where id = $1', [ids[4]]);
    await server.sql(
      'update user_sync set epoch = epoch + 1, medium_total = medium_total - 1 where user_id = $1',
      [user.id],
    );
    await until(() => !reader.tasks.has(ids[4] ?? 0), 'the reset');
    await expectSame(reader, user);
    reader.socket.disconnect();
  });

  it('comes back with the token of that moment, not with that of the first connection', async () => {
    const [user] = (await seedUsers(server, 1)) as [SeededUser];
    const reader = run(server.url, user.token);
    await until(() => reader.socket.connected, 'the connection');
    const later = await seedSession(server, user.id);
    reader.renew(later.token);
    const back = new Promise((resolve) => reader.socket.once('connect', () => resolve(undefined)));
    reader.socket.io.engine.close();
    await back;
    // Of the first sign-in nothing is left: what still follows does so by the second.
    await server.sql('delete from session where id = $1', [user.sessionId]);
    await clientOf(server.url, later).post('/api/tasks', { title: 'Task' });
    await expectSame(reader, later);
    expect(reader.socket.connected).toBe(true);
    reader.socket.disconnect();
  });

  it('has the rule itself in ten lines', () => {
    for (const code of blocks('js')) expect(code.trim().split('\n').length).toBeLessThanOrEqual(16);
    expect(blocks('js').at(-1)?.trim().split('\n')).toHaveLength(10);
  });
});

describe('the examples in docs/realtime.md', () => {
  const sections = page.split(/^### /m).slice(1);

  it('are there for every event, and are valid', () => {
    const seen = new Set<string>();
    for (const section of sections) {
      const example = JSON.parse(/^```json\n([\s\S]*?)^```/m.exec(section)?.[1] ?? '');
      const names = [...(section.split('\n')[0] ?? '').matchAll(/`([a-z]+:[a-z]+)`/g)].map(
        ([, name = '']) => name,
      );
      for (const name of names) {
        seen.add(name);
        const { payload } = SERVER_EVENTS[name as keyof typeof SERVER_EVENTS];
        expect([...Value.Errors(payload, example)], name).toEqual([]);
        expect(Object.keys(example).sort(), name).toEqual(Object.keys(payload.properties).sort());
      }
    }
    expect([...seen].sort()).toEqual(Object.keys(SERVER_EVENTS).sort());
  });

  it('and the limits are those of the contract', () => {
    const table = page.slice(page.indexOf('## Limits'), page.indexOf('## Running it'));
    for (const said of [
      `| ${limits.SOCKETS_PER_USER} |`,
      `| ${limits.SOCKET_PACKET_BYTES / 1024} KiB,`,
      `| ${limits.SOCKET_PACKETS_PER_SECOND} a second,`,
      `| ${limits.PUSHED_CHANGES} at once,`,
      `| one in ${limits.STATS_INTERVAL} ms |`,
    ])
      expect(table).toContain(said);
  });
});

describe('/asyncapi.json', () => {
  let document: AnyBody;

  beforeAll(async () => {
    const { status, headers, body } = await new Client(server.url).get('/asyncapi.json');
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
    document = body;
  });

  it('is a valid AsyncAPI 3 document', () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'donewell-asyncapi-'));
    const file = path.join(directory, 'asyncapi.json');
    writeFileSync(file, JSON.stringify(document));
    const cli = path.join(ROOT, 'node_modules/@redocly/cli/bin/cli.js');
    const lint = () =>
      execFileSync(process.execPath, [cli, 'lint', file, '--extends', 'minimal', '--format', 'stylish'], {
        cwd: directory,
        env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
        stdio: 'pipe',
        encoding: 'utf8',
      });
    expect(lint).not.toThrow();
    writeFileSync(file, JSON.stringify({ ...document, channels: { own: { messages: 1 } } }));
    expect(lint).toThrow();
    rmSync(directory, { recursive: true });
  }, 120_000);

  it('has every event with a valid example, and refers to nothing that is not there', () => {
    const messages: AnyBody[] = Object.values(document.components.messages);
    expect(messages.map(({ name }) => name).sort()).toEqual(Object.keys(SERVER_EVENTS).sort());
    for (const { name, examples } of messages) {
      const { payload } = SERVER_EVENTS[name as keyof typeof SERVER_EVENTS];
      expect([...Value.Errors(payload, examples[0].payload)], name).toEqual([]);
    }
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
      ([, to = '']) => to,
    );
    expect(references.length).toBeGreaterThan(10);
    for (const reference of references) {
      const target = reference.split('/').reduce((at: AnyBody, key) => at?.[key], document);
      expect(target, reference).toBeDefined();
    }
    expect(JSON.stringify(document)).not.toContain('"$id"');
  });

  it('is linked from /api and from the OpenAPI document', async () => {
    const client = new Client(server.url);
    expect((await client.get('/api')).body.links.asyncapi).toBe('/asyncapi.json');
    expect((await client.get('/openapi.json')).body.info.description).toContain('/asyncapi.json');
  });
});
