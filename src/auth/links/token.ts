// What a link in an e-mail carries: 192 random bits, of which the database gets no more than the hash.
import { createHash, randomBytes } from 'node:crypto';

const TOKEN_BYTES = 24;
const TOKEN = /^[A-Za-z0-9_-]{32}$/;

export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

export function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Nothing else is worth a question to the database. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}
