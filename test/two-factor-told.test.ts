// The second factor beside its routes: what the trail of security events has of it, and what the document says.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedClient } from './support/accounts.ts';
import { Client, PASSWORD } from './support/client.ts';
import { Judge } from './support/openapi.ts';
import { type AnyAnswer, expectProblem } from './support/problem.ts';
import { startServer, type TestServer } from './support/server.ts';
import { Authenticator, nextStep, seedProtected } from './support/two-factor.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

describe('the trail of security events', () => {
  it('has what happened to the second factor, and no code', async () => {
    const { account, client } = await seedProtected(server);
    const second = new Client(server.url);
    const { email, password } = account;
    expectProblem(await second.post('/api/auth/login', { email, password }), 'two_factor_required');
    await second.post('/api/auth/two-factor', { code: account.authenticator.wrong() });
    await second.post('/api/auth/two-factor', { recovery_code: account.recoveryCodes[0] });
    const proof = () => ({ password: PASSWORD, code: account.authenticator.code() });
    await client.post('/api/account/two-factor/recovery-codes', proof());
    await nextStep(server, account);
    await client.delete('/api/account/two-factor', { json: proof() });
    const rows = await server.sql<{ kind: string; address: string; details: object }>(
      'select kind, address, details from security_event where user_id = $1 order by id',
      [account.id],
    );
    const kinds = rows.map(({ kind }) => kind);
    expect(kinds.filter((kind) => /two_factor|recovery/.test(kind))).toEqual([
      'two_factor_enabled',
      'two_factor_failed',
      'recovery_code_used',
      'recovery_codes_renewed',
      'two_factor_disabled',
    ]);
    const entries = rows.filter(({ kind }) => kind === 'signed_in').map(({ details }) => details);
    expect(entries.at(-1)).toEqual({ method: 'recovery_code' });
    for (const { kind, address, details } of rows)
      expect([address, kind === 'signed_in' ? {} : details]).toEqual(['127.0.0.1', {}]);
  });
});

describe('a wrong code', () => {
  it('of a factor that is still being set up is told as a slip, and not as an attack', async () => {
    const ada = await seedClient(server);
    const { body } = await ada.post('/api/account/two-factor', { password: PASSWORD });
    const authenticator = new Authenticator(body.otpauth_uri);
    const wrong = await ada.post('/api/account/two-factor/confirm', { code: authenticator.wrong() });
    expectProblem(wrong, 'validation_error');
    const right = await ada.post('/api/account/two-factor/confirm', { code: authenticator.code() });
    expect(right.status).toBe(200);
    const { events } = (await ada.get('/api/account/events')).body;
    const kinds = events.map(({ kind }: { kind: string }) => kind);
    expect(kinds.slice(0, 2)).toEqual(['two_factor_enabled', 'two_factor_code_mistyped']);
    expect(kinds).not.toContain('two_factor_failed');
  });
});

describe('the document', () => {
  it('says what these routes answer', async () => {
    const judge = new Judge((await new Client(server.url).get('/openapi.json')).body);
    const ada = await seedClient(server);
    const { email } = ada.account;
    const bob = new Client(server.url);
    let authenticator = new Authenticator('otpauth://totp/x:y?secret=AAAAAAAA');
    const begin = async () => {
      const answer = await ada.post('/api/account/two-factor', { password: PASSWORD });
      authenticator = new Authenticator(answer.body.otpauth_uri);
      return answer;
    };
    const code = (steps = 0) => ({ code: authenticator.code(steps) });
    const proof = (steps: number) => ({ password: PASSWORD, ...code(steps) });
    const login = () => bob.post('/api/auth/login', { email, password: PASSWORD });
    const walk: [method: string, path: string, run: () => Promise<AnyAnswer>, status: number][] = [
      ['GET', '/api/account/two-factor', () => ada.get('/api/account/two-factor'), 200],
      ['GET', '/api/account/two-factor', () => bob.get('/api/account/two-factor'), 401],
      ['POST', '/api/account/two-factor', () => ada.post('/api/account/two-factor', {}), 422],
      ['POST', '/api/account/two-factor', begin, 200],
      [
        'POST',
        '/api/account/two-factor/confirm',
        () => ada.post('/api/account/two-factor/confirm', code()),
        200,
      ],
      [
        'POST',
        '/api/account/two-factor/confirm',
        () => ada.post('/api/account/two-factor/confirm', code()),
        409,
      ],
      ['POST', '/api/auth/login', login, 401],
      ['POST', '/api/auth/two-factor', () => bob.post('/api/auth/two-factor', code()), 401],
      ['POST', '/api/auth/two-factor', () => bob.post('/api/auth/two-factor', code(1)), 200],
      [
        'POST',
        '/api/account/two-factor/recovery-codes',
        () => ada.post('/api/account/two-factor/recovery-codes', proof(0)),
        422,
      ],
      [
        'POST',
        '/api/account/two-factor/recovery-codes',
        () =>
          nextStep(server, ada.account).then(() =>
            ada.post('/api/account/two-factor/recovery-codes', proof(0)),
          ),
        200,
      ],
      [
        'DELETE',
        '/api/account/two-factor',
        () => ada.delete('/api/account/two-factor', { json: proof(1) }),
        200,
      ],
    ];
    for (const [method, path, run, status] of walk) {
      const answer = await run();
      expect([method, path, answer.status]).toEqual([method, path, status]);
      judge.expectDocumented(method, path, { ...answer, body: answer.text ?? '' } as never);
    }
  });
});
