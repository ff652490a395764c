// The session cookie, bit for bit as Better Auth signs it: `token.base64(HMAC-SHA-256(secret, token))`.
import { createHmac, timingSafeEqual } from 'node:crypto';

const SIGNATURE_LENGTH = 44; // base64 of 32 bytes, with padding
/** Nothing else is ever a session's token; what the database cannot even compare (a NUL) never gets there. */
const TOKEN = /^[A-Za-z0-9_-]{16,128}$/;

/** Cookies that are remembered: to check a signature takes longer than most other things of a request. */
const REMEMBERED = 10_000;

export class SessionCookie {
  readonly name: string;
  readonly #briefName: string;
  /** Tokens by the cookies that were found to be ours. Whether their sessions still hold is for the database to say. */
  readonly #known = new Map<string, string>();
  readonly #secret: string;
  readonly #attributes: string;
  readonly #maxAge: number;

  /** @param options.maxAge the session's lifetime in seconds. */
  constructor(options: { secret: string; https: boolean; maxAge: number }) {
    const prefix = `${options.https ? '__Secure-' : ''}better-auth`;
    this.name = `${prefix}.session_token`;
    this.#briefName = `${prefix}.dont_remember`;
    this.#secret = options.secret;
    this.#attributes = `Path=/; HttpOnly; SameSite=Lax${options.https ? '; Secure' : ''}`;
    this.#maxAge = options.maxAge;
  }

  /** Whether the request carries this cookie at all, valid or not. */
  isIn(header: string | undefined): boolean {
    return rawValue(header, this.name) !== undefined;
  }

  /** The session token in a Cookie header; undefined when there is none or its signature is not ours. */
  tokenIn(header: string | undefined): string | undefined {
    const raw = rawValue(header, this.name);
    if (raw === undefined) return undefined;
    const known = this.#known.get(raw);
    if (known !== undefined) return known;
    const value = decoded(raw);
    const token = this.#checked(value);
    if (token === undefined) return undefined;
    // One spelling of each, as it is sent: and not the text that came, which would keep all of its header in memory.
    const spelling = encodeURIComponent(value);
    if (spelling === raw) this.#remember(spelling, token);
    return token;
  }

  /** The token, where the signature is ours. */
  #checked(value: string): string | undefined {
    const dot = value.lastIndexOf('.');
    if (dot < 1 || value.length - dot - 1 !== SIGNATURE_LENGTH) return undefined;
    const token = value.slice(0, dot);
    if (!TOKEN.test(token)) return undefined;
    // As text: base64 ends in bits that mean nothing, so that other texts would stand for the same bytes.
    const given = Buffer.from(value.slice(dot + 1));
    const expected = Buffer.from(this.#signature(token));
    return given.length === expected.length && timingSafeEqual(given, expected) ? token : undefined;
  }

  #remember(spelling: string, token: string): void {
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    this.#known.set(spelling, token);
  }

  /** The Cookie header with this cookie once, as it is read here, or without it when it is not ours. */
  canonical(header: string): string {
    const token = this.tokenIn(header);
    const others = header
      .split(';')
      .map((part) => part.trim())
      .filter((part) => part !== '' && part.split('=')[0]?.trim() !== this.name);
    return [...(token === undefined ? [] : [this.pair(token)]), ...others].join('; ');
  }

  /** `name=value` as a request carries it. */
  pair(token: string): string {
    return `${this.name}=${encodeURIComponent(`${token}.${this.#signature(token)}`)}`;
  }

  /** Anew for a request with this Cookie header: one that was to end with the browser still does. */
  set(token: string, header: string | undefined): string {
    const age = this.#isBrief(header) ? '' : `Max-Age=${this.#maxAge}; `;
    return `${this.pair(token)}; ${age}${this.#attributes}`;
  }

  /** Takes away what came in this Cookie header. */
  clear(header: string | undefined): string[] {
    const names = this.#isBrief(header) ? [this.name, this.#briefName] : [this.name];
    return names.map((name) => `${name}=; Max-Age=0; ${this.#attributes}`);
  }

  /** Better Auth's mark of a sign-in with `rememberMe: false`. What it says is a wish about one's own browser. */
  #isBrief(header: string | undefined): boolean {
    return rawValue(header, this.#briefName) !== undefined;
  }

  #signature(token: string): string {
    return createHmac('sha256', this.#secret).update(token).digest('base64');
  }
}

/** The first value of that name, as it came. */
function rawValue(header: string | undefined, name: string): string | undefined {
  for (const part of header?.split(';') ?? []) {
    const equals = part.indexOf('=');
    if (equals >= 0 && part.slice(0, equals).trim() === name) return part.slice(equals + 1).trim();
  }
  return undefined;
}

/** Nothing of what cannot be decoded. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return '';
  }
}
