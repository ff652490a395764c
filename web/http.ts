// Requests to the API: one door that knows refusals from silence, and waits when the server says so.
import { signal } from '@preact/signals';
import type { FieldError, Problem } from '../contract/errors.ts';
import { SIGNED_IN_AS } from '../contract/headers.ts';

/** Where the app lives: behind a proxy that may be below a path. A page with a trailing slash says so itself. */
export const root = new URL(document.documentElement.dataset.root ?? './', location.href);

/** The server answered, and said no. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: readonly FieldError[];
  /** Milliseconds until it makes sense to ask again. */
  readonly retryAfter: number | undefined;
  readonly body: Record<string, unknown>;

  constructor(status: number, body: Record<string, unknown>, retryAfter: number | undefined) {
    const { detail, message, code } = body as Partial<Problem> & { message?: string };
    super(detail ?? message ?? `The server answered with ${status}.`);
    this.status = status;
    this.code = code ?? '';
    this.fields = (body as Partial<Problem>).errors ?? [];
    this.retryAfter = retryAfter;
    this.body = body;
  }
}

/** Nobody answered. */
export class Unreachable extends Error {}

/** How far this machine's clock is from the server's, in milliseconds; a whole second more or less. */
let clockOffset = 0;

/** Milliseconds since the epoch, as the server has them. */
export function serverNow(): number {
  return Date.now() + clockOffset;
}

function compareClocks(response: Response): void {
  const theirs = Date.parse(response.headers.get('date') ?? '');
  if (!Number.isNaN(theirs)) clockOffset = theirs - Date.now();
}

/** Whose requests these are. The cookie is the browser's: in another tab it may have become somebody else's. */
let sender: string | undefined;

export function sendAs(userId: string | undefined): void {
  sender = userId;
}

/** When requests may go out again, by `performance.now()`, which no change of the clock moves; 0 when they may. */
export const pausedUntil = signal(0);
/** The server said 401 to something that needs a session. */
export const sessionLost = signal(false);

const TIMEOUT = 30_000;
const DEFAULT_PAUSE = 5_000;

export interface RequestOptions {
  json?: unknown;
  headers?: Record<string, string>;
  /** For sign-in, where 401 is not the end of a session, and nobody is known yet. */
  anonymous?: boolean;
  /** A person waits for this answer: when it asks for patience that is theirs to hear, and stops nothing else. */
  byHand?: boolean;
}

/** 401 with one of these is about what was typed, not about the session. */
const ABOUT_INPUT = ['invalid_code', 'invalid_credentials', 'two_factor_required'];

export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function backOnline(): Promise<void> {
  return new Promise((resolve) => addEventListener('online', () => resolve(), { once: true }));
}

function sessionBack(): Promise<void> {
  return new Promise((resolve) => {
    const stop = sessionLost.subscribe((lost) => {
      if (!lost)
        queueMicrotask(() => {
          stop();
          resolve();
        });
    });
  });
}

/** Waits while there is no network or no session, and while the server has asked for patience. */
export async function whenAllowed(): Promise<void> {
  if (!navigator.onLine) await backOnline();
  if (sessionLost.value) await sessionBack();
  while (pausedUntil.value > performance.now()) await delay(pausedUntil.value - performance.now());
  pausedUntil.value = 0;
}

/** Says whose request it is. */
export function senderHeaders(): Record<string, string> {
  return sender === undefined ? {} : { [SIGNED_IN_AS]: sender };
}

async function send(method: string, path: string, options: RequestOptions): Promise<Response> {
  const { json, headers, anonymous } = options;
  const init: RequestInit = {
    method,
    credentials: 'same-origin',
    headers: {
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...(anonymous ? {} : senderHeaders()),
      ...headers,
    },
    signal: AbortSignal.timeout(TIMEOUT),
  };
  if (json !== undefined) init.body = JSON.stringify(json);
  try {
    return await fetch(new URL(path, root), init);
  } catch (error) {
    throw new Unreachable('The server cannot be reached.', { cause: error });
  }
}

function retryAfterOf(response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds * 1000 : undefined;
}

/** Undefined for what no answer of the server is. */
function jsonIn(response: Response, text: string): Record<string, unknown> | undefined {
  if (!response.headers.get('content-type')?.includes('json')) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** What to throw for an answer that says no, once the app has heard what it means for all else. */
export function refusalOf(
  response: Response,
  text: string,
  { anonymous, byHand }: RequestOptions,
): Refused | Unreachable {
  const refused = new Refused(response.status, jsonIn(response, text) ?? {}, retryAfterOf(response));
  if (refused.status === 401 && !anonymous && !ABOUT_INPUT.includes(refused.code)) sessionLost.value = true;
  if (refused.status === 429 && !anonymous && !byHand)
    pausedUntil.value = performance.now() + (refused.retryAfter ?? DEFAULT_PAUSE);
  // A proxy whose server is away answers for it, and not in our words.
  if (refused.status >= 502 && refused.code === '') return new Unreachable('The server cannot be reached.');
  return refused;
}

/** @throws Refused, Unreachable */
export async function call<Body>(method: string, path: string, options: RequestOptions = {}): Promise<Body> {
  const response = await send(method, path, options);
  const text = await response.text().catch((error: unknown) => {
    throw new Unreachable('The answer broke off.', { cause: error });
  });
  compareClocks(response);
  if (response.ok) {
    const body = jsonIn(response, text);
    // The sign-in page of a hotel's network, say: it has not heard of us.
    if (body === undefined) throw new Unreachable('Something else than the server has answered.');
    return body as Body;
  }
  throw refusalOf(response, text, options);
}

/** A key for one write. `crypto.randomUUID` would be missing on plain HTTP. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}
