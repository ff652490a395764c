// The mail queue: what is posted arrives once it has committed, from whichever process, and leaves nothing behind.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Mail } from '../src/mail/mail.ts';
import { applyRetention } from '../src/retention/retention.ts';
import { type Mailbox, parseMail } from './support/mailbox.ts';
import { LINK, letterTo, PostOffice } from './support/post-office.ts';
import { until } from './support/process.ts';

let office: PostOffice;
let mailbox: Mailbox;

beforeAll(async () => {
  office = await PostOffice.open();
});
beforeEach(async () => {
  mailbox = await office.openMailbox();
});
afterEach(() => office.clear());
afterAll(() => office.close());

describe('a letter', () => {
  it('arrives as text and HTML with its link, from us, and marked as automatic', async () => {
    await office.post(office.start(mailbox.url), letterTo('ada@example.com'));
    const mail = await mailbox.next('ada@example.com');
    const row = await until(async () => (await office.rows()).find(({ sent_at }) => sent_at !== null));
    expect(mail).toMatchObject({
      from: 'tasks@example.com',
      to: 'ada@example.com',
      text: `Somebody asked.\n\n${LINK}\n\nIf it was not you, do nothing.\n`,
    });
    expect(mail.html).toContain(`<a href="${LINK}">Choose a new password</a>`);
    expect(Object.fromEntries(mail.headers)).toMatchObject({
      from: expect.stringMatching(/<tasks@example\.com>$/),
      to: 'ada@example.com',
      subject: 'Choose a new password',
      'message-id': `<${row.id}@example.com>`,
      'auto-submitted': 'auto-generated',
    });
    expect(Date.parse(mail.headers.get('date') ?? '')).toBe(
      Math.floor(row.created_at.getTime() / 1000) * 1000,
    );
  });

  it('is text, whatever was typed into it: no markup, no header, nothing that loads', async () => {
    const typed = '<img src=x onerror=alert(1)>\r\nBcc: eve@example.com\r\n\r\n"O\'Brien" & Zoë 😀';
    const url = `${LINK}&a="><script>alert(1)</script>`;
    await office.post(
      office.start(mailbox.url),
      letterTo('ada@example.com', { paragraphs: [typed], link: { label: '<b>', url } }),
    );
    const { html, text, headers, to } = await mailbox.next('ada@example.com');
    expect(text).toBe(`${typed.replace(/\s+/g, ' ')}\n\n${url}\n`);
    expect(html).toContain(
      '&lt;img src=x onerror=alert(1)&gt; Bcc: eve@example.com &quot;O&#39;Brien&quot; &amp; Zoë 😀',
    );
    expect(html.match(/<[a-z]+/g)).toEqual(['<meta', '<body', '<p', '<p', '<a']);
    expect([to, headers.get('bcc')]).toEqual(['ada@example.com', undefined]);
  });

  it.each([
    'ada@example.com, eve@example.com',
    'ada@example.com\r\nBcc: eve@example.com',
    'ada',
    'a b@example.com',
    '',
  ])('to what is no address is refused: %j', async (to) => {
    await expect(office.post(office.start(mailbox.url), letterTo(to))).rejects.toThrow('no valid recipient');
    expect(await office.rows()).toEqual([]);
  });

  it('of a transaction that is undone is never sent', async () => {
    const mail = office.start(mailbox.url);
    const undone = office.database.transaction(async (transaction) => {
      mail.queue.post(transaction, letterTo('undone@example.com'));
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    await office.post(mail, letterTo('ada@example.com'));
    await mailbox.next('ada@example.com');
    expect(mailbox.mails.map(({ to }) => to)).toEqual(['ada@example.com']);
    expect(await office.rows()).toHaveLength(1);
  });
});

describe('at rest', () => {
  it('a letter is unreadable: no link, no address, no word; and once sent it is gone', async () => {
    const waiting = office.create(office.settingsFor(mailbox.url));
    await office.post(waiting, letterTo('ada@example.com'));
    const [{ sealed, ...rest }] = await office.rows();
    for (const word of ['ada@example.com', LINK, 'token', 'Somebody'])
      expect([word, sealed.includes(word), JSON.stringify(rest).includes(word)]).toEqual([
        word,
        false,
        false,
      ]);
    waiting.start();
    await mailbox.next('ada@example.com');
    const sent = await until(async () => (await office.rows()).find(({ sent_at }) => sent_at !== null));
    expect(sent).toMatchObject({ kind: 'password_reset', sealed: null, attempts: 1, given_up_at: null });
  });

  it('a letter opens with its own key and in its own row alone', async () => {
    await office.post(office.create(office.settingsFor(mailbox.url)), letterTo('ada@example.com'));
    const [{ id }] = await office.rows();
    const other = office.start(mailbox.url, 'x'.repeat(48));
    const stuck = await office.failed();
    expect(stuck).toMatchObject({
      id,
      last_failure: 'It was sealed with another SECRET_KEY.',
      sent_at: null,
    });
    await other.stop();
    // Moved into another row, it does not open either.
    await office.sql('update mail set id = gen_random_uuid(), last_failure = null, next_attempt_at = now()');
    office.start(mailbox.url);
    await office.failed();
    expect(mailbox.mails).toEqual([]);
    // Back in its own, it does: nothing was lost.
    await office.sql('update mail set id = $1, next_attempt_at = now()', [id]);
    await mailbox.next('ada@example.com');
  });

  it('what is left of a mail that has ended is deleted after 30 days, and one on its way is not', async () => {
    await office.post(office.create(office.settingsFor(mailbox.url)), letterTo('ada@example.com'));
    await office.sql(`insert into mail (id, kind, give_up_at, sent_at, created_at)
               select gen_random_uuid(), 'old', now(), now(), now() - make_interval(days => days)
               from unnest(array[29, 31]) days`);
    await office.sql(`update mail set created_at = now() - interval '40 days' where kind <> 'old'`);
    await applyRetention(office.database);
    expect((await office.rows()).map(({ kind }) => kind)).toEqual(['password_reset', 'old']);
  });
});

describe('several senders', () => {
  it('send each mail once', async () => {
    const senders = [office.start(mailbox.url), office.start(mailbox.url), office.start(mailbox.url)];
    const people = Array.from({ length: 60 }, (_, index) => `user-${index}@example.com`);
    await Promise.all(people.map((to, index) => office.post(senders[index % 3] as Mail, letterTo(to))));
    await until(async () => (await office.rows()).every(({ sent_at }) => sent_at !== null));
    expect(mailbox.mails.map(({ to }) => to).sort()).toEqual(people.sort());
  });

  it('find what was left behind: a claim that nobody holds any more runs out', async () => {
    const dead = office.create(office.settingsFor(mailbox.url));
    await office.post(dead, letterTo('ada@example.com'));
    await office.sql(`update mail set attempts = 1, next_attempt_at = now() + interval '2 minutes'`);
    const living = office.start(mailbox.url);
    await office.post(living, letterTo('bob@example.com'));
    await mailbox.next('bob@example.com');
    expect(mailbox.to('ada@example.com')).toEqual([]);
    await office.hurry();
    await mailbox.next('ada@example.com');
  });
});

describe('a stop', () => {
  it('does not wait for a server that hangs, and leaves the mail to the next sender at once', async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    const { promise: released, resolve: release } = Promise.withResolvers<undefined>();
    mailbox.onText = () => {
      arrive();
      return released;
    };
    const hanging = office.start(mailbox.url);
    await office.post(hanging, letterTo('ada@example.com'));
    await arrived;
    await hanging.stop();
    const [row] = await office.sql('select *, next_attempt_at <= now() as free from mail');
    expect(row).toMatchObject({ free: true, attempts: 0, sent_at: null, given_up_at: null });
    mailbox.onText = () => undefined;
    office.start(mailbox.url);
    await mailbox.next('ada@example.com');
    release(undefined);
  });

  it('lets a mail that is just being taken arrive', async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    const { promise: released, resolve: release } = Promise.withResolvers<undefined>();
    mailbox.onText = () => {
      arrive();
      return released;
    };
    const mail = office.start(mailbox.url);
    await office.post(mail, letterTo('ada@example.com'));
    await arrived;
    const stopped = mail.stop();
    release(undefined);
    await stopped;
    expect((await office.rows())[0]).toMatchObject({ attempts: 1, sealed: null, sent_at: expect.any(Date) });
  });
});

