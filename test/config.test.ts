// Every setting: its default, what it may be and what it may not, and how a bad one stops the start.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, loadSettings, readEnvironment, VARIABLES, type VariableName } from '../src/config.ts';
import { dataDirectory, runScript } from './support/process.ts';

const place = dataDirectory();
afterAll(() => place.remove());

const DEV_ORIGINS = [
  'http://localhost:3000',
  'http://localhost:3001',
  'http://127.0.0.1:3000',
  'http://127.0.0.1:3001',
];

/** As the contract has them. */
const DEFAULTS: Partial<Record<VariableName, unknown>> = {
  DATABASE_URL: undefined,
  DATA_DIR: './data',
  SECRET_KEY: undefined,
  BETTER_AUTH_SECRET: undefined,
  ACCESS_TOKEN_EXPIRE_MINUTES: 30,
  DEBUG: false,
  PORT: 8000,
  PUBLIC_URL: undefined,
  ALLOWED_ORIGINS: DEV_ORIGINS,
  TRUST_PROXY: false,
  RATE_LIMIT_REQUESTS: 100,
  RATE_LIMIT_WINDOW: 60,
  RATE_LIMIT_COUNTERS: 'shared',
  WORKERS: 1,
  REDIS_URL: undefined,
};

const smtp = (server: object) => ({
  host: 'h',
  port: 587,
  secure: false,
  requireTls: false,
  user: undefined,
  password: undefined,
  ...server,
});

/** Variables of which one is of no use without the others, with values that will do. */
const SETS: Partial<Record<VariableName, string>>[] = [
  { GOOGLE_CLIENT_ID: 'id', GOOGLE_CLIENT_SECRET: 'secret' },
  { GITHUB_CLIENT_ID: 'id', GITHUB_CLIENT_SECRET: 'secret' },
  { OIDC_ISSUER: 'https://id.example.com', OIDC_CLIENT_ID: 'id', OIDC_CLIENT_SECRET: 'secret' },
];
const ANYTHING_OF_PROVIDERS = SETS.flatMap((set) => Object.keys(set) as VariableName[]).filter(
  (name) => name !== 'OIDC_ISSUER',
);

/** One variable, with those that it goes with. */
function together(name: string, raw: string): Record<string, string> {
  return { ...SETS.find((set) => Object.hasOwn(set, name)), [name]: raw };
}

type Good = [raw: string, meaning: unknown];

