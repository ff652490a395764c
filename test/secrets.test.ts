// The two secrets: generated once, taken when given, and refused where an unsafe one would matter.
import { readFileSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError, loadSettings } from '../src/config.ts';
import { loadSecrets } from '../src/secrets.ts';
import { dataDirectory, runScript, spawnScript } from './support/process.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const NAMES = ['SECRET_KEY', 'BETTER_AUTH_SECRET'] as const;
const GOOD = {
  SECRET_KEY: 'q3T8vLx0ZpW5sNk2YbR7mUe1HcJ9aGdF',
  BETTER_AUTH_SECRET: '0f9e8d7c6b5a49382716f5e4d3c2b1a0',
};
const FOREIGN = { DATABASE_URL: 'postgres://u:p@127.0.0.1:1/d' };
const place = dataDirectory();
let count = 0;
const fresh = () => path.join(place.directory, `data-${count++}`);

afterAll(() => place.remove());

const load = (env: Record<string, string>) => loadSecrets(loadSettings(env));

describe('with the private database', () => {
  it('secrets are generated once, long, different, and readable by nobody else', () => {
    const DATA_DIR = fresh();
    const { secretKey, betterAuthSecret } = load({ DATA_DIR });
    expect(secretKey.length).toBeGreaterThanOrEqual(43);
    expect(betterAuthSecret.length).toBeGreaterThanOrEqual(43);
    expect(secretKey).not.toBe(betterAuthSecret);
    expect(load({ DATA_DIR })).toEqual({ secretKey, betterAuthSecret });
    for (const name of ['secret-key.txt', 'better-auth-secret.txt']) {
      const { mode } = statSync(path.join(DATA_DIR, name));
      expect([name, (mode & 0o777).toString(8)]).toEqual([name, '600']);
    }
    expect(load({ DATA_DIR: fresh() }).secretKey).not.toBe(secretKey);
  });

  it('given ones are used, however short, and not written down', () => {
    const DATA_DIR = fresh();
    expect(load({ DATA_DIR, SECRET_KEY: 'a', BETTER_AUTH_SECRET: 'b' })).toEqual({
      secretKey: 'a',
      betterAuthSecret: 'b',
    });
    expect(() => readFileSync(path.join(DATA_DIR, 'secret-key.txt'))).toThrow(/ENOENT/);
  });

  it('the one that Better Auth refuses is refused at the start', () => {
    const secret = 'better-auth-secret-12345678901234567890';
    expect(() => load({ DATA_DIR: fresh(), BETTER_AUTH_SECRET: secret })).toThrow(ConfigError);
  });

  it.each(['x', `1:${'s3cret'.repeat(8)}`])(
    'others that Better Auth would take in the place of ours are refused: BETTER_AUTH_SECRETS=%s',
    (BETTER_AUTH_SECRETS) => {
      expect(() => load({ DATA_DIR: fresh(), BETTER_AUTH_SECRETS })).toThrow(ConfigError);
      expect(() => load({ DATA_DIR: fresh(), BETTER_AUTH_SECRETS })).toThrow(
        /^BETTER_AUTH_SECRETS must not be set: [^\n]*$/,
      );
    },
  );

  it('nor are origins that only Better Auth would know', () => {
    const BETTER_AUTH_TRUSTED_ORIGINS = 'https://evil.example';
    expect(() => load({ DATA_DIR: fresh(), BETTER_AUTH_TRUSTED_ORIGINS })).toThrow(
      /^BETTER_AUTH_TRUSTED_ORIGINS must not be set: [^\n]*ALLOWED_ORIGINS[^\n]*$/,
    );
  });

  it('one that has been damaged is not replaced silently: every session would end', () => {
    const DATA_DIR = fresh();
    load({ DATA_DIR });
    truncateSync(path.join(DATA_DIR, 'secret-key.txt'), 0);
    expect(() => load({ DATA_DIR })).toThrow(/^DATA_DIR must be [^\n]*secret-key\.txt is damaged[^\n]*$/);
  });

  it('ten processes that start at once agree', async () => {
    const DATA_DIR = fresh();
    const made = await Promise.all(Array.from({ length: 10 }, async () => load({ DATA_DIR })));
    expect(new Set(made.map(({ secretKey }) => secretKey)).size).toBe(1);
  });
});

