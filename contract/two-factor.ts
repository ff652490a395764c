// The second factor on the wire: set up, confirmed, asked for at sign-in, and the recovery codes beside it.
import { type Static, Type } from 'typebox';
import { Code, CurrentPassword, RecoveryCode } from './proof.ts';

/** The second step of signing in: one of the two codes. */
export const TwoFactorLogin = Type.Object(
  {
    code: Type.Optional(Code),
    recovery_code: Type.Optional(RecoveryCode),
    challenge: Type.Optional(
      Type.String({
        description: 'From the answer to the first step. Browsers have it in a cookie and leave it out.',
        examples: ['2fa-Jq3vXyT0p9sW2kLm5nBc.mZ3v7yQe1t0p9sW2kLm5nBcJq3vXyT0p9sW2kLm5nA8='],
        'x-error': 'must be a string',
      }),
    ),
  },
  { $id: 'TwoFactorLogin' },
);
export type TwoFactorLogin = Static<typeof TwoFactorLogin>;

/** What the problem `two_factor_required` has besides the usual. */
export interface TwoFactorChallenge {
  challenge: string;
  /** Seconds. */
  expires_in: number;
}

export const TwoFactorStatus = Type.Object(
  {
    enabled: Type.Boolean({ description: 'Whether signing in asks for a code.' }),
    recovery_codes_left: Type.Integer({ description: 'Recovery codes not used yet.', examples: [10] }),
  },
  { $id: 'TwoFactorStatus' },
);
export type TwoFactorStatus = Static<typeof TwoFactorStatus>;

export const TwoFactorBegin = Type.Object({ password: CurrentPassword }, { $id: 'TwoFactorBegin' });

/** Shown once, and good for nothing until it is confirmed. */
export const TwoFactorSetup = Type.Object(
  {
    otpauth_uri: Type.String({
      description: 'For an authenticator app on this device.',
      examples: [
        'otpauth://totp/Donewell:ada%40example.com?secret=JBSWY3DPEHPK3PXP&issuer=Donewell&algorithm=SHA1&digits=6&period=30',
      ],
    }),
    secret: Type.String({ description: 'For typing it in.', examples: ['JBSWY3DPEHPK3PXP'] }),
    qr_svg: Type.String({
      description: 'The same as a QR code, for the camera of another device: an SVG image of black on white.',
      examples: ['<svg viewBox="0 0 53 53" version="1.1" xmlns="http://www.w3.org/2000/svg"></svg>'],
    }),
  },
  { $id: 'TwoFactorSetup' },
);
export type TwoFactorSetup = Static<typeof TwoFactorSetup>;

export const TwoFactorConfirm = Type.Object({ code: Code }, { $id: 'TwoFactorConfirm' });

export const RecoveryCodes = Type.Object(
  {
    recovery_codes: Type.Array(RecoveryCode, {
      description:
        'Shown this once: each signs in one time without the authenticator. Those of before are void.',
    }),
  },
  { $id: 'RecoveryCodes' },
);
export type RecoveryCodes = Static<typeof RecoveryCodes>;

/** What weakens or replaces the second factor: the password and one of the two codes. */
export const TwoFactorProof = Type.Object(
  { password: CurrentPassword, code: Type.Optional(Code), recovery_code: Type.Optional(RecoveryCode) },
  { $id: 'TwoFactorProof' },
);
export type TwoFactorProof = Static<typeof TwoFactorProof>;
