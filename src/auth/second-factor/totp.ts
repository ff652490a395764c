// Time-based one-time codes (RFC 6238): which step a code belongs to, so that none is taken twice.
import { createHmac, timingSafeEqual } from 'node:crypto';

const PERIOD_SECONDS = 30;
const DIGITS = 6;
/** Steps by which a device's clock may be wrong, either way. */
const TOLERANCE = 1;
const CODE = /^\d{6}$/;

/** The code of one step (RFC 4226). */
function codeOf(secret: string, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac('sha1', secret).update(counter).digest();
  const offset = digest.readUInt8(digest.length - 1) & 0x0f;
  const number = digest.readUInt32BE(offset) & 0x7fffffff;
  return String(number % 10 ** DIGITS).padStart(DIGITS, '0');
}

/** The code without the blanks that people and apps put into it. */
export function plainCode(given: string): string {
  return given.replace(/\s/g, '');
}

/**
 * The step whose code this is, undefined when it is none that could be shown now.
 * @param now milliseconds since the epoch
 */
export function stepOf(secret: string, code: string, now: number): number | undefined {
  if (!CODE.test(code)) return undefined;
  const current = Math.floor(now / 1000 / PERIOD_SECONDS);
  let found: number | undefined;
  // All are compared, whichever it is; of two equal codes the later counts, so that none remains to be used again.
  for (let step = current - TOLERANCE; step <= current + TOLERANCE; step++)
    if (timingSafeEqual(Buffer.from(codeOf(secret, step)), Buffer.from(code))) found = step;
  return found;
}

/** What an authenticator app reads, as a link or from a QR code. */
export function otpauthUri(options: { issuer: string; account: string; secret: string }): string {
  const { issuer, account, secret } = options;
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`;
  const parameters = new URLSearchParams({
    secret: base32(secret),
    issuer,
    algorithm: 'SHA1',
    digits: String(DIGITS),
    period: String(PERIOD_SECONDS),
  });
  return `otpauth://totp/${label}?${parameters}`;
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** RFC 4648 without padding: the form in which a secret is typed into an app. */
export function base32(secret: string): string {
  const bits = [...Buffer.from(secret)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const groups = bits.match(/.{1,5}/g) ?? [];
  return groups.map((group) => BASE32[Number.parseInt(group.padEnd(5, '0'), 2)]).join('');
}