describe('with a database of one’s own', () => {
  const EXAMPLES = [
    'change-me-change-me-change-me-change-me',
    'changeme-q3T8vLx0ZpW5sNk2YbR7mUe1HcJ9',
    'your-secret-key-here-at-least-32-characters',
    'your_super_secret_key_that_is_long_enough',
    'please-replace-this-value-with-your-own-one',
    'example-example-example-example-example',
    'this-is-a-placeholder-for-a-real-secret-value',
    'password1234567890password1234567890',
    'better-auth-secret-1234567890abcdefghij',
    'BETTER_AUTH_SECRET_0123456789_0123456789',
    'default-0123456789-abcdefghijklmnopqr',
    'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    '01010101010101010101010101010101010101010',
    'abcabcabcabcabcabcabcabcabcabcabcabcabc',
  ];

  it.each(NAMES)('a missing, short or example secret is refused: %s', (name) => {
    const { [name]: _left, ...others } = GOOD;
    const refused = (value: string | undefined) => {
      try {
        load({ ...FOREIGN, ...others, ...(value === undefined ? {} : { [name]: value }) });
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
        const { message } = error as Error;
        expect(message).toMatch(new RegExp(`^${name} is (missing|too short|an example value): [^\\n]+\\.$`));
        if (value) expect(message).not.toContain(value);
        return message.slice(name.length + 4, message.indexOf(':'));
      }
      return 'accepted';
    };
    expect(refused(undefined)).toBe('missing');
    expect(refused('')).toBe('missing');
    expect(refused('   ')).toBe('missing');
    expect(refused(GOOD[name].slice(0, 31))).toBe('too short');
    expect(refused('x')).toBe('too short');
    for (const example of EXAMPLES)
      expect([example, refused(example)]).toEqual([example, 'an example value']);
    expect(refused(GOOD[name])).toBe('accepted');
    expect(refused(GOOD[name].slice(0, 32))).toBe('accepted');
    // Somebody's own words, however bad: what is an example is not theirs to guess.
    expect(refused('test-secret-key-at-least-32-characters-long')).toBe('accepted');
  });

  it('random ones as openssl and node make them are never taken for examples', () => {
    for (let index = 0; index < 2000; index++) {
      const bytes = crypto.getRandomValues(new Uint8Array(36));
      for (const SECRET_KEY of [Buffer.from(bytes).toString('base64'), Buffer.from(bytes).toString('hex')])
        expect(load({ ...FOREIGN, ...GOOD, SECRET_KEY }).secretKey).toBe(SECRET_KEY);
    }
  });

  it('the examples that come with the project are refused', () => {
    const text = readFileSync(path.join(ROOT, '.env.example'), 'utf8');
    for (const name of NAMES) {
      const example = new RegExp(`^#?${name}=(.+)$`, 'm').exec(text)?.[1] ?? '';
      expect(example.length).toBeGreaterThanOrEqual(32);
      expect(() => load({ ...FOREIGN, ...GOOD, [name]: example })).toThrow(/is an example value/);
    }
  });

  it('DEBUG=true generates what is missing and takes what is given', () => {
    const DATA_DIR = fresh();
    const { secretKey, betterAuthSecret } = load({
      ...FOREIGN,
      DATA_DIR,
      DEBUG: 'true',
      SECRET_KEY: 'short',
    });
    expect(secretKey).toBe('short');
    expect(betterAuthSecret.length).toBeGreaterThanOrEqual(43);
    expect(load({ ...FOREIGN, DATA_DIR, DEBUG: 'true' }).betterAuthSecret).toBe(betterAuthSecret);
  });

  it('the server itself refuses, in one line, before it touches anything', async () => {
    const DATA_DIR = fresh();
    const ended = await runScript({ env: { ...FOREIGN, DATA_DIR, SECRET_KEY: GOOD.SECRET_KEY } });
    expect(ended).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^BETTER_AUTH_SECRET is missing: [^\n]+\n$/),
    });
    expect(() => statSync(DATA_DIR)).toThrow(/ENOENT/);
  });

  it('the server starts with good ones, and then waits for the database', async () => {
    const server = spawnScript({ env: { ...FOREIGN, ...GOOD, DATA_DIR: fresh() } });
    try {
      await expect.poll(() => server.stdout(), { timeout: 30_000 }).toContain('cannot be reached');
      expect(server.stdout() + server.stderr()).not.toContain(GOOD.SECRET_KEY);
    } finally {
      server.kill('SIGTERM');
      expect(await server.exited).toBe(0);
    }
  });
});
