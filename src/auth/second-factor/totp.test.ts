// One-time codes against an independent implementation, and which of them are taken when.
import { randomBytes } from 'node:crypto';
import { Secret, TOTP, URI } from 'otpauth';
import { describe, expect, it } from 'vitest';
import { base32, otpauthUri, plainCode, stepOf } from './totp.ts';

const STEP = 30_000;
const now = Date.UTC(2026, 0, 3, 10, 30, 14);
const step = Math.floor(now / STEP);

function device() {
  const secret = randomBytes(24).toString('base64url');
  const uri = otpauthUri({ issuer: 'Donewell', account: 'ada+1@example.com', secret });
  const totp = URI.parse(uri);
  if (!(totp instanceof TOTP)) throw new Error('not a TOTP');
  const code = (offset: number) => totp.generate({ timestamp: now + offset * STEP });
  return { secret, totp, code };
}

describe('a code', () => {
  it('is that of other implementations, and known by its step: the current one, the one before and the one after', () => {
    for (let round = 0; round < 50; round++) {
      const { secret, code } = device();
      const offsets = [-1, 0, 1].filter((offset) => stepOf(secret, code(offset), now) === step + offset);
      // Two steps may share a code by chance: then the later counts.
      expect(new Set([-1, 0, 1].map(code)).size - offsets.length).toBe(0);
    }
  });

  it('is of the moments that RFC 6238 gives', () => {
    const secret = '12345678901234567890';
    for (const [seconds, code] of [
      [59, '287082'],
      [1_111_111_109, '081804'],
      [20_000_000_000, '353130'],
    ] as const)
      expect(stepOf(secret, code, seconds * 1000)).toBe(Math.floor(seconds / 30));
  });

  it('of two steps ago or ahead is none', () => {
    const { secret, code } = device();
    const near = [-1, 0, 1].map(code);
    for (const offset of [-2, 2, -100, 100])
      if (!near.includes(code(offset))) expect(stepOf(secret, code(offset), now)).toBeUndefined();
  });

  it.each(['', '12345', '1234567', '12345a', '１２３４５６', '-12345', '1e5000', '0x1234'])(
    'is not %j',
    (given) => {
      const { secret } = device();
      for (let start = 0; start < 40; start++)
        expect(stepOf(secret, given, now + start * STEP)).toBeUndefined();
    },
  );

  it('may be typed with blanks', () => {
    const { secret, code } = device();
    const typed = ` ${code(0).slice(0, 3)} ${code(0).slice(3)}\n`;
    expect(stepOf(secret, plainCode(typed), now)).toBe(step);
  });
});

describe('the link for an app', () => {
  it('names issuer and account, and has the secret as it is typed', () => {
    const { secret, totp } = device();
    expect(totp).toMatchObject({
      issuer: 'Donewell',
      label: 'ada+1@example.com',
      digits: 6,
      period: 30,
      algorithm: 'SHA1',
    });
    expect(totp.secret.base32).toBe(base32(secret));
    expect(Secret.fromBase32(base32(secret)).utf8).toBe(secret);
  });
});
