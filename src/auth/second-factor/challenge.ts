// The challenge between the two steps of a sign-in: Better Auth's own cookie, and the same value for clients without cookies.

const NAME = 'better-auth.two_factor';
/** An identifier and its signature, as Better Auth makes them; nothing else is ever handed on. */
const CHALLENGE = /^2fa-[A-Za-z0-9_-]{20}\.[A-Za-z0-9+/]{43}=$/;

function decoded(value: string): string | undefined {
  try {
    const challenge = decodeURIComponent(value.trim());
    return CHALLENGE.test(challenge) ? challenge : undefined;
  } catch {
    return undefined;
  }
}

export class ChallengeCookie {
  readonly #name: string;

  constructor(options: { https: boolean }) {
    this.#name = `${options.https ? '__Secure-' : ''}${NAME}`;
  }

  /** The challenge in a Cookie header, or in the `Set-Cookie` lines of an answer. */
  in(header: string | readonly string[] | undefined): string | undefined {
    const pairs =
      typeof header === 'string' ? header.split(';') : (header ?? []).map((line) => line.split(';')[0]);
    const pair = pairs.find((candidate) => candidate?.trim().startsWith(`${this.#name}=`));
    return pair === undefined ? undefined : decoded(pair.slice(pair.indexOf('=') + 1));
  }

  /** The Cookie header that carries a challenge; undefined for what is none. */
  header(challenge: string): string | undefined {
    return CHALLENGE.test(challenge) ? `${this.#name}=${encodeURIComponent(challenge)}` : undefined;
  }
}
