// How the values of environment variables are read: each function takes what was written, and throws on what cannot be used.
import { isIP } from 'node:net';

export type Parse<Value> = (raw: string) => Value;

function refuse(): never {
  throw new TypeError('not usable');
}

export function wholeNumber(minimum: number, maximum: number): Parse<number> {
  return (raw) => {
    const value = /^\d{1,15}$/.test(raw) ? Number(raw) : Number.NaN;
    return value >= minimum && value <= maximum ? value : refuse();
  };
}

export function boolean(raw: string): boolean {
  const value = raw.toLowerCase();
  return value === 'true' ? true : value === 'false' ? false : refuse();
}

export function oneOf<Name extends string>(names: readonly Name[]): Parse<Name> {
  return (raw) => names.find((name) => name === raw.toLowerCase()) ?? refuse();
}

export function url(...protocols: string[]): Parse<string> {
  return (raw) => {
    const { protocol } = new URL(raw);
    return protocols.includes(protocol) && raw.slice(protocol.length).startsWith('//') ? raw : refuse();
  };
}

export function publicUrl(raw: string): string {
  const parsed = new URL(raw);
  const plain = parsed.search === '' && parsed.hash === '' && parsed.username === '';
  return plain && /^https?:$/.test(parsed.protocol) ? raw.replace(/\/+$/, '') : refuse();
}

export function origins(raw: string): string[] {
  const list = raw
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  return list.map((entry) => {
    const parsed = new URL(entry);
    const isOrigin = /^https?:$/.test(parsed.protocol) && parsed.pathname === '/' && !entry.includes('*');
    return isOrigin && parsed.search === '' ? parsed.origin : refuse();
  });
}

/** Addresses or CIDR blocks, or a number of hops; `false` trusts nobody. */
export type TrustProxy = false | number | string[];

export function trustProxy(raw: string): TrustProxy {
  if (/^\d{1,2}$/.test(raw)) return Number(raw) === 0 ? false : Number(raw);
  return raw.split(',').map((entry) => {
    const [address = '', prefix, ...rest] = entry.trim().split('/');
    const bits = isIP(address) === 4 ? 32 : isIP(address) === 6 ? 128 : refuse();
    const valid =
      rest.length === 0 && (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits));
    return valid ? entry.trim() : refuse();
  });
}

/** A mail server, as `SMTP_URL` names it. */
export interface SmtpServer {
  host: string;
  port: number;
  /** TLS from the first byte; otherwise by STARTTLS. */
  secure: boolean;
  /** Without TLS nothing is sent. */
  requireTls: boolean;
  user: string | undefined;
  password: string | undefined;
}

const THIS_MACHINE = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/i;

export function smtpServer(raw: string): SmtpServer {
  const { protocol, hostname, port, username, password, pathname, search, hash } = new URL(raw);
  const isPlain = /^\/?$/.test(pathname) && /^(\?tls=optional)?$/.test(search) && hash === '';
  if (!isPlain || hostname === '' || !/^smtps?:\/\//i.test(raw)) refuse();
  const secure = protocol === 'smtps:';
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? (secure ? 465 : 587) : Number(port),
    secure,
    requireTls: !secure && search === '' && !THIS_MACHINE.test(hostname),
    user: username === '' ? undefined : decodeURIComponent(username),
    password: password === '' ? undefined : decodeURIComponent(password),
  };
}

/** Whom mails are from. */
export interface MailSender {
  name: string;
  address: string;
}

export function mailSender(raw: string): MailSender {
  const [, name = '', bracketed] = /^([^<>"\p{Cc}]{0,100}?) *<([^<>]*)>$/u.exec(raw) ?? [];
  const address = bracketed ?? raw;
  return /^[^\s@<>"(),:;\\[\]]+@[A-Za-z0-9.-]+$/.test(address) ? { name, address } : refuse();
}

export function host(raw: string): string {
  return /^[A-Za-z0-9.:_-]{1,253}$/.test(raw) ? raw : refuse();
}

export function text(raw: string): string {
  return raw;
}

/** Where OpenID Connect providers are: by TLS, unless on this machine. */
export function issuer(raw: string): string {
  const { protocol, hostname, username, search, hash } = new URL(raw);
  const isSafe = protocol === 'https:' || (protocol === 'http:' && THIS_MACHINE.test(hostname));
  return isSafe && username === '' && search === '' && hash === '' ? raw : refuse();
}

/** A name that people are shown. */
export function label(raw: string): string {
  return /^[^<>&"\p{Cc}]{1,40}$/u.test(raw) ? raw : refuse();
}