describe('without a mail server', () => {
  let outbox = '';
  beforeAll(() => {
    outbox = path.join(office.directory, 'outbox');
  });
  const files = () => readdirSync(outbox).filter((name) => name.endsWith('.eml'));

  it('a mail becomes a file that nobody else can read; the log says where, and no more', async () => {
    await office.post(office.start(undefined), letterTo('ada@example.com'));
    const line = await until(() => office.said(/was written to/)[0]);
    const [name = ''] = files();
    const file = path.join(outbox, name);
    expect(line.msg).toBe(`A mail (password_reset) was written to ${file}.`);
    expect(JSON.stringify(office.logs)).not.toMatch(/ada@|token/);
    expect([statSync(file).mode & 0o777, statSync(outbox).mode & 0o777]).toEqual([0o600, 0o700]);
    const { headers, text } = parseMail(readFileSync(file, 'utf8'));
    expect([headers.get('to'), text.includes(LINK)]).toEqual(['ada@example.com', true]);
    expect(name).toBe(files()[0]);
  });

  it('the outbox keeps 500 mails for a week, and touches no file of others', async () => {
    mkdirSync(outbox, { recursive: true });
    const nameOf = (day: string, index: number) =>
      `${day.replaceAll('-', '')}T${String(index).padStart(9, '0')}Z-verify_email-00000000-0000-4000-8000-000000000000.eml`;
    const day = (ago: number) => new Date(Date.now() - ago * 24 * 3_600_000).toISOString().slice(0, 10);
    const recent = Array.from({ length: 505 }, (_, index) => nameOf(day(2), index));
    const old = [nameOf(day(9), 0), nameOf(day(9), 1)];
    for (const name of [...recent, ...old, 'mine.eml', '2020.eml'])
      writeFileSync(path.join(outbox, name), 'x');
    await office.post(office.start(undefined), letterTo('bob@example.com'));
    await until(() => office.said(/was written to/).length);
    const kept = files();
    expect(kept).toEqual(expect.arrayContaining(['mine.eml', '2020.eml', recent.at(-1)]));
    expect(kept).toHaveLength(502);
    for (const gone of [...old, recent[0]]) expect(kept).not.toContain(gone);
  });

  it('of those it keeps the newest', async () => {
    mkdirSync(outbox, { recursive: true });
    for (const name of files()) rmSync(path.join(outbox, name));
    const old = '20200101T000000000Z-verify_email-00000000-0000-4000-8000-000000000000.eml';
    writeFileSync(path.join(outbox, old), 'x');
    await office.post(office.start(undefined), letterTo('bob@example.com'));
    await until(() => office.said(/was written to/).length);
    expect(files()).toEqual([expect.stringContaining('password_reset')]);
  });
});
