// The two secrets: taken from the settings, refused when unsafe, or generated once into the data directory.
import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError, type Settings } from './config.ts';

export interface Secrets {
  /** Signs access tokens and cursors. */
  readonly secretKey: string;
  /** Signs session cookies. */
  readonly betterAuthSecret: string;
}

const MINIMUM_LENGTH = 32;
const GENERATED_BYTES = 48;
const SECRET_NAMES = ['SECRET_KEY', 'BETTER_AUTH_SECRET'] as const;
type SecretName = (typeof SECRET_NAMES)[number];

// Placeholders seen in examples and tutorials: long enough to pass, known to everybody.
const EXAMPLE =
  /change[-_ ]?(me|this|in)|example|placeholder|your[-_ ]|replace|insert|todo|secret[-_ ]?key|better[-_ ]?auth[-_ ]?secret|password|default|at[-_ ]?least[-_ ]?32/i;
const MINIMUM_DISTINCT_CHARACTERS = 8;

function isExample(secret: string): boolean {
  return EXAMPLE.test(secret) || new Set(secret).size < MINIMUM_DISTINCT_CHARACTERS;
}

function assertSafe(name: SecretName, secret: string | undefined): void {
  const cure = `set it to at least ${MINIMUM_LENGTH} random characters (openssl rand -base64 48), or DEBUG=true for development`;
  if (secret === undefined) throw new ConfigError(`${name} is missing: with DATABASE_URL ${cure}.`);
  if (secret.length < MINIMUM_LENGTH) throw new ConfigError(`${name} is too short: ${cure}.`);
  if (isExample(secret)) throw new ConfigError(`${name} is an example value: ${cure}.`);
}

/** Creates the file with a random secret, or reads what another process put there first. */
function generatedSecret(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  // Written aside and linked into place, so that nobody ever reads half a secret and the first one wins.
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, `${randomBytes(GENERATED_BYTES).toString('base64url')}\n`, {
    mode: 0o600,
    flag: 'wx',
  });
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readFileSync(file, 'utf8').trim();
}

function secretOf(name: SecretName, settings: Settings): string {
  const given = settings[name];
  if (settings.DATABASE_URL !== undefined && !settings.DEBUG) assertSafe(name, given);
  if (given !== undefined) return given;
  const file = path.join(path.resolve(settings.DATA_DIR), `${name.toLowerCase().replaceAll('_', '-')}.txt`);
  try {
    const directory = path.dirname(file);
    // Others may pass through, to the private PostgreSQL that runs as another user; a umask must not change that.
    if (mkdirSync(directory, { recursive: true })) chmodSync(directory, 0o711);
    return generatedSecret(file);
  } catch (error) {
    throw new ConfigError(`DATA_DIR must be a directory that can be written: ${(error as Error).message}`);
  }
}

/** @throws ConfigError with one line when a secret is missing, short or an example where that is not safe. */
export function loadSecrets(settings: Settings): Secrets {
  return {
    secretKey: secretOf('SECRET_KEY', settings),
    betterAuthSecret: secretOf('BETTER_AUTH_SECRET', settings),
  };
}
