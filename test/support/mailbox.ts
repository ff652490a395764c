// A real SMTP server that keeps what it takes, and refuses what a test tells it to.
import { SMTPServer } from 'smtp-server';
import { CERTIFICATE, PRIVATE_KEY } from './localhost-certificate.ts';
import { until } from './process.ts';

export interface ReceivedMail {
  from: string;
  to: string;
  /** By lower-case name. */
  headers: Map<string, string>;
  text: string;
  html: string;
  /** As it came over the wire. */
  raw: string;
  /** Whether it came over TLS, and as whom. */
  secure: boolean;
  user: string | undefined;
}

export interface MailboxOptions {
  /** A port that was in use before: the server comes back. */
  port?: number;
  /** `none` does not know STARTTLS, `first` is TLS from the first byte. */
  tls?: 'none' | 'starttls' | 'first';
  user?: string;
  password?: string;
}

/** An answer such as `550 5.1.1 No such user`. */
export type Refusal = string | undefined;

function refuse(refusal: string): Error {
  const [code = ''] = refusal.split(' ');
  return Object.assign(new Error(refusal.slice(code.length + 1)), { responseCode: Number(code) });
}

function decoded(encoding: string | undefined, body: string): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString();
  if (encoding !== 'quoted-printable') return body;
  const bytes = body
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_match, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}

function split(part: string): { headers: Map<string, string>; body: string } {
  const end = part.indexOf('\r\n\r\n');
  const lines = part
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
  return { headers, body: part.slice(end + 4) };
}

/** A message of two alternatives, plain and HTML, as ours are. */
export function parseMail(raw: string): Pick<ReceivedMail, 'headers' | 'text' | 'html'> {
  const { headers, body } = split(raw);
  const boundary = /boundary="([^"]+)"/.exec(headers.get('content-type') ?? '')?.[1];
  const parts = body
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => split(part.slice(2, -2)));
  const contents = parts.map((part) =>
    decoded(part.headers.get('content-transfer-encoding'), part.body).replaceAll('\r\n', '\n'),
  );
  if (contents.length !== 2) throw new Error(`Not a message of two alternatives:\n${raw}`);
  return { headers, text: contents[0] ?? '', html: contents[1] ?? '' };
}

export class Mailbox {
  readonly mails: ReceivedMail[] = [];
  /** Asked for each recipient, and for each text after it was sent. */
  onRecipient: (address: string) => Refusal | Promise<Refusal> = () => undefined;
  onText: (raw: string) => Refusal | Promise<Refusal> = () => undefined;
  readonly #server: SMTPServer;
  #port = 0;

  private constructor(options: MailboxOptions) {
    const { tls = 'starttls', user, password } = options;
    this.#server = new SMTPServer({
      secure: tls === 'first',
      hideSTARTTLS: tls === 'none',
      key: PRIVATE_KEY,
      cert: CERTIFICATE,
      authOptional: user === undefined,
      allowInsecureAuth: tls === 'none',
      disableReverseLookup: true,
      closeTimeout: 100,
      logger: false,
      onAuth: (auth, _session, done) =>
        auth.username === user && auth.password === password
          ? done(null, { user: auth.username })
          : done(refuse('535 5.7.8 Wrong user or password')),
      onRcptTo: ({ address }, _session, done) => {
        void (async () => {
          const refusal = await this.onRecipient(address);
          done(refusal === undefined ? null : refuse(refusal));
        })();
      },
      onData: (stream, session, done) => {
        void (async () => {
          const chunks: Buffer[] = [];
          for await (const chunk of stream) chunks.push(chunk as Buffer);
          const raw = Buffer.concat(chunks).toString();
          const refusal = await this.onText(raw);
          if (refusal !== undefined) return done(refuse(refusal));
          const { mailFrom, rcptTo } = session.envelope;
          this.mails.push({
            ...parseMail(raw),
            from: mailFrom ? mailFrom.address : '',
            to: rcptTo.map(({ address }) => address).join(','),
            raw,
            secure: session.secure === true,
            user: session.user as string | undefined,
          });
          done(null);
        })();
      },
    });
    this.#server.on('error', () => {}); // clients that go away
  }

  static async open(options: MailboxOptions = {}): Promise<Mailbox> {
    const mailbox = new Mailbox(options);
    await new Promise<void>((resolve) => {
      mailbox.#server.listen(options.port ?? 0, '127.0.0.1', () => resolve());
    });
    const address = mailbox.#server.server.address();
    mailbox.#port = typeof address === 'object' && address ? address.port : 0;
    return mailbox;
  }

  get port(): number {
    return this.#port;
  }

  /** As for SMTP_URL; on this machine TLS is not demanded. */
  get url(): string {
    return `smtp://127.0.0.1:${this.#port}`;
  }

  to(address: string): ReceivedMail[] {
    return this.mails.filter((mail) => mail.to === address);
  }

  /** The first mail to this address after the first `after`, as soon as it is there. */
  next(address: string, after = 0): Promise<ReceivedMail> {
    return until(() => this.to(address)[after], `mail ${after + 1} to ${address}`);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