const GOOD: Partial<Record<VariableName, Good[]>> = {
  DATABASE_URL: ['postgres://u:p@h/d', 'postgresql://h', 'postgres://u:p@h:1/d?sslmode=require'].map(
    (url) => [url, url],
  ),
  DATABASE_DIRECT_URL: [['postgres://u:p@h/d', 'postgres://u:p@h/d']],
  DATABASE_POOL_MODE: [
    ['session', 'session'],
    ['TRANSACTION', 'transaction'],
  ],
  DATABASE_POOL_SIZE: [
    ['2', 2],
    ['500', 500],
  ],
  DATA_DIR: [['/srv/a b', '/srv/a b']],
  SECRET_KEY: [['x', 'x']],
  BETTER_AUTH_SECRET: [['x', 'x']],
  ACCESS_TOKEN_EXPIRE_MINUTES: [
    ['1', 1],
    ['525600', 525_600],
  ],
  SESSION_MAX_DAYS: [
    ['1', 1],
    ['3650', 3_650],
  ],
  SIGNUP: [
    ['invite', 'invite'],
    ['CLOSED', 'closed'],
  ],
  DEBUG: [
    ['true', true],
    ['True', true],
    ['false', false],
    ['FALSE', false],
  ],
  HOST: ['0.0.0.0', '::', '::1', 'localhost', 'a-b.example.com'].map((host) => [host, host]),
  PORT: [
    ['0', 0],
    ['65535', 65_535],
    [' 8080 ', 8080],
  ],
  PUBLIC_URL: [
    ['https://example.com', 'https://example.com'],
    ['http://localhost:8000/', 'http://localhost:8000'],
    ['https://example.com/tasks/', 'https://example.com/tasks'],
  ],
  ALLOWED_ORIGINS: [
    ['https://a.example', ['https://a.example']],
    ['https://a.example/, http://b.example:81', ['https://a.example', 'http://b.example:81']],
    ['HTTPS://A.example:443', ['https://a.example']],
  ],
  TRUST_PROXY: [
    ['0', false],
    ['1', 1],
    ['127.0.0.1', ['127.0.0.1']],
    ['10.0.0.0/8, ::1,fd00::/8', ['10.0.0.0/8', '::1', 'fd00::/8']],
  ],
  RATE_LIMIT_REQUESTS: [
    ['1', 1],
    ['1000000000', 1_000_000_000],
  ],
  RATE_LIMIT_WINDOW: [
    ['1', 1],
    ['86400', 86_400],
  ],
  RATE_LIMIT_COUNTERS: ['shared', 'memory'].map((where) => [where, where]),
  LOG_LEVEL: [
    ['debug', 'debug'],
    ['WARN', 'warn'],
    ['silent', 'silent'],
  ],
  LOG_FILE: [['/var/log/x.log', '/var/log/x.log']],
  WORKERS: [
    ['1', 1],
    ['128', 128],
  ],
  REDIS_URL: ['redis://h:1', 'rediss://u:p@h/2'].map((url) => [url, url]),
  SMTP_URL: [
    ['smtp://mail.example.com', smtp({ host: 'mail.example.com', port: 587, requireTls: true })],
    ['smtps://u%40x:p%3A@h', smtp({ port: 465, secure: true, user: 'u@x', password: 'p:' })],
    ['smtp://u:p@h:2525/', smtp({ port: 2525, requireTls: true, user: 'u', password: 'p' })],
    ['smtp://h:25?tls=optional', smtp({ port: 25 })],
    ['smtp://localhost:1025', smtp({ host: 'localhost', port: 1025 })],
    ['smtp://127.0.0.1', smtp({ host: '127.0.0.1' })],
    ['smtp://[::1]:25', smtp({ host: '::1', port: 25 })],
    ['smtp://[2001:db8::1]', smtp({ host: '2001:db8::1', requireTls: true })],
    ['smtp://127.0.0.1.example.com', smtp({ host: '127.0.0.1.example.com', requireTls: true })],
  ],
  REQUIRE_EMAIL_VERIFICATION: [['true', true]],
  MAIL_FROM: [
    ['a@b.example', { name: '', address: 'a@b.example' }],
    ['<a@localhost>', { name: '', address: 'a@localhost' }],
    ['Donewell, the list <a+b@b.example>', { name: 'Donewell, the list', address: 'a+b@b.example' }],
  ],
  ...Object.fromEntries(ANYTHING_OF_PROVIDERS.map((name) => [name, [['a/b~+=', 'a/b~+=']]])),
  OIDC_ISSUER: [
    'https://id.example.com',
    'https://id.example.com/realms/acme/',
    'http://localhost:1',
    'http://[::1]:1',
  ].map((url) => [url, url]),
  OIDC_NAME: [
    ['Acme, Söhne', 'Acme, Söhne'],
    ['x'.repeat(40), 'x'.repeat(40)],
  ],
};

