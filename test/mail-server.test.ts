// The mail server, as it may be: dead, refusing now or for good, without the right password, without encryption.
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Settings } from '../src/config.ts';
import { CERTIFICATE } from './support/localhost-certificate.ts';
import type { Mailbox } from './support/mailbox.ts';
import { letterTo, PostOffice } from './support/post-office.ts';
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

describe('a mail server', () => {
  it('that is dead costs nothing but time: one warning, and all arrives when it is back', async () => {
    const { port } = mailbox;
    await mailbox.close();
    const mail = office.start(mailbox.url);
    const people = ['ada@example.com', 'bob@example.com', 'eve@example.com'];
    for (const to of people) await office.post(mail, letterTo(to));
    await until(async () => (await office.rows()).every(({ last_failure }) => last_failure !== null));
    expect((await office.rows()).map(({ attempts, sent_at }) => [attempts, sent_at])).toEqual(
      people.map(() => [1, null]),
    );
    const back = await office.openMailbox({ port });
    await office.hurry();
    for (const to of people) await back.next(to);
    await until(() => office.said(/can be sent again/).length);
    expect(office.said(/could not be sent/).filter(({ level }) => level >= 40)).toHaveLength(1);
    expect(JSON.stringify(office.logs)).not.toMatch(/example\.com|token/);
  });

  it('that says "later" (4xx) is asked again, later each time', async () => {
    const answers = ['451 4.7.1 Greylisted', '452 4.2.2 Mailbox full'];
    mailbox.onRecipient = () => answers.shift();
    await office.post(office.start(mailbox.url), letterTo('ada@example.com'));
    const pauses: number[] = [];
    for (const attempts of [1, 2]) {
      const [row] = await until(async () => {
        const found = await office.sql(
          'select *, next_attempt_at > now() as waits from mail where attempts = $1',
          [attempts],
        );
        return found[0]?.last_failure && found;
      });
      expect(row).toMatchObject({ waits: true, sent_at: null });
      const [{ pause }] = await office.sql(
        'select extract(epoch from next_attempt_at - now())::float as pause from mail',
      );
      pauses.push(pause);
      await office.hurry();
    }
    expect(pauses[1]).toBeGreaterThan(pauses[0] ?? 0);
    await mailbox.next('ada@example.com');
  });

  it.each([
    ['recipient', '550 5.1.1 <ada@example.com>: no such user'],
    ['recipient', '550 no such user'],
    ['text', '554 5.6.0 Message refused'],
  ])(
    'that refuses the %s for good (%s) is not asked again, and the log says so without the address',
    async (what, answer) => {
      if (what === 'recipient') mailbox.onRecipient = () => answer;
      else mailbox.onText = () => answer;
      await office.post(office.start(mailbox.url), letterTo('ada@example.com'));
      const row = await until(async () =>
        (await office.rows()).find(({ given_up_at }) => given_up_at !== null),
      );
      expect(row).toMatchObject({ sealed: null, sent_at: null, attempts: 1 });
      const [complaint, ...more] = office.said(/given up/);
      expect([complaint.level, more]).toEqual([50, []]);
      expect(complaint).toMatchObject({ mail: row.id, msg: expect.stringContaining(answer.slice(0, 3)) });
      expect(JSON.stringify([office.logs, row])).not.toContain('ada@');
    },
  );

  it('that refuses for its policy (5.7.x) may be mended: it is asked again', async () => {
    mailbox.onRecipient = () => '554 5.7.1 Relay access denied';
    await office.post(office.start(mailbox.url), letterTo('ada@example.com'));
    await office.failed();
    mailbox.onRecipient = () => undefined;
    await office.hurry();
    await mailbox.next('ada@example.com');
  });

  it('that does not take the password gets no mail, and the log no password', async () => {
    const strict = await office.openMailbox({ user: 'donewell', password: 'p@ss word' });
    const address = (password: string) => `smtp://donewell:${password}@127.0.0.1:${strict.port}`;
    const wrong = office.start(address('wrong-one'));
    await office.post(wrong, letterTo('ada@example.com'));
    const row = await office.failed();
    expect(row.last_failure).toMatch(/^EAUTH: 535/);
    expect(JSON.stringify(office.logs)).not.toMatch(/wrong-one/);
    await wrong.stop();
    await office.hurry();
    office.start(address('p%40ss%20word'));
    expect(await strict.next('ada@example.com')).toMatchObject({ user: 'donewell', secure: true });
  });

  it('is given up after its time, with the last reason, and a link that is dead is not sent', async () => {
    mailbox.onRecipient = () => '451 4.3.0 Try later';
    await office.post(office.start(mailbox.url), letterTo('ada@example.com', { usefulFor: 3_600 }));
    await office.failed();
    const [{ hours }] = await office.sql(
      'select round(extract(epoch from give_up_at - created_at) / 3600)::integer as hours from mail',
    );
    expect(hours).toBe(1);
    mailbox.onRecipient = () => undefined;
    await office.sql('update mail set give_up_at = now(), next_attempt_at = now()');
    await until(() => office.said(/given up after 2 attempts: .*451/).length);
    expect(mailbox.mails).toEqual([]);
  });
});

describe('encryption', () => {
  const demanding = (box: Mailbox, secure = false): Settings => ({
    ...office.settingsFor(box.url),
    SMTP_URL: {
      host: 'localhost',
      port: box.port,
      secure,
      requireTls: !secure,
      user: undefined,
      password: undefined,
    },
  });

  it.each([
    ['is not offered', 'none', false],
    ['is by a certificate that nobody vouches for', 'starttls', false],
    ['is by such a certificate from the first byte', 'first', true],
  ] as const)('is demanded: where it %s nothing is sent', async (_what, mode, secure) => {
    const box = await office.openMailbox({ tls: mode });
    const mail = office.create(demanding(box, secure));
    mail.start();
    await office.post(mail, letterTo('ada@example.com'));
    await office.failed();
    expect(box.mails).toEqual([]);
  });

  it('is used with a certificate that is trusted', async () => {
    const usual = tls.getCACertificates('default');
    tls.setDefaultCACertificates([...usual, CERTIFICATE]);
    try {
      for (const mode of ['starttls', 'first'] as const) {
        const box = await office.openMailbox({ tls: mode });
        const mail = office.create(demanding(box, mode === 'first'));
        mail.start();
        await office.post(mail, letterTo('ada@example.com'));
        expect(await box.next('ada@example.com')).toMatchObject({ secure: true });
        await mail.stop();
      }
    } finally {
      tls.setDefaultCACertificates(usual);
    }
  });
});
