// Passkeys: the browser's own keys instead of a password.
import { call } from './http.ts';

interface CanParse {
  parseCreationOptionsFromJSON(options: unknown): PublicKeyCredentialCreationOptions;
  parseRequestOptionsFromJSON(options: unknown): PublicKeyCredentialRequestOptions;
}

/** The person or the device said no, or took too long. */
export class NotGiven extends Error {}

/** Browsers have them on safe pages alone. */
export const hasPasskeys =
  typeof PublicKeyCredential !== 'undefined' && 'parseRequestOptionsFromJSON' in PublicKeyCredential;

function parser(): CanParse {
  return PublicKeyCredential as unknown as CanParse;
}

async function asked(question: Promise<Credential | null>): Promise<unknown> {
  try {
    return ((await question) as PublicKeyCredential | null)?.toJSON();
  } catch (error) {
    const { name } = error as Error;
    if (name === 'InvalidStateError')
      throw new NotGiven('This device has a passkey of this account already.');
    if (name === 'SecurityError') throw new NotGiven('Passkeys do not work at this address of the server.');
    throw new NotGiven('No passkey was given.');
  }
}

/** @throws NotGiven, Refused, Unreachable */
export async function showPasskey(): Promise<void> {
  const options = await call('GET', 'api/auth/passkey/generate-authenticate-options', { anonymous: true });
  const publicKey = parser().parseRequestOptionsFromJSON(options);
  const response = await asked(navigator.credentials.get({ publicKey }));
  await call('POST', 'api/auth/passkey/verify-authentication', { anonymous: true, json: { response } });
}

/** @throws NotGiven, Refused, Unreachable */
export async function addPasskey(name: string): Promise<void> {
  const options = await call('GET', 'api/auth/passkey/generate-register-options', { byHand: true });
  const publicKey = parser().parseCreationOptionsFromJSON(options);
  const response = await asked(navigator.credentials.create({ publicKey }));
  await call('POST', 'api/auth/passkey/verify-registration', { byHand: true, json: { response, name } });
}
