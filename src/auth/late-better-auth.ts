// Better Auth, loaded and made (better-auth.ts) when a request first needs it: it is a sixth of what a server at rest would keep in
// memory, and whoever is signed in does without.
import { setImmediate } from 'node:timers/promises';
import { giveBackLoadingMemory } from '../loading-memory.ts';
import type { BetterAuth, BetterAuthOptions, MadeBetterAuth } from './better-auth.ts';

type Code = typeof import('./better-auth.ts');

/** What takes long to load, in parts of a tenth to a quarter of a second: while a part is loaded everybody else waits. */
const PARTS = [
  () => import('better-auth/crypto'),
  () => import('better-auth/social-providers'),
  () => import('better-auth/api'),
  () => import('better-auth'),
  () => import('@better-auth/passkey'),
];

/** The first comes still in this turn of the event loop, the second after all that has arrived meanwhile was looked at. */
async function turnOfOthers(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

async function load(): Promise<Code> {
  for (const part of PARTS) {
    await part();
    await turnOfOthers();
  }
  const code = await import('./better-auth.ts');
  // Nobody waits for it, and nobody misses it when it fails.
  turnOfOthers()
    .then(giveBackLoadingMemory)
    .catch(() => {});
  return code;
}

let loading: Promise<Code> | undefined;

/** Once in a process; after a failure the next one who asks tries again. */
function loadOnce(): Promise<Code> {
  loading ??= load().catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function make(options: BetterAuthOptions): Promise<MadeBetterAuth> {
  const { createBetterAuth } = await loadOnce();
  const made = createBetterAuth(options);
  try {
    // It checks itself apart from its making: what it finds is the failure of who asked, not of the process.
    await made.auth.$context;
    return made;
  } catch (error) {
    await made.close();
    throw error;
  }
}

export class LateBetterAuth {
  readonly #options: BetterAuthOptions;
  #made: Promise<MadeBetterAuth> | undefined;
  #isClosed = false;

  constructor(options: BetterAuthOptions) {
    this.#options = options;
  }

  /** The one there is: whoever comes while it is being made waits for it, and after a failure the next one tries again. */
  async loaded(): Promise<BetterAuth> {
    if (this.#isClosed) throw new Error('Better Auth is asked for after the service was closed');
    this.#made ??= make(this.#options).catch((error: unknown) => {
      this.#made = undefined;
      throw error;
    });
    return (await this.#made).auth;
  }

  /** Ends its connections, if it was ever made. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const made = await this.#made?.catch(() => undefined);
    await made?.close();
  }
}