const NUMBERS = ['x', '-1', '1.5', '1e3', '0x10', '٣', '1 2', '99999999999999999999', 'NaN', '+5'];
const BAD: Partial<Record<VariableName, string[]>> = {
  DATABASE_URL: ['x', 'mysql://h/d', 'http://h/d', 'postgres', 'postgres:h', '//h/d'],
  DATABASE_DIRECT_URL: ['x', 'redis://h'],
  DATABASE_POOL_MODE: ['statement', 'x'],
  DATABASE_POOL_SIZE: [...NUMBERS, '1', '501'],
  ACCESS_TOKEN_EXPIRE_MINUTES: [...NUMBERS, '0', '525601'],
  SESSION_MAX_DAYS: [...NUMBERS, '0', '3651'],
  SIGNUP: ['none', 'x'],
  DEBUG: ['yes', 'no', '0', '1', '2', 'x'],
  HOST: ['a b', 'http://h', 'h/x', 'ä'],
  PORT: [...NUMBERS, '65536'],
  PUBLIC_URL: [
    'x',
    'example.com',
    'ftp://h',
    'https://h/?a',
    'https://h/#a',
    'https://u:p@h',
    'javascript:1',
  ],
  ALLOWED_ORIGINS: [
    '*',
    'x',
    'https://*.example.com',
    'https://a/path',
    'https://a, x',
    'ftp://a',
    'null',
    'https://a?x',
  ],
  TRUST_PROXY: [
    'x',
    'true',
    '10.0.0.0/33',
    '::/129',
    '1.2.3',
    '10.0.0.0/8/8',
    '10.0.0.0/',
    '127.0.0.1,x',
    '-1',
    'loopback',
  ],
  RATE_LIMIT_REQUESTS: [...NUMBERS, '0'],
  RATE_LIMIT_WINDOW: [...NUMBERS, '0', '86401'],
  RATE_LIMIT_COUNTERS: ['x', 'redis'],
  LOG_LEVEL: ['verbose', 'x', '30'],
  WORKERS: [...NUMBERS, '0', '129'],
  REDIS_URL: ['x', 'http://h', 'postgres://h'],
  SMTP_URL: [
    'x',
    'mail.example.com',
    'http://h',
    'smtp:h',
    'smtp://',
    'smtp://h/x',
    'smtp://h?tls=no',
    'smtp://h#x',
  ],
  REQUIRE_EMAIL_VERIFICATION: ['yes', 'x'],
  MAIL_FROM: [
    'x',
    '<x>',
    'a b',
    'a@b, c@d',
    'A <a@b',
    'A <a@b> <c@d>',
    'A <a@b>\r\nBcc: c@d',
    'A\r\nX: y <a@b>',
    '<a@b\r\n>',
  ],
  OIDC_ISSUER: [
    'x',
    'id.example.com',
    'http://id.example.com',
    'http://localhost.example.com',
    'https://u:p@id.example.com',
    'https://id.example.com/?a=b',
    'https://id.example.com/#a',
    'javascript:1',
    'file:///etc/passwd',
  ],
  OIDC_NAME: ['<b>Acme</b>', 'Acme & Co', '"Acme"', 'A\nB', 'x'.repeat(41)],
};

describe('a setting', () => {
  const settings = loadSettings({});

  it.each(Object.entries(DEFAULTS))('that is absent or empty has its default: %s', (name, value) => {
    expect(settings[name as VariableName]).toEqual(value);
    expect(loadSettings({ [name]: '' })[name as VariableName]).toEqual(value);
    expect(loadSettings({ [name]: '  ' })[name as VariableName]).toEqual(value);
  });

  it.each(Object.entries(GOOD))('may be good: %s', (name, values) => {
    for (const [raw, meaning] of values)
      expect([raw, loadSettings(together(name, raw))[name as VariableName]]).toEqual([raw, meaning]);
  });

  it.each(Object.entries(BAD))(
    'that is bad is refused in one line that names it and not the value: %s',
    (name, values) => {
      for (const raw of values) {
        const attempt = () => loadSettings(together(name, raw));
        expect(attempt, `${name}=${raw}`).toThrow(ConfigError);
        try {
          attempt();
        } catch (error) {
          const { message } = error as Error;
          expect(message).toBe(`${name} must be ${VARIABLES[name as VariableName].mustBe}.`);
          expect(message).not.toMatch(/\n/);
        }
      }
    },
  );

  it('is tried here, whichever it is', () => {
    expect(Object.keys(GOOD).sort()).toEqual(Object.keys(VARIABLES).sort());
    const ours: VariableName[] = ['DATA_DIR', 'SECRET_KEY', 'BETTER_AUTH_SECRET', 'LOG_FILE'];
    const anything = [...ours, ...ANYTHING_OF_PROVIDERS];
    const refusing = Object.keys(VARIABLES).filter((name) => !anything.includes(name as VariableName));
    expect(Object.keys(BAD).sort()).toEqual(refusing.sort());
  });
});

describe('the settings of another service to sign in with', () => {
  it('are whole or absent: half of them are refused in one line that names what is missing, and no value', () => {
    for (const set of SETS) {
      expect(() => loadSettings(set)).not.toThrow();
      for (const missing of Object.keys(set)) {
        for (const empty of [undefined, '', ' ']) {
          const half = { ...set, [missing]: empty };
          const given = Object.keys(set).find((name) => name !== missing);
          const line = `${missing} must be set together with ${given}.`;
          expect(() => loadSettings(half)).toThrow(new ConfigError(line));
        }
      }
    }
  });

  it('have a name, which does no harm alone', () => {
    expect(loadSettings({ OIDC_NAME: 'Acme' }).OIDC_NAME).toBe('Acme');
    expect(loadSettings({}).OIDC_NAME).toBe('Single sign-on');
  });
});

