// A server whose mails arrive in a mailbox, and what one does with them: find the link, take its token.
import { randomUUID } from 'node:crypto';
import type { Environment } from '../../src/config.ts';
import { type Answer, type AnyBody, Client } from './client.ts';
import { Mailbox, type ReceivedMail } from './mailbox.ts';
import { until } from './process.ts';
import { startServer, type TestServer } from './server.ts';

export const PUBLIC_URL = 'https://todo.example.com/app';

export interface MailedServer extends TestServer {
  mailbox: Mailbox;
  /** A request of somebody who is not signed in, each from an address of its own unless one is given. */
  post: (path: string, json: unknown, address?: string) => Promise<Answer<AnyBody>>;
}

/** Whoever asks tells the address, so that the limits of one do not reach the next. */
const SETTINGS = { TRUST_PROXY: '127.0.0.1', MAIL_FROM: 'tasks@example.com', PUBLIC_URL };

export function anyAddress(): string {
  const part = () => Math.floor(Math.random() * 256);
  return `10.${part()}.${part()}.${part()}`;
}

export async function startMailedServer(env: Environment = {}): Promise<MailedServer> {
  const mailbox = await Mailbox.open();
  const server = await startServer({ env: { ...SETTINGS, SMTP_URL: mailbox.url, ...env } });
  const post = (path: string, json: unknown, address = anyAddress()) =>
    new Client(server.url).post(path, json, { headers: { 'x-forwarded-for': address } });
  const close = async () => {
    await server.close();
    await mailbox.close();
  };
  return { ...server, mailbox, post, close };
}

/** The one link of a mail. */
export function linkIn(mail: ReceivedMail): string {
  const [link, ...more] = mail.text.match(/https?:\/\/\S+[#?]\S+/g) ?? [];
  if (link === undefined || more.length > 0) throw new Error(`Not a mail with one link:\n${mail.text}`);
  if (!mail.html.includes(`href="${link.replaceAll('&', '&amp;')}"`))
    throw new Error('The HTML has another link');
  return link;
}

export function tokenIn(mail: ReceivedMail): string {
  const token = /[#?&]token=([A-Za-z0-9_-]{32})$/.exec(linkIn(mail))?.[1];
  if (token === undefined) throw new Error(`No token in ${linkIn(mail)}`);
  return token;
}

export const newEmail = () => `${randomUUID()}@example.com`;

/** Asks for a reset and takes the token from the mail that comes. */
export async function resetToken(server: MailedServer, email: string): Promise<string> {
  const resets = () =>
    server.mailbox.to(email).filter(({ headers }) => headers.get('subject')?.startsWith('Choose a new'));
  const before = resets().length;
  const { status, text } = await server.post('/api/auth/forgot-password', { email });
  if (status !== 202) throw new Error(`Refused with ${status}: ${text}`);
  return tokenIn(await until(() => resets()[before], 'the mail with the link'));
}

/** Waits until nothing is left to send: what has not come by then does not come. */
export async function mailsAreOut({ sql }: Pick<TestServer, 'sql'>): Promise<void> {
  await until(async () => {
    const [row] = await sql<AnyBody>(
      'select count(*)::integer as waiting from mail where sealed is not null',
    );
    return row.waiting === 0;
  }, 'the mails to be sent');
}
