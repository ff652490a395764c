// Mails and processes: killed, stopped, several at once; and a newcomer who has no mail server.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ClientConfig } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { seedAccount } from './support/accounts.ts';
import { type AnyBody, Client, PASSWORD } from './support/client.ts';
import { Mailbox, parseMail } from './support/mailbox.ts';
import { mailsAreOut, newEmail, tokenIn } from './support/mailed.ts';
import { startNode } from './support/nodes.ts';
import { dataDirectory, type RunningServer, startProcess, until } from './support/process.ts';
import { startProxy } from './support/proxy.ts';
import { createDatabase } from './support/server.ts';
import { query } from './support/sql.ts';

let connection: ClientConfig;
let drop: () => Promise<void>;
let mailbox: Mailbox;
const nodes: RunningServer[] = [];

const database = {
  sql: (text: string, values?: unknown[]) => query(connection, text, values) as Promise<AnyBody[]>,
};

beforeAll(async () => {
  ({ connection, drop } = await createDatabase());
});
beforeEach(async () => {
  mailbox = await Mailbox.open();
  await database.sql('delete from mail');
});
afterEach(async () => {
  for (const node of nodes.splice(0)) node.kill('SIGKILL');
  await mailbox.close();
});
afterAll(() => drop());

async function start(): Promise<RunningServer> {
  const node = await startNode(connection, { SMTP_URL: mailbox.url, MAIL_FROM: 'tasks@example.com' });
  nodes.push(node);
  return node;
}

function signUp(node: RunningServer, email: string) {
  return new Client(node.url).post('/api/auth/signup', { name: 'Ada', email, password: PASSWORD });
}

/** A mail server that takes the whole mail and never says so. */
function hang(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  mailbox.onText = () => {
    resolve();
    return new Promise(() => {});
  };
  return promise;
}

describe('a process that is killed', () => {
  it('while it sends leaves the mail to the next, under the same Message-ID', async () => {
    const first = await start();
    const email = newEmail();
    let text = '';
    const arrived = Promise.withResolvers<void>();
    mailbox.onText = (raw) => {
      text = raw;
      arrived.resolve();
      return new Promise(() => {});
    };
    expect((await signUp(first, email)).status).toBe(201);
    await arrived.promise;
    first.kill('SIGKILL');
    await first.exited;
    const [row] = await database.sql('select *, next_attempt_at > now() as claimed from mail');
    expect(row).toMatchObject({ attempts: 1, claimed: true, sent_at: null });

    mailbox.onText = () => undefined;
    await start();
    expect(mailbox.mails).toEqual([]);
    // As if the dead one's claim had run out.
    await database.sql('update mail set next_attempt_at = now()');
    const mail = await mailbox.next(email);
    // The very mail: what the first server may have delivered after all has the same link.
    const before = parseMail(text);
    expect([mail.headers.get('message-id'), mail.text]).toEqual([
      before.headers.get('message-id'),
      before.text,
    ]);
    const [node] = nodes.slice(-1);
    const confirmed = await new Client(node?.url ?? '').post('/api/auth/verify-email', {
      token: tokenIn(mail),
    });
    expect(confirmed.status).toBe(200);
  });

  it('at any moment after its answer loses no mail', async () => {
    const emails: string[] = [];
    for (let round = 0; round < 3; round++) {
      const node = await start();
      const email = newEmail();
      emails.push(email);
      expect((await signUp(node, email)).status).toBe(201);
      node.kill('SIGKILL');
      await node.exited;
    }
    await start();
    await database.sql('update mail set next_attempt_at = now() where sealed is not null');
    for (const email of emails) {
      await mailbox.next(email);
      const ids = mailbox.to(email).map(({ headers }) => headers.get('message-id'));
      expect(new Set(ids).size).toBe(1);
    }
  });
});

describe('a database that goes away', () => {
  it('while a mail is being taken ends no process; the mail may come twice, recognisably', async () => {
    const proxy = await startProxy(connection);
    const node = await startNode(proxy.connection, { SMTP_URL: mailbox.url, MAIL_FROM: 'tasks@example.com' });
    nodes.push(node);
    const email = newEmail();
    const arrived = Promise.withResolvers<void>();
    const released = Promise.withResolvers<undefined>();
    mailbox.onText = () => {
      arrived.resolve();
      return released.promise;
    };
    await signUp(node, email);
    await arrived.promise;
    await proxy.refuse();
    released.resolve(undefined);
    await mailbox.next(email);
    await until(() => node.stdout().includes('a mail will be sent again'), 'the warning');
    await proxy.resume();
    await database.sql('update mail set next_attempt_at = now() where sealed is not null');
    await mailbox.next(email, 1);
    const ids = mailbox.to(email).map(({ headers }) => headers.get('message-id'));
    expect(new Set(ids).size).toBe(1);
    await mailsAreOut(database as never);
    expect(node.hasExited()).toBe(false);
    await node.stop();
    await proxy.close();
  });
});

describe('several nodes', () => {
  it('send each mail once, whichever it was asked of', async () => {
    const [one, two] = [await start(), await start()];
    const people = await Promise.all(Array.from({ length: 20 }, () => seedAccount(database as never)));
    const answers = await Promise.all(
      people.map(({ email }, index) =>
        new Client((index % 2 ? one : two).url).post('/api/auth/forgot-password', { email }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    await mailsAreOut(database as never);
    expect(mailbox.mails.map(({ to }) => to).sort()).toEqual(people.map(({ email }) => email).sort());
  });
});

describe('a stop', () => {
  it('while the mail server hangs is clean, and the next process sends the mail', async () => {
    const node = await start();
    const hanging = hang();
    const email = newEmail();
    await signUp(node, email);
    await hanging;
    expect(await node.stop()).toBe(0);
    const [row] = await database.sql('select *, next_attempt_at <= now() as free from mail');
    expect(row).toMatchObject({ attempts: 0, free: true });
    mailbox.onText = () => undefined;
    await start();
    await mailbox.next(email);
  });
});

describe('a newcomer', () => {
  it('finds the mail in a file that the console names, opens its link and is confirmed', async () => {
    const place = dataDirectory();
    const DATA_DIR = path.join(place.directory, 'data');
    const server = await startProcess({ env: { DATA_DIR } });
    nodes.push(server);
    const outbox = path.join(DATA_DIR, 'outbox');
    expect(server.stdout()).toContain(`  mail  files in ${outbox} (SMTP_URL is not set)\n`);
    const email = newEmail();
    expect((await signUp(server, email)).status).toBe(201);
    const file = await until(() => /was written to (\S+\.eml)/.exec(server.stdout())?.[1], 'the line');
    expect(readdirSync(outbox)).toEqual([path.basename(file)]);
    const raw = readFileSync(file, 'utf8');
    // Readable as it is, for those who open it with an editor.
    const link = /^http:\/\/localhost:\d+\/verify-email#token=(\S{32})\r?$/m.exec(raw);
    expect(parseMail(raw).headers.get('to')).toBe(email);
    const [, token = 'none'] = link ?? [];
    expect(server.stdout()).not.toContain(token);
    const answer = await new Client(server.url).post('/api/auth/verify-email', { token });
    expect([answer.status, answer.body.email]).toEqual([200, email]);
    expect(await server.stop()).toBe(0);
    place.remove();
  });
});
