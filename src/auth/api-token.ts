// The text of an API token: a prefix and a checksum, by which scanners find one that has leaked, around 32 random bytes.
import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const PREFIX = 'dw_';
const SECRET_BYTES = 32;
// Letters and digits alone: a double click takes all of it.
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SECRET_LENGTH = 43; // 62^43 > 2^256
const CHECKSUM_LENGTH = 6; // 62^6 > 2^32
const TOKEN = new RegExp(`^${PREFIX}[0-9A-Za-z]{${SECRET_LENGTH + CHECKSUM_LENGTH}}$`);
const HINT_LENGTH = PREFIX.length + 4;

function inDigits(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; rest > 0n; rest /= 62n) text = DIGITS[Number(rest % 62n)] + text;
  return text.padStart(length, '0');
}

function checksum(text: string): string {
  return inDigits(BigInt(crc32(text)), CHECKSUM_LENGTH);
}

export function newApiToken(): string {
  const secret = BigInt(`0x${randomBytes(SECRET_BYTES).toString('hex')}`);
  const text = `${PREFIX}${inDigits(secret, SECRET_LENGTH)}`;
  return `${text}${checksum(text)}`;
}

/** Whether a bearer token means to be one of these, rather than an access token. */
export function isApiToken(bearer: string): boolean {
  return bearer.startsWith(PREFIX);
}

/** Whether it can be one of ours at all: a mistyped one is not worth a question to the database. */
export function isWellFormed(token: string): boolean {
  return TOKEN.test(token) && checksum(token.slice(0, -CHECKSUM_LENGTH)) === token.slice(-CHECKSUM_LENGTH);
}

/** What is kept of a token. It has 256 random bits: a plain hash cannot be guessed back. */
export function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Its first characters, by which its owner recognises it. */
export function hintOf(token: string): string {
  return token.slice(0, HINT_LENGTH);
}