describe('the level of the log', () => {
  it('is info, with DEBUG debug, and always what was asked for', () => {
    expect(loadSettings({}).LOG_LEVEL).toBe('info');
    expect(loadSettings({ DEBUG: 'true' }).LOG_LEVEL).toBe('debug');
    expect(loadSettings({ DEBUG: 'true', LOG_LEVEL: 'info' }).LOG_LEVEL).toBe('info');
  });
});

describe('a .env file', () => {
  const directory = path.join(place.directory, 'env');
  beforeAll(() => mkdirSync(directory));

  it('need not be there', () => {
    expect(readEnvironment(directory, { PORT: '1' })).toEqual({ PORT: '1' });
  });

  it('is read, with a byte order mark, comments and quotes, and the environment goes before it', () => {
    writeFileSync(
      path.join(directory, '.env'),
      '\uFEFFPORT=9000\n# ours\nDEBUG="true" # yes\nexport WORKERS=3\nLOG_LEVEL=warn\n',
    );
    const settings = loadSettings(readEnvironment(directory, { WORKERS: '2' }));
    expect(settings).toMatchObject({ PORT: 9000, DEBUG: true, WORKERS: 2, LOG_LEVEL: 'warn' });
  });

  it('that cannot be read stops the start in one line', () => {
    mkdirSync(path.join(directory, 'broken/.env'), { recursive: true });
    expect(() => readEnvironment(path.join(directory, 'broken'), {})).toThrow(
      /^\.env cannot be read: [^\n]+$/,
    );
  });
});

describe('a start with a bad setting', () => {
  it.each<[env: Record<string, string>, line: RegExp]>([
    [{ PORT: 'hunter2' }, /^PORT must be a whole number from 0 to 65535\.\n$/],
    [{ DATABASE_URL: 'hunter2://x' }, /^DATABASE_URL must be a postgres:\/\/ address\.\n$/],
    [
      { DATABASE_DIRECT_URL: 'postgres://u:hunter2@127.0.0.1:1/d' },
      /^DATABASE_DIRECT_URL must be set together with DATABASE_URL\.\n$/,
    ],
    [
      { RATE_LIMIT_COUNTERS: 'memory', WORKERS: '2' },
      /^RATE_LIMIT_COUNTERS must be shared when there are several WORKERS\.\n$/,
    ],
    [{ SMTP_URL: 'smtp://u:hunter2@h' }, /^MAIL_FROM must be set together with SMTP_URL\.\n$/],
    [
      { GITHUB_CLIENT_ID: 'hunter2' },
      /^GITHUB_CLIENT_SECRET must be set together with GITHUB_CLIENT_ID\.\n$/,
    ],
    [
      { GOOGLE_CLIENT_SECRET: 'hunter2' },
      /^GOOGLE_CLIENT_ID must be set together with GOOGLE_CLIENT_SECRET\.\n$/,
    ],
    [
      { OIDC_ISSUER: 'https://id.example.com', OIDC_CLIENT_ID: 'hunter2' },
      /^OIDC_CLIENT_SECRET must be set together with OIDC_ISSUER\.\n$/,
    ],
    [{ DATA_DIR: '/proc/nothing/hunter2' }, /^DATA_DIR must be a directory that can be written: [^\n]+\n$/],
    [{ LOG_FILE: '/proc/nothing/x.log' }, /^LOG_FILE must be where a file can be written: [^\n]+\n$/],
    [{ DATA_DIR: '/dev/null/hunter2' }, /^DATA_DIR must be a directory that can be written: [^\n]+\n$/],
    [{ LOG_FILE: '/dev/null/hunter2' }, /^LOG_FILE must be where a file can be written: [^\n]+\n$/],
  ])('ends with one line and a failure: %j', async (env, line) => {
    const ended = await runScript({ env: { DATA_DIR: path.join(place.directory, 'data'), ...env } });
    expect(ended).toEqual({ code: 1, stdout: '', stderr: expect.stringMatching(line) });
    if (!('DATA_DIR' in env) && !('LOG_FILE' in env)) expect(ended.stderr).not.toContain('hunter2');
  });

  it('reads the .env of its working directory, and the environment wins', async () => {
    const cwd = path.join(place.directory, 'cwd');
    mkdirSync(cwd);
    writeFileSync(path.join(cwd, '.env'), 'WORKERS=none\nPORT=bad\n');
    const ended = await runScript({ cwd, env: { PORT: '0' } });
    expect(ended).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^WORKERS must be [^\n]+\n$/),
    });
  });
});
