// Opaque cursors: a place in one user's listing, authenticated so that only ours come back.
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';

const MAC_BYTES = 16;

export class Cursors {
  readonly #key: KeyObject;

  /** @param purpose keeps the cursors of different listings, signed with one secret, apart. */
  constructor(secretKey: string, purpose: string) {
    this.#key = createSecretKey(createHmac('sha256', secretKey).update(`cursor:${purpose}`).digest());
  }

  /** @param scope everything that the cursor is bound to: the user, the filter, the order. */
  seal(scope: string, place: readonly (string | number)[]): string {
    const payload = Buffer.from(JSON.stringify(place));
    return Buffer.concat([this.#mac(scope, payload), payload]).toString('base64url');
  }

  /** The place, or undefined for anything that `seal` did not make for this scope. */
  open(scope: string, cursor: string): (string | number)[] | undefined {
    const bytes = Buffer.from(cursor, 'base64url');
    if (bytes.length <= MAC_BYTES || bytes.toString('base64url') !== cursor) return undefined;
    const payload = bytes.subarray(MAC_BYTES);
    if (!timingSafeEqual(bytes.subarray(0, MAC_BYTES), this.#mac(scope, payload))) return undefined;
    return JSON.parse(payload.toString()) as (string | number)[];
  }

  #mac(scope: string, payload: Buffer): Buffer {
    return createHmac('sha256', this.#key)
      .update(`${scope}\n`)
      .update(payload)
      .digest()
      .subarray(0, MAC_BYTES);
  }
}
