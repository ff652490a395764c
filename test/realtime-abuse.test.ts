// Clients that do not behave: they are closed or ignored, nobody else notices, nothing leaks and nothing piles up.
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { connected, expectConverged, freshRead, TestFollower } from './support/follower.ts';
import { clientOf, type SeededUser, seedUsers } from './support/nodes.ts';
import { until } from './support/process.ts';
import { RawSocket } from './support/raw-socket.ts';
import { startServer, type TestServer } from './support/server.ts';

const PACKET_BYTES = 16 * 1024;
const PACKETS_PER_SECOND = 20;

let server: TestServer;
let user: SeededUser;
/** Somebody who has nothing to do with all this. */
let witness: TestFollower;
const raws: RawSocket[] = [];

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  const [one, other] = (await seedUsers(server, 2)) as [SeededUser, SeededUser];
  user = one;
  witness = new TestFollower(server.url, other);
  await connected(witness.socket);
});
afterEach(async () => {
  // Whatever happened, the others go on as before.
  await clientOf(server.url, witness.user).post('/api/tasks', { title: 'Still here' });
  await expectConverged(server.url, [witness]);
  expect(witness.received.map(([name]) => name)).not.toContain('sync:required');
  witness.close();
  for (const raw of raws.splice(0)) raw.destroy();
  const log = server.logs.join('');
  expect(log).not.toContain(user.token);
  expect(log).not.toContain('a defect');
});

async function signedIn(): Promise<RawSocket> {
  const raw = await RawSocket.signedIn(server.url, user.token);
  raws.push(raw);
  return raw;
}

function stranger(): RawSocket {
  const raw = new RawSocket(server.url);
  raws.push(raw);
  return raw;
}

const logged = (text: string) =>
  until(() => server.logs.some((line) => line.includes(text)), `"${text}" in the log`);

/** It hears of a change, so it has neither been closed nor forgotten. */
async function expectHears(raw: RawSocket): Promise<void> {
  const { body } = await clientOf(server.url, user).post('/api/tasks', { title: 'Heard?' });
  await until(() => raw.events.some(([, { task }]) => task?.id === body.id), 'the event');
}

describe('packets that are too large', () => {
  it('close the socket; the largest allowed one does not', async () => {
    const raw = await signedIn();
    const frameOf = (bytes: number) => `42["${'x'.repeat(bytes - 6)}"]`;
    raw.sendText(frameOf(PACKET_BYTES));
    await expectHears(raw);
    raw.sendText(frameOf(PACKET_BYTES + 1));
    await until(() => raw.isClosed, 'the end of the socket');
    expect(raw.closeCode).toBe(1009);
    await logged('was closed: transport error');
  });

  it('close it even when only announced', async () => {
    const raw = await signedIn();
    const announcement = Buffer.alloc(14);
    announcement[0] = 0x81;
    announcement[1] = 0xff;
    announcement.writeBigUInt64BE(2n ** 40n, 2);
    raw.sendBytes(announcement);
    await until(() => raw.isClosed);
  });

  it('are refused with 413 when they are posted', async () => {
    const client = new Client(server.url);
    const opened = await client.get('/socket.io/?EIO=4&transport=polling');
    const { sid } = JSON.parse(opened.text.slice(1));
    const post = (body: string) =>
      client.request('POST', `/socket.io/?EIO=4&transport=polling&sid=${sid}`, {
        body,
        headers: { 'content-type': 'text/plain;charset=UTF-8' },
      });
    expect((await post('3'.padEnd(PACKET_BYTES, ' '))).status).toBe(200);
    expect((await post('3'.padEnd(PACKET_BYTES + 1, ' '))).status).toBe(413);
  });
});

