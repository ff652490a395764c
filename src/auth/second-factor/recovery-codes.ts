// Recovery codes: shown once, kept as keyed hashes, each good for one sign-in without the authenticator.
import { createHmac, randomBytes } from 'node:crypto';

export const RECOVERY_CODES = 10;
/** 24 characters of 5 bits: 120 bits, more than can be guessed or, without the key, computed from a hash. */
const CODE_BYTES = 15;
const GROUP = /.{6}(?!$)/g;
/** Crockford's base 32: no letter that can be taken for a digit. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const PLAIN = /^[0-9a-hjkmnp-tv-z]{24}$/;

function newCode(): string {
  const bits = [...randomBytes(CODE_BYTES)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const characters = bits.match(/.{5}/g)?.map((five) => ALPHABET[Number.parseInt(five, 2)]) ?? [];
  return characters.join('').replace(GROUP, '$&-');
}

export function newRecoveryCodes(): string[] {
  return Array.from({ length: RECOVERY_CODES }, newCode);
}

/** The code as it was made, however it was typed; undefined for what cannot be one. */
function plain(given: string): string | undefined {
  const code = given.toLowerCase().replace(/[\s-]/g, '').replaceAll('o', '0').replace(/[il]/g, '1');
  return PLAIN.test(code) ? code : undefined;
}

/** The hashes of recovery codes: who reads the database cannot compute a code from them, nor try one. */
export class RecoveryCodeHashes {
  readonly #key: Buffer;

  constructor(secret: string) {
    this.#key = createHmac('sha256', secret).update('recovery codes').digest();
  }

  /** Undefined for what cannot be a recovery code. */
  of(given: string): string | undefined {
    const code = plain(given);
    return code === undefined ? undefined : createHmac('sha256', this.#key).update(code).digest('base64url');
  }

  /** The JSON that is kept of a list of codes, some of which may be hashes already. */
  listOf(codes: readonly string[]): string {
    return JSON.stringify(codes.map((code) => this.of(code) ?? code));
  }
}
