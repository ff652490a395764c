// What owners do with the second factor of their accounts: each step asks for what shows that it is the owner.
import type {
  RecoveryCodes,
  TwoFactorProof,
  TwoFactorSetup,
  TwoFactorStatus,
} from '../../../contract/two-factor.ts';
import { validationError } from '../../errors.ts';
import type { Client } from '../../http/client.ts';
import type { Caller, Callers } from '../caller.ts';
import { profileOf } from '../guard.ts';
import type { PasswordChecks } from '../password-checks.ts';
import { qrSvg } from './qr-code.ts';
import type { SecondFactors, Subject } from './second-factors.ts';
import { oneProof } from './sign-in.ts';

export interface TwoFactorParts {
  callers: Callers;
  factors: SecondFactors;
  checks: PasswordChecks;
}

function subjectOf({ userId, session }: Caller, client: Client): Required<Subject> {
  return { userId, client, sessionId: session.id };
}

function wrong(path: string) {
  return validationError([
    { path, message: path === 'password' ? 'is wrong' : 'is wrong, too old or was used before' },
  ]);
}

export function createTwoFactorService({ callers, factors, checks }: TwoFactorParts) {
  async function assertPassword(caller: Caller, client: Client, password: string): Promise<void> {
    const hash = await checks.fits(subjectOf(caller, client), password);
    if (hash === undefined) throw wrong('password');
  }

  async function assertOwner(caller: Caller, client: Client, input: TwoFactorProof): Promise<void> {
    const proof = oneProof(input);
    await factors.assertOn(caller.userId);
    await assertPassword(caller, client, input.password);
    if (!(await factors.isProven(subjectOf(caller, client), proof)))
      throw wrong(proof.code === undefined ? 'recovery_code' : 'code');
  }

  async function status({ userId }: Caller): Promise<TwoFactorStatus> {
    const left = await factors.codesLeft(userId);
    return { enabled: left !== undefined, recovery_codes_left: left ?? 0 };
  }

  async function begin(caller: Caller, client: Client, password: string): Promise<TwoFactorSetup> {
    await assertPassword(caller, client, password);
    const { otpauthUri, secret } = await factors.begin(await profileOf(callers, caller));
    return { otpauth_uri: otpauthUri, secret, qr_svg: qrSvg(otpauthUri) };
  }

  async function confirm(caller: Caller, client: Client, code: string): Promise<RecoveryCodes> {
    const codes = await factors.confirm(subjectOf(caller, client), code);
    if (!codes) throw wrong('code');
    return { recovery_codes: codes };
  }

  async function switchOff(caller: Caller, client: Client, input: TwoFactorProof): Promise<void> {
    await assertOwner(caller, client, input);
    await factors.switchOff(subjectOf(caller, client));
  }

  async function renewRecoveryCodes(
    caller: Caller,
    client: Client,
    input: TwoFactorProof,
  ): Promise<RecoveryCodes> {
    await assertOwner(caller, client, input);
    return { recovery_codes: await factors.renewRecoveryCodes(subjectOf(caller, client)) };
  }

  return { status, begin, confirm, switchOff, renewRecoveryCodes };
}

export type TwoFactorService = ReturnType<typeof createTwoFactorService>;