describe('packets that are malformed', () => {
  const text = [
    '',
    '4',
    '5',
    '9',
    'x',
    '4x',
    '42',
    '42[',
    '42{}',
    '42[]',
    '42[1',
    '42[null]',
    '42["connect"]',
    '42["disconnect","x"]',
    '42["__proto__",{"__proto__":{"polluted":true}}]',
    '4299999999999999999999["x"]',
    '42/admin,["x"]',
    '43[]',
    '4399["x"]',
    '44{"message":"x"}',
    '45',
    '451-["x",{"_placeholder":true,"num":0}]',
    '4599999-["x"]',
    '46',
    '40{"token":1}',
    '40',
    '41',
    '2probe',
    '\u0000',
    '4\u001e4\u001e42["x"]',
    `42["${'['.repeat(5_000)}"]`,
    `42${'['.repeat(5_000)}`,
  ];

  it('harm nobody, whoever sends them, before and after the handshake', async () => {
    for (const packet of text) {
      stranger().sendText(packet);
      if (raws.length % 8 === 0) for (const raw of raws.splice(0)) raw.destroy();
      const raw = await signedIn();
      raw.sendText(packet);
      raw.destroy();
    }
    for (const bytes of [Buffer.alloc(0), Buffer.from([0]), randomBytes(100), randomBytes(5_000)]) {
      const raw = await signedIn();
      raw.sendBinary(bytes);
      const odd = await signedIn();
      odd.sendBytes(bytes);
    }
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('close the socket that sent them', async () => {
    for (const packet of ['42[', '44{}', '4x', '2probe', '9', '40{}']) {
      const raw = await signedIn();
      raw.sendText(packet);
      await until(
        () => raw.isClosed || raw.messages.includes('41') || raw.closeCode !== undefined,
        `the end after ${packet}`,
      );
    }
    await logged('was closed: ');
  });

  it('of an unknown protocol, transport or connection are refused as Socket.IO does', async () => {
    const client = new Client(server.url);
    const refused = [
      ['', 0],
      ['EIO=4', 0],
      ['EIO=4&transport=pigeon', 0],
      ['EIO=4&transport=__proto__', 0],
      ['EIO=4&transport=polling&sid=unknown', 1],
      ['EIO=4&transport=polling&sid=__proto__', 1],
      ['EIO=4&transport=polling&sid=w2-unknown', 1],
      ['EIO=4&transport=websocket', 3],
      ['EIO=3&transport=polling', 5],
      ['EIO=abc&transport=polling', 5],
    ] as const;
    for (const [query, code] of refused) {
      const { status, body } = await client.get(`/socket.io/?${query}`);
      expect([query, status, body.code]).toEqual([query, 400, code]);
    }
    const posted = await client.post('/socket.io/?EIO=4&transport=polling', {});
    expect([posted.status, posted.body.code]).toEqual([400, 2]);
    const deleted = await client.delete('/socket.io/?EIO=4&transport=polling');
    expect([deleted.status, deleted.body.code]).toEqual([405, 'method_not_allowed']);
  });
});

describe('floods', () => {
  it('close the socket, and its user’s other sockets stay', async () => {
    const [raw, calm] = [await signedIn(), await signedIn()];
    for (let packet = 0; packet < 500; packet++) raw.sendText('42["hello"]');
    await until(() => raw.isClosed, 'the end of the flood');
    await logged('it sent too many packets');
    await expectHears(calm);
  });

  it('close it before it has said who it is', async () => {
    const raw = stranger();
    for (let packet = 0; packet <= PACKETS_PER_SECOND; packet++) raw.sendText(`40/room-${packet},{}`);
    await until(() => raw.isClosed, 'the end of the flood');
  });

  it('of binary parts are counted, too', async () => {
    const raw = await signedIn();
    raw.sendText(`45500-["x"]`);
    for (let packet = 0; packet < 500; packet++) raw.sendBinary(Buffer.from([1]));
    await until(() => raw.isClosed, 'the end of the flood');
  });

  it('in one posted body are counted packet by packet', async () => {
    const client = new Client(server.url);
    const opened = await client.get('/socket.io/?EIO=4&transport=polling');
    const { sid } = JSON.parse(opened.text.slice(1));
    const path = `/socket.io/?EIO=4&transport=polling&sid=${sid}`;
    const headers = { 'content-type': 'text/plain;charset=UTF-8' };
    const post = (body: string) => client.request('POST', path, { body, headers });
    await post(`40${JSON.stringify({ token: user.token })}`);
    expect((await client.get(path)).text).toMatch(/^40\{/);
    await post(Array.from({ length: 1_000 }, () => '42["x"]').join('\u001e'));
    const { status, body } = await client.get(path);
    expect([status, body.code]).toEqual([400, 1]);
  });

  it('are not what a few words are', async () => {
    const raw = await signedIn();
    for (let packet = 2; packet <= PACKETS_PER_SECOND; packet++) raw.sendText('42["hello"]');
    await expectHears(raw);
  });
});

it('who leaves and keeps the connection is cut off', async () => {
  const raw = await signedIn();
  raw.sendText('41');
  await until(() => raw.isClosed, 'the end');
});

describe('pings of the protocol', () => {
  it('are answered', async () => {
    const raw = await signedIn();
    raw.sendPings('hello');
    await until(() => raw.pongs.length > 0, 'the answer');
    expect(raw.pongs).toEqual(['hello']);
  });

  it('of who does not read are not: their answers would pile up', async () => {
    /** With 131 bytes each, several times what the buffers of the system take. */
    const PINGS = 200_000;
    const raw = await signedIn();
    raw.stopReading();
    raw.sendPings('x'.repeat(125), PINGS);
    await until(() => raw.hasSent, 'the pings to have left');
    raw.goOnReading();
    // Once it reads, it is answered again.
    await until(() => {
      if (raw.pongs.at(-1) !== 'last') raw.sendPings('last');
      return raw.pongs.at(-1) === 'last';
    }, 'the last answer');
    expect(raw.pongs.length).toBeLessThan(PINGS / 2);
  });
});

describe('a reader that stops reading', () => {
  const ROUNDS = 40;

  /** Changes 90 long tasks at once and waits until a good reader has them. */
  async function changeAll(follower: TestFollower): Promise<void> {
    const [row] = await server.sql<{ rev: string }>(
      `with numbered as (select id, row_number() over (order by id) as n from task where user_id = $1),
            changed as (update task set rev = s.rev + n, updated_at = now(),
                          description = repeat(chr(8364 + (s.rev % 10)::integer), 1000)
                        from user_sync s, numbered where s.user_id = $1 and task.id = numbered.id),
            counted as (update user_sync set rev = rev + 90 where user_id = $1 returning rev)
       select rev, pg_notify('donewell_changes', json_build_array(json_build_array($1, rev))::text) from counted`,
      [user.id],
    );
    await until(() => follower.known.rev === Number(row?.rev), 'the good reader');
  }

  it('gets one sync:required when it reads again instead of all that it did not, and is right after that', async () => {
    await server.sql(
      `with made as (insert into task (user_id, title, created_at, updated_at, rev, created_rev)
         select $1, 'Long', now(), now(), n, n from generate_series(1, 90) n)
       update user_sync set rev = 90, medium_total = 90 where user_id = $1`,
      [user.id],
    );
    const good = new TestFollower(server.url, user);
    await connected(good.socket);
    const slow = await signedIn();
    slow.stopReading();
    for (let round = 0; round < ROUNDS; round++) await changeAll(good);
    const isTold = (events: readonly [string, { rev?: number }][], rev: number) =>
      events.some(([name, stats]) => name === 'dashboard:stats' && stats.rev === rev);
    await until(() => isTold(good.received, good.known.rev), 'the last stats of the good reader');
    slow.goOnReading();
    await until(() => slow.events.some(([name]) => name === 'sync:required'), 'sync:required');
    const events = slow.events.filter(([name]) => name.startsWith('task:'));
    expect(events.length).toBeLessThan(ROUNDS * 90);
    const last = events.at(-1)?.[1].rev ?? 0;
    const [, required] = slow.events.find(([name]) => name === 'sync:required') ?? [];
    const fresh = await freshRead(server.url, user);
    expect(required).toEqual({ rev: fresh.rev });
    expect(last).toBeLessThan(fresh.rev);
    // Nothing more happens: the last stats come all the same.
    await until(() => isTold(slow.events, fresh.rev), 'the last stats');

    // From there on it is a socket like any other.
    await changeAll(good);
    await until(() => slow.events.at(-1)?.[1].rev === fresh.rev + 90, 'the next change');
    const next = slow.events.find(([, { rev }]) => rev === fresh.rev + 1);
    expect(next).toMatchObject(['task:updated', { prev_rev: fresh.rev }]);
    expect(slow.events.filter(([name]) => name === 'sync:required')).toHaveLength(1);
    expect(good.received.map(([name]) => name)).not.toContain('sync:required');
    good.close();
  });
});
