// The two secrets: taken from the settings, refused when unsafe, or generated once into the data directory.
import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError, type Settings } from './config.ts';
import { makeDirectory } from './directories.ts';

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
  /change[-_ ]?(me|this|in)|example|placeholder|your[-_ ]|replace|insert|(?<![a-z0-9])todo(?![a-z0-9])|better[-_ ]?auth[-_ ]?secret|password|default/i;
const MINIMUM_DISTINCT_CHARACTERS = 8;

/** Better Auth's own default, with which it refuses to be made; when it is made is too late to say so. */
const BETTER_AUTH_DEFAULT = 'better-auth-secret-12345678901234567890';

function isExample(secret: string): boolean {
  return EXAMPLE.test(secret) || new Set(secret).size < MINIMUM_DISTINCT_CHARACTERS;
}

function assertSafe(name: SecretName, secret: string | undefined): void {
  const cure = `set it to at least ${MINIMUM_LENGTH} random characters (openssl rand -base64 48), or DEBUG=true for development`;
  if (secret === undefined) throw new ConfigError(`${name} is missing: with DATABASE_URL ${cure}.`);
  if (secret.length < MINIMUM_LENGTH) throw new ConfigError(`${name} is too short: ${cure}.`);
  if (isExample(secret)) throw new ConfigError(`${name} is an example value: ${cure}.`);
}

function readSecret(file: string): string {
  const secret = readFileSync(file, 'utf8').trim();
  if (secret.length < MINIMUM_LENGTH)
    throw new Error(`${file} is damaged: put it back from a backup, or delete it`);
  return secret;
}

/** Creates the file with a random secret, or reads what another process put there first. */
function generatedSecret(file: string): string {
  try {
    return readSecret(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  // Written aside and linked into place, so that nobody ever reads half a secret and the first one wins.
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, `${randomBytes(GENERATED_BYTES).toString('base64url')}\n`, {
    mode: 0o600,
    flag: 'wx',
    flush: true,
  });
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readSecret(file);
}

/** Made for ourselves; others may pass through it, to the private PostgreSQL that runs as another user. */
function makeDataDirectory(directory: string): void {
  const first = makeDirectory(directory);
  if (first === undefined) return;
  // By chmod, for the umask would take it back.
  for (let made = directory; made.length >= first.length; made = path.dirname(made)) chmodSync(made, 0o711);
}

function secretOf(name: SecretName, settings: Settings): string {
  const given = settings[name];
  if (settings.DATABASE_URL !== undefined && !settings.DEBUG) assertSafe(name, given);
  if (given === BETTER_AUTH_DEFAULT) throw new ConfigError(`${name} is an example value: set it to another.`);
  if (given !== undefined) return given;
  const file = `${name.toLowerCase().replaceAll('_', '-')}.txt`;
  return generatedSecret(path.join(path.resolve(settings.DATA_DIR), file));
}

/** @throws ConfigError with one line when a secret is missing, short or an example where that is not safe. */
export function loadSecrets(settings: Settings): Secrets {
  try {
    const isGiven = SECRET_NAMES.every((name) => settings[name] !== undefined);
    const isUsed = settings.DATABASE_URL === undefined || (settings.DEBUG && !isGiven);
    if (isUsed) makeDataDirectory(path.resolve(settings.DATA_DIR));
    return {
      secretKey: secretOf('SECRET_KEY', settings),
      betterAuthSecret: secretOf('BETTER_AUTH_SECRET', settings),
    };
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`DATA_DIR must be a directory that can be written: ${(error as Error).message}.`);
  }
}
