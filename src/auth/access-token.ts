// Access tokens: signed pointers to a session, for clients without cookies. The session itself decides.
import { createSecretKey, type KeyObject } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';

const ALGORITHM = 'HS256';
/** What an id of a user or a session can be: nothing else is worth a question to the database. */
const ID = /^[A-Za-z0-9-]{1,64}$/;

/** Base64 ends in bits that mean nothing: of all spellings of a signature only the one that we write is ours. */
function isAsWritten(token: string): boolean {
  const signature = token.slice(token.lastIndexOf('.') + 1);
  return Buffer.from(signature, 'base64url').toString('base64url') === signature;
}

function isId(claim: unknown): claim is string {
  return typeof claim === 'string' && ID.test(claim);
}

export interface TokenSubject {
  userId: string;
  sessionId: string;
}

export class AccessTokens {
  /** Seconds that a token lives. */
  readonly lifetime: number;
  readonly #key: KeyObject;

  constructor(options: { secretKey: string; lifetime: number }) {
    this.lifetime = options.lifetime;
    this.#key = createSecretKey(Buffer.from(options.secretKey));
  }

  async issue(subject: TokenSubject): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ sid: subject.sessionId })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      .setSubject(subject.userId)
      .setIssuedAt(now)
      .setExpirationTime(now + this.lifetime)
      .sign(this.#key);
  }

  /** Undefined for anything but an unexpired token of ours. */
  async verify(token: string): Promise<TokenSubject | undefined> {
    if (!isAsWritten(token)) return undefined;
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: [ALGORITHM],
        requiredClaims: ['sub', 'sid', 'iat', 'exp'],
      });
      const { sub, sid } = payload;
      return isId(sub) && isId(sid) ? { userId: sub, sessionId: sid } : undefined;
    } catch {
      return undefined;
    }
  }
}
