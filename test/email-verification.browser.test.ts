// REQUIRE_EMAIL_VERIFICATION at a door that asks for no password: a passkey signs nobody in before the e-mail is confirmed.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seedAccount } from './support/accounts.ts';
import { launchBrowser } from './support/browser.ts';
import { type MailedServer, startMailedServer, tokenIn } from './support/mailed.ts';
import { Device, type FrontEnd, startFrontEnd } from './support/passkeys.ts';

let server: MailedServer;
let frontEnd: FrontEnd;

beforeAll(async () => {
  frontEnd = await startFrontEnd();
  server = await startMailedServer({
    REQUIRE_EMAIL_VERIFICATION: 'true',
    ALLOWED_ORIGINS: frontEnd.origin,
    PUBLIC_URL: 'http://localhost:8000',
  });
});
afterAll(async () => {
  await server.close();
  await frontEnd.close();
});

it('a passkey signs in once the e-mail is confirmed, and is sent a link until then', async () => {
  const browser = await launchBrowser();
  try {
    const { id, email, password } = await seedAccount(server);
    await server.sql('update "user" set email_verified = true where id = $1', [id]);
    const device = await Device.open(browser, { origin: frontEnd.origin, url: server.url });
    await device.run(`await auth.signIn.email(${JSON.stringify({ email, password })})`);
    const added = await device.run(`await auth.passkey.addPasskey({ name: 'Laptop' })`);
    expect(added.error).toBeNull();
    const notice = await server.mailbox.next(email);
    expect(notice.headers.get('subject')).toMatch(/^What signs in to your Donewell account/);
    await device.run('await auth.signOut()');
    await server.sql('update "user" set email_verified = false where id = $1', [id]);

    const refused = await device.run('await auth.signIn.passkey()');
    expect(refused.error).toMatchObject({ status: 403, code: 'EMAIL_NOT_VERIFIED' });
    expect(await server.sql('select from session where user_id = $1', [id])).toEqual([]);
    const token = tokenIn(await server.mailbox.next(email, 1));
    expect((await server.post('/api/auth/verify-email', { token })).status).toBe(200);
    expect((await device.run('await auth.signIn.passkey()')).error).toBeNull();
  } finally {
    await browser.close();
  }
});
