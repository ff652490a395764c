// Every variable that an operator may set: its type, its default and one sentence. What the server passes to its own
// workers is in workers.ts.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { SIGN_UP_MODES, type SignUpMode } from '../contract/sign-up-modes.ts';
import {
  boolean,
  host,
  issuer,
  label,
  type MailSender,
  mailSender,
  oneOf,
  origins,
  type Parse,
  publicUrl,
  type SmtpServer,
  smtpServer,
  type TrustProxy,
  text,
  trustProxy,
  url,
  wholeNumber,
} from './config/values.ts';

/** What a person wrote in the environment cannot be used. The message is one line that names the variable. */
export class ConfigError extends Error {}

interface Variable<Value> {
  /** One sentence for the documentation and `.env.example`. */
  readonly doc: string;
  /** What a value may be, completing "must be …". */
  readonly mustBe: string;
  /** The default in words, as documented. */
  readonly defaultText: string;
  readonly fallback: Value;
  /** Throws, with any error, on a value that cannot be used. */
  readonly parse: Parse<Value>;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
const DAY_SECONDS = 24 * 60 * 60;
/** Where front ends in development usually stand. */
const DEFAULT_ORIGINS = ['localhost', '127.0.0.1'].flatMap((name) =>
  ['3000', '3001'].map((port) => `http://${name}:${port}`),
);

function variable<Value>(
  fallback: Value,
  defaultText: string,
  mustBe: string,
  parse: Parse<Value>,
  doc: string,
): Variable<Value> {
  return { doc, mustBe, defaultText, fallback, parse };
}

/** The table of all variables. `docs/configuration.md` and `.env.example` are checked against it. */
export const VARIABLES = {
  DATABASE_URL: variable<string | undefined>(
    undefined,
    'a private PostgreSQL under `DATA_DIR`',
    'a postgres:// address',
    url('postgres:', 'postgresql:'),
    'The PostgreSQL (15 or later) to use instead of the private one.',
  ),
  DATABASE_POOL_MODE: variable<'session' | 'transaction'>(
    'session',
    '`session`',
    'session or transaction',
    oneOf(['session', 'transaction']),
    'Set to `transaction` behind PgBouncer in transaction mode or another pooler that cannot hold prepared statements.',
  ),
  DATABASE_DIRECT_URL: variable<string | undefined>(
    undefined,
    '`DATABASE_URL`',
    'a postgres:// address',
    url('postgres:', 'postgresql:'),
    'Behind a pooler, the address of the server itself: for migrations and for hearing what other nodes change.',
  ),
  DATABASE_POOL_SIZE: variable(
    20,
    '`20`',
    'a whole number from 2 to 500',
    wholeNumber(2, 500),
    'How many connections one process may open for its requests; signing in has four more of its own, exports and imports five.',
  ),
  DATA_DIR: variable(
    './data',
    '`./data`',
    'a directory',
    text,
    'Where the private PostgreSQL, generated secrets and the log are kept.',
  ),
  SECRET_KEY: variable<string | undefined>(
    undefined,
    'generated once into `DATA_DIR`',
    'a text of your own',
    text,
    'Signs access tokens and cursors; with `DATABASE_URL`, unless `DEBUG` is true, it is required, must have at least 32 characters and must not be an example.',
  ),
  BETTER_AUTH_SECRET: variable<string | undefined>(
    undefined,
    'generated once into `DATA_DIR`',
    'a text of your own',
    text,
    'Signs session cookies; with `DATABASE_URL`, unless `DEBUG` is true, it is required, must have at least 32 characters and must not be an example.',
  ),
  ACCESS_TOKEN_EXPIRE_MINUTES: variable(
    30,
    '`30`',
    'a whole number from 1 to 525600',
    wholeNumber(1, 525_600),
    'How many minutes a session and its access token live without being refreshed.',
  ),
  SESSION_MAX_DAYS: variable<number | undefined>(
    undefined,
    '`30`, or twice `ACCESS_TOKEN_EXPIRE_MINUTES` where that is longer',
    'a whole number from 1 to 3650',
    wholeNumber(1, 3650),
    'How many days after sign-in a session ends, however often it is refreshed; for sessions begun from then on.',
  ),
  DEBUG: variable(
    false,
    '`false`',
    'true or false',
    boolean,
    'Development mode: secrets may be missing with `DATABASE_URL`, and the log is more talkative.',
  ),
  HOST: variable(
    '127.0.0.1',
    '`127.0.0.1`',
    'a host name or an IP address',
    host,
    'The address to listen on; `0.0.0.0` for every network interface.',
  ),
  PORT: variable(
    8000,
    '`8000`',
    'a whole number from 0 to 65535',
    wholeNumber(0, 65_535),
    'The port to listen on; 0 takes a free one.',
  ),
  PUBLIC_URL: variable<string | undefined>(
    undefined,
    '`http://localhost:<PORT>`',
    'an http:// or https:// address without query',
    publicUrl,
    'The address by which browsers reach the server; https makes cookies `Secure`.',
  ),
  ALLOWED_ORIGINS: variable(
    DEFAULT_ORIGINS,
    `\`${DEFAULT_ORIGINS.join(',')}\``,
    'origins such as https://app.example.com, separated by commas',
    origins,
    'The front ends whose pages may call the API with cookies.',
  ),
  TRUST_PROXY: variable<TrustProxy>(
    false,
    'nobody',
    'addresses or CIDR blocks separated by commas, or a number of hops',
    trustProxy,
    'Whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.',
  ),
  SIGNUP: variable<SignUpMode>(
    'open',
    '`open`',
    'open, invite or closed',
    oneOf(SIGN_UP_MODES),
    'Who may make an account: anybody, who has an invitation, or nobody; the operator always can (`npm run admin`).',
  ),
  RATE_LIMIT_REQUESTS: variable(
    100,
    '`100`',
    'a whole number from 1 to 1000000000',
    wholeNumber(1, 1_000_000_000),
    'How many requests a signed-in user may make in one window.',
  ),
  RATE_LIMIT_WINDOW: variable(
    60,
    '`60`',
    'a whole number of seconds from 1 to 86400',
    wholeNumber(1, 86_400),
    'The length of that window in seconds; it starts with its first request.',
  ),
  RATE_LIMIT_COUNTERS: variable<'shared' | 'memory'>(
    'shared',
    '`shared`',
    'shared or memory',
    oneOf(['shared', 'memory']),
    'Where requests and sign-ins are counted when there is a `DATABASE_URL`: with `memory` each request costs one round trip less, but it is right only for a single process that has the database to itself.',
  ),
  LOG_LEVEL: variable<LogLevel>(
    'info',
    '`info`, with `DEBUG` `debug`',
    `one of ${LOG_LEVELS.join(', ')}`,
    oneOf(LOG_LEVELS),
    'The least important messages that are logged.',
  ),
  LOG_FILE: variable<string | undefined>(
    undefined,
    '`DATA_DIR/logs/donewell.log` with the private PostgreSQL, else none',
    'a file',
    text,
    'A file that gets the log as JSON lines besides the console; rotated at 10 MB, 5 kept.',
  ),
  WORKERS: variable(
    1,
    '`1`',
    'a whole number from 1 to 128',
    wholeNumber(1, 128),
    'How many processes serve requests.',
  ),
  REDIS_URL: variable<string | undefined>(
    undefined,
    'none',
    'a redis:// or rediss:// address',
    url('redis:', 'rediss:'),
    'A Redis that counts rate limits and carries hints of changes between several nodes, instead of PostgreSQL.',
  ),
  SMTP_URL: variable<SmtpServer | undefined>(
    undefined,
    'none: mails become files in `DATA_DIR/outbox`',
    'smtp://user:password@host:587 or smtps://user:password@host:465',
    smtpServer,
    'The server that takes mails; `smtp://` demands STARTTLS unless it is on this machine or the address ends in `?tls=optional`.',
  ),
  MAIL_FROM: variable<MailSender | undefined>(
    undefined,
    '`Donewell <donewell@localhost>` in the outbox; required with `SMTP_URL`',
    'an address, or a name and an address: Donewell <tasks@example.com>',
    mailSender,
    'Whom mails are from.',
  ),
  REQUIRE_EMAIL_VERIFICATION: variable(
    false,
    '`false`',
    'true or false',
    boolean,
    'Whether an account can be signed in to only once its e-mail has been confirmed.',
  ),
  GOOGLE_CLIENT_ID: variable<string | undefined>(
    undefined,
    'none',
    'the client id as Google shows it',
    text,
    'Lets people sign in with Google: its callback address there is `PUBLIC_URL/api/auth/callback/google`.',
  ),
  GOOGLE_CLIENT_SECRET: variable<string | undefined>(
    undefined,
    'none',
    'the client secret as Google shows it',
    text,
    'Goes with `GOOGLE_CLIENT_ID`.',
  ),
  GITHUB_CLIENT_ID: variable<string | undefined>(
    undefined,
    'none',
    'the client id as GitHub shows it',
    text,
    'Lets people sign in with GitHub: its callback address there is `PUBLIC_URL/api/auth/callback/github`.',
  ),
  GITHUB_CLIENT_SECRET: variable<string | undefined>(
    undefined,
    'none',
    'the client secret as GitHub shows it',
    text,
    'Goes with `GITHUB_CLIENT_ID`.',
  ),
  OIDC_ISSUER: variable<string | undefined>(
    undefined,
    'none',
    'an https:// address, or an http:// one on this machine',
    issuer,
    'Lets people sign in with an OpenID Connect provider: the address that it calls its issuer; its callback address there is `PUBLIC_URL/api/auth/callback/oidc`.',
  ),
  OIDC_CLIENT_ID: variable<string | undefined>(
    undefined,
    'none',
    'the client id as the provider shows it',
    text,
    'Goes with `OIDC_ISSUER`.',
  ),
  OIDC_CLIENT_SECRET: variable<string | undefined>(
    undefined,
    'none',
    'the client secret as the provider shows it',
    text,
    'Goes with `OIDC_CLIENT_ID`; sent to the provider in the body of a request (`client_secret_post`).',
  ),
  OIDC_NAME: variable(
    'Single sign-on',
    '`Single sign-on`',
    'a name of at most 40 characters without markup',
    label,
    'What the provider at `OIDC_ISSUER` is called on the sign-in page.',
  ),
} as const;

export type VariableName = keyof typeof VARIABLES;

/** The settings by variable name, each valid. */
export type Settings = { readonly [Name in VariableName]: (typeof VARIABLES)[Name]['fallback'] };

export type Environment = Record<string, string | undefined>;

/** Reads `.env` if there is one. The process environment goes before it. */
export function readEnvironment(directory: string, processEnvironment: Environment): Environment {
  let file = '';
  try {
    file = readFileSync(path.join(directory, '.env'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw new ConfigError(`.env cannot be read: ${(error as Error).message}`);
  }
  // Some editors begin a file with a byte order mark: it belongs to no name.
  return { ...parseEnv(file.replace(/^\uFEFF/, '')), ...processEnvironment };
}

function settingOf(name: VariableName, environment: Environment): unknown {
  const { fallback, parse, mustBe } = VARIABLES[name];
  const raw = environment[name]?.trim();
  if (raw === undefined || raw === '') return fallback;
  try {
    return parse(raw);
  } catch {
    // The value is not repeated: it may be a secret in the wrong place.
    throw new ConfigError(`${name} must be ${mustBe}.`);
  }
}

/** Variables that are of use together or not at all. */
const SETS = [
  ['GOOGLE_CLIENT_ID', 'GOOGLE_CLIENT_SECRET'],
  ['GITHUB_CLIENT_ID', 'GITHUB_CLIENT_SECRET'],
  ['OIDC_ISSUER', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET'],
] as const;

function assertWholeSets(settings: Settings): void {
  for (const set of SETS) {
    const given = set.find((name) => settings[name] !== undefined);
    const missing = set.find((name) => settings[name] === undefined);
    if (given && missing) throw new ConfigError(`${missing} must be set together with ${given}.`);
  }
}

/** @throws ConfigError naming the first variable that cannot be used. */
export function loadSettings(environment: Environment): Settings {
  const names = Object.keys(VARIABLES) as VariableName[];
  const settings = Object.fromEntries(names.map((name) => [name, settingOf(name, environment)])) as Settings;
  assertWholeSets(settings);
  // Better Auth reads it by itself, and would take it in the place of our secret.
  if ((environment.BETTER_AUTH_SECRETS ?? '') !== '')
    throw new ConfigError('BETTER_AUTH_SECRETS must not be set: the one secret is BETTER_AUTH_SECRET.');
  // It would open Better Auth's own endpoints alone.
  if ((environment.BETTER_AUTH_TRUSTED_ORIGINS ?? '') !== '')
    throw new ConfigError(
      'BETTER_AUTH_TRUSTED_ORIGINS must not be set: other origins are allowed by ALLOWED_ORIGINS.',
    );
  if (settings.RATE_LIMIT_COUNTERS === 'memory' && settings.WORKERS > 1)
    throw new ConfigError('RATE_LIMIT_COUNTERS must be shared when there are several WORKERS.');
  const isQuiet = (environment.LOG_LEVEL?.trim() ?? '') !== '' || !settings.DEBUG;
  return isQuiet ? settings : { ...settings, LOG_LEVEL: 'debug' };
}

/** The address by which browsers reach the server. */
export function publicUrlOf(settings: Settings): string {
  return settings.PUBLIC_URL ?? `http://localhost:${settings.PORT}`;
}

/**
 * How many seconds a session lives without being refreshed, and at most. Whoever asks for long sessions alone gets them, with
 * room for a refresh; an end that was set goes before their length.
 */
export function sessionTimesOf(settings: Settings): { lifetime: number; maximum: number } {
  const { ACCESS_TOKEN_EXPIRE_MINUTES: minutes, SESSION_MAX_DAYS: days } = settings;
  const asked = minutes * 60;
  const maximum = days === undefined ? Math.max(30 * DAY_SECONDS, 2 * asked) : days * DAY_SECONDS;
  return { lifetime: Math.min(asked, maximum), maximum };
}

/** The path of that address, by which a proxy serves us: what addresses without a host begin with. `/todo`, or nothing. */
export function publicPathOf(publicUrl: string): string {
  return new URL(publicUrl).pathname.replace(/\/+$/, '');
}
