// `npm run demo` beside a running server: an account whose pages and charts have something to show, every time anew.
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { signIn } from './support/accounts.ts';
import { signUp } from './support/client.ts';
import { expectRecount } from './support/overview.ts';
import { dataDirectory, type RunningServer, runScript, startProcess } from './support/process.ts';

const SCRIPT = path.resolve(import.meta.dirname, '../scripts/demo.ts');
const place = dataDirectory();
const env = {
  DATA_DIR: path.join(place.directory, 'data'),
  DEMO_PASSWORD: 'a year of tasks',
  RATE_LIMIT_REQUESTS: '1000000',
};
let server: RunningServer;

beforeAll(async () => {
  server = await startProcess({ env });
});
afterAll(async () => {
  await server.stop();
  place.remove();
});

it('makes an account that can sign in, with dashboards that equal a recount, also a second time', async () => {
  for (const removed of ['', 'The old demo@example.com and its tasks were removed.\n']) {
    const { code, stdout, stderr } = await runScript({ script: SCRIPT, env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.startsWith(`${removed}Filling demo@example.com`)).toBe(true);
    expect(stdout).toMatch(
      /At http:\/\/localhost:8000, sign in with demo@example\.com and the password a year of tasks\n$/,
    );
  }
  // A password that is refused is so before the old account is gone.
  const refused = await runScript({ script: SCRIPT, env: { ...env, DEMO_PASSWORD: 'short' } });
  expect(refused).toEqual({
    code: 1,
    stdout: '',
    stderr: 'DEMO_PASSWORD must be at least 8 characters long.\n',
  });
  const account = { id: '', email: 'demo@example.com', password: env.DEMO_PASSWORD };
  const client = await signIn(server.url, account);
  const overview = await expectRecount(client, 'UTC', 366);
  for (const kind of ['overdue', 'today', 'next_7_days', 'later', 'no_date'])
    expect([kind, overview.due[kind]]).toEqual([kind, expect.toSatisfy((count: number) => count > 0)]);
});

it('leaves an account with that address alone that it has not made', async () => {
  const { directory, remove } = dataDirectory();
  const other = { ...env, DATA_DIR: path.join(directory, 'data') };
  const server = await startProcess({ env: other });
  try {
    const owner = await signUp(server.url, 'demo@example.com');
    const refused = await runScript({ script: SCRIPT, env: other });
    expect([refused.code, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toMatch(
      /^There is an account demo@example\.com that this command has not made[^\n]+\n$/,
    );
    expect((await owner.get('/api/auth/session')).body.user.email).toBe('demo@example.com');
  } finally {
    await server.stop();
    remove();
  }
});

it('takes no options, and says so before anything happens', async () => {
  const { code, stdout, stderr } = await runScript({ script: SCRIPT, args: ['--help'], env });
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^npm run demo takes no options[^\n]+\n$/);
});
