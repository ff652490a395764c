// Signing in by another service: a real OpenID Connect provider on loopback, driven through its own forms.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedAccount, signIn } from './support/accounts.ts';
import { Client } from './support/client.ts';
import { type Elsewhere, PUBLIC_URL, startElsewhere } from './support/elsewhere.ts';
import { officialClient } from './support/official-client.ts';
import { arrive, type OidcProvider, type Person, Visitor } from './support/oidc.ts';
import { Judge } from './support/openapi.ts';
import { type AnyAnswer, expectProblem } from './support/problem.ts';
import { startServer, type TestServer } from './support/server.ts';
import { nextStep, seedProtected } from './support/two-factor.ts';

let elsewhere: Elsewhere;
let provider: OidcProvider;
let server: TestServer;

beforeAll(async () => {
  elsewhere = await startElsewhere();
  ({ provider, server } = elsewhere);
});
afterAll(() => elsewhere.close());

const person = (claims?: Person) => elsewhere.person(claims);

/** Signs in by the provider from beginning to end; where the browser lands. */
async function enter(name: string, input: object = {}, client = new Client(server.url)) {
  const begun = await client.post('/api/auth/providers/oidc', input);
  expect(begun.status).toBe(200);
  const back = await new Visitor(provider.issuer).signIn(begun.body.url, name);
  return { client, landed: await arrive(client, back), back };
}

describe('the other services', () => {
  it('are listed by name, and none where none is set up', async () => {
    const stranger = new Client(server.url);
    expect((await stranger.get('/api/auth/providers')).body).toEqual({
      providers: [{ id: 'oidc', name: 'Acme' }],
      sign_up: 'open',
    });
    const all = {
      GOOGLE_CLIENT_ID: 'g',
      GOOGLE_CLIENT_SECRET: 'g',
      GITHUB_CLIENT_ID: 'h',
      GITHUB_CLIENT_SECRET: 'h',
    };
    for (const [env, ids] of [
      [{}, []],
      [all, ['google', 'github']],
    ] as const) {
      const node = await startServer({ env, connection: server.connection });
      const { body } = await new Client(node.url).get('/api/auth/providers');
      expect(body.providers.map(({ id }: { id: string }) => id)).toEqual(ids);
      expectProblem(await new Client(node.url).post('/api/auth/providers/oidc', {}), 'not_found');
      await node.close();
    }
  });

  it('are asked with PKCE, state and nonce, and send people back to PUBLIC_URL', async () => {
    const { body } = await new Client(server.url).post('/api/auth/providers/oidc', {});
    const url = new URL(body.url);
    expect(url.origin).toBe(provider.issuer);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: 'code',
      client_id: 'donewell',
      scope: 'openid email profile',
      redirect_uri: `${PUBLIC_URL}/api/auth/callback/oidc`,
      state: expect.stringMatching(/^.{32}$/),
      nonce: expect.stringMatching(/^.{32}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
  });
});

describe('signing in elsewhere', () => {
  it('makes an account at first, and finds it ever after', async () => {
    const { name, email } = person();
    const { client, landed } = await enter(name);
    expect(landed.href).toBe(`${PUBLIC_URL}/`);
    const { user } = (await client.get('/api/auth/session')).body;
    expect(user).toMatchObject({ email, name: 'Ada Lovelace', email_verified: true, image: null });
    expect((await client.post('/api/tasks', { title: 'mine' })).status).toBe(201);
    const again = await enter(name);
    expect((await again.client.get('/api/auth/session')).body.user.id).toBe(user.id);
    const rows = await server.sql<{ kind: string; details: object }>(
      'select kind, details from security_event where user_id = $1 order by id',
      [user.id],
    );
    expect(rows).toEqual([
      { kind: 'signed_up', details: { method: 'oidc' } },
      { kind: 'signed_in', details: { method: 'oidc' } },
    ]);
    expect(await server.sql('select from sign_in_address where user_id = $1', [user.id])).toHaveLength(1);
  });

  it('finds it by who somebody is there, whatever the e-mail there is by now', async () => {
    const { name, email } = person();
    const first = (await (await enter(name)).client.get('/api/auth/session')).body.user;
    provider.people.set(name, { email: 'another@example.com', email_verified: false, name: 'Renamed' });
    const second = (await (await enter(name)).client.get('/api/auth/session')).body.user;
    expect(second).toMatchObject({ id: first.id, email, name: 'Ada Lovelace' });
  });

  it('keeps no token of the other service, and logs no code', async () => {
    const { name } = person();
    const { back } = await enter(name);
    const rows = await server.sql<Record<string, unknown>>(
      'select access_token, refresh_token, id_token, access_token_expires_at, scope from account where account_id like $1',
      [`%${name}`],
    );
    expect(rows).toHaveLength(1);
    expect(Object.values(rows[0] ?? {}).every((value) => value === null)).toBe(true);
    const secrets = ['code', 'state'].map((parameter) => back.searchParams.get(parameter) ?? '');
    for (const secret of secrets) {
      expect(secret).toMatch(/.{20}/);
      expect(server.logs.join('')).not.toContain(secret);
    }
    const client = await signIn(server.url, await seedAccount(server));
    for (const path of ['get-access-token', 'refresh-token', 'account-info'])
      expect((await client.post(`/api/auth/${path}`, { accountId: 'x' })).status).toBe(404);
  });

  it('takes names and pictures by the rules for those that people give themselves', async () => {
    for (const [claims, expected] of [
      [{ name: ' <img src=x onerror=alert(1)>Eve\u202E ' }, { name: 'Eve', image: null }],
      [{ name: 'x'.repeat(300) }, { name: 'x'.repeat(100) }],
      [{ name: '<script>1</script>' }, { name: expect.stringMatching(/^p-/) }],
      [
        { name: 42, picture: 'http://example.com/a.png' },
        { name: expect.stringMatching(/^p-/), image: null },
      ],
      [{ picture: 'javascript:alert(1)' }, { image: null }],
      [{ picture: 'https://example.com/ada.png' }, { image: 'https://example.com/ada.png' }],
    ] as const) {
      const { name } = person(claims as Person);
      const { user } = (await (await enter(name)).client.get('/api/auth/session')).body;
      expect(user).toMatchObject(expected);
    }
  });

  it('lands where it was told to, if that is a page of ours or of an allowed origin', async () => {
    const { name } = person();
    for (const [redirect_to, landing] of [
      ['/dashboard?tab=2', `${PUBLIC_URL}/dashboard?tab=2`],
      ['http://localhost:3000/welcome', 'http://localhost:3000/welcome'],
    ])
      expect((await enter(name, { redirect_to })).landed.href).toBe(landing);
  });

  it('is one factor: where there is a second one, a code is still to come', async () => {
    const { account } = await seedProtected(server);
    await server.sql('update "user" set email_verified = true where id = $1', [account.id]);
    const { name } = person({ email: account.email });
    const { client, landed } = await enter(name, { redirect_to: '/tasks?view=all' });
    expect(landed.href).toBe(`${PUBLIC_URL}/tasks?view=all&two_factor=required`);
    for (const [redirect_to, target] of [
      ['/?a=b#/inbox', `${PUBLIC_URL}/?a=b&two_factor=required#/inbox`],
      ['http://localhost:3000/#/inbox', 'http://localhost:3000/?two_factor=required#/inbox'],
    ])
      expect((await enter(name, { redirect_to })).landed.href).toBe(target);
    expect((await client.get('/api/auth/session')).body.session).toBeNull();
    expect((await client.get('/api/tasks')).status).toBe(401);
    const sessions = () => server.sql('select from session where user_id = $1', [account.id]);
    expect(await sessions()).toHaveLength(1);
    const code = account.authenticator.code();
    const entered = await client.post('/api/auth/two-factor', { code });
    expect([entered.status, entered.body.user?.id]).toEqual([200, account.id]);
    expect((await client.get('/api/tasks')).status).toBe(200);
    await nextStep(server, account);

    // By the official client, too.
    const { auth, jar } = officialClient(server.url, { plugins: [] });
    const { data } = await auth.signIn.social({ provider: 'oidc', callbackURL: '/#/in' });
    const arrived = await arrive(jar, await new Visitor(provider.issuer).signIn(data?.url ?? '', name));
    expect(`${arrived.search}${arrived.hash}`).toBe('?two_factor=required#/in');
    expect((await auth.getSession()).data).toBeNull();
    const verified = await jar.post('/api/auth/two-factor/verify-totp', {
      code: account.authenticator.code(),
    });
    expect(verified.status).toBe(200);
    expect((await auth.getSession()).data?.user.id).toBe(account.id);
    const rows = await server.sql<{ kind: string }>(
      `select kind from security_event where user_id = $1 and kind in ('signed_in', 'signed_out') order by id`,
      [account.id],
    );
    // At the very first, and two second steps; what was taken back between is neither.
    expect(rows).toHaveLength(3);
  });
});

describe('the official client', () => {
  it('signs in, connects, lists and disconnects', async () => {
    const { name, email } = person();
    const { auth, jar } = officialClient(server.url, { plugins: [] });
    const { data } = await auth.signIn.social({ provider: 'oidc', callbackURL: 'http://localhost:3000/in' });
    expect(data).toMatchObject({ redirect: true });
    const landed = await arrive(jar, await new Visitor(provider.issuer).signIn(data?.url ?? '', name));
    expect(landed.href).toBe('http://localhost:3000/in');
    expect((await auth.getSession()).data?.user).toMatchObject({ email, emailVerified: true });
    const listed = await auth.listAccounts();
    expect(listed.data?.map(({ providerId }) => providerId)).toEqual(['oidc']);

    const other = person();
    const linking = await auth.linkSocial({ provider: 'oidc', callbackURL: '/account' });
    expect(linking.error).toBeNull();
    const back = await new Visitor(provider.issuer).signIn(linking.data?.url ?? '', other.name);
    expect((await arrive(jar, back)).href).toBe(`${PUBLIC_URL}/account`);
    const [first, second] = (await auth.listAccounts()).data ?? [];
    expect((await auth.unlinkAccount({ accountId: first?.id ?? '' })).error).toBeNull();
    const last = await auth.unlinkAccount({ accountId: second?.id ?? '' });
    expect(last.error).toMatchObject({ status: 409, code: 'LAST_WAY_IN' });
    expect((await auth.listAccounts()).data).toHaveLength(1);
  });

  it('is refused a token of the other service in the place of a sign-in', async () => {
    const { auth } = officialClient(server.url, { plugins: [] });
    const idToken = { token: 'eyJhbGciOiJub25lIn0.e30.' };
    expect((await auth.signIn.social({ provider: 'oidc', idToken })).error).toMatchObject({
      status: 404,
      code: 'ID_TOKEN_NOT_SUPPORTED',
    });
  });
});

describe('what cannot be', () => {
  it('is said before anybody leaves: targets elsewhere, and services that are none', async () => {
    const client = new Client(server.url);
    for (const target of [
      'https://evil.example/',
      '//evil.example/',
      '/\\evil.example',
      'http://localhost:3000@evil.example/',
      'http://localhost:3000.evil.example/',
      'http://user@localhost:3000/',
      'javascript:alert(1)',
      'data:text/html,x',
      '/?error=access_denied',
      'http://localhost:3000/?two_factor=required',
    ]) {
      for (const field of ['redirect_to', 'error_redirect_to']) {
        const answer = await client.post('/api/auth/providers/oidc', { [field]: target });
        expect(expectProblem(answer, 'validation_error').errors?.[0]?.path).toBe(field);
      }
      // A name before the same host leads nowhere else; our own routes take it out all the same.
      if (target.includes('user@')) continue;
      for (const field of ['callbackURL', 'newUserCallbackURL']) {
        const { status } = await client.post('/api/auth/sign-in/social', {
          provider: 'oidc',
          [field]: target,
        });
        expect([target, [400, 403].includes(status)]).toEqual([target, true]);
      }
    }
    const long = `/${'x'.repeat(2_000)}`;
    const longest = long.slice(0, 2_000 - PUBLIC_URL.length);
    for (const field of ['redirect_to', 'error_redirect_to']) {
      // By itself, with the server's address before it, and by the spelling of what is not ASCII.
      for (const target of [long, `${longest}x`, `/${'é'.repeat(400)}`]) {
        const answer = await client.post('/api/auth/providers/oidc', { [field]: target });
        expect(expectProblem(answer, 'validation_error').errors?.[0]?.path).toBe(field);
      }
      expect((await client.post('/api/auth/providers/oidc', { [field]: longest })).status).toBe(200);
    }
    for (const field of ['callbackURL', 'newUserCallbackURL', 'errorCallbackURL']) {
      const answer = await client.post('/api/auth/sign-in/social', { provider: 'oidc', [field]: long });
      expect([field, answer.status, answer.body.code]).toEqual([field, 400, 'INVALID_CALLBACK_URL']);
    }
    const unknown = await client.post('/api/auth/sign-in/social', { provider: 'myspace' });
    expect([unknown.status, unknown.body.code]).toEqual([404, 'PROVIDER_NOT_FOUND']);
    expectProblem(await client.post('/api/auth/providers/myspace', {}), 'not_found');
    expectProblem(await client.post('/api/auth/providers/oidc', { redirect_to: 1 }), 'validation_error');
  });

  it('is a page of ours with one clear sentence, which repeats nothing', async () => {
    const client = new Client(server.url);
    for (const [query, sentence] of [
      ['error=access_denied', 'The sign-in was cancelled.'],
      ['error=%3Cscript%3E', 'The sign-in did not work. Try again.'],
      ['error=constructor&error_description=Call+0800', 'The sign-in did not work. Try again.'],
      ['error=a&error=access_denied', 'The sign-in did not work. Try again.'],
      ['', 'The sign-in did not work. Try again.'],
    ] as const) {
      const { status, text, headers } = await client.get(`/sign-in-failed?${query}`);
      expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
      expect(text).toContain(`<p>${sentence}</p>`);
      expect(text).not.toMatch(/<script>|0800/i);
    }
    expect((await client.get('/api/auth/error?error=x')).status).toBe(404);
  });
});

describe('the document', () => {
  it('says what these routes answer', async () => {
    const judge = new Judge((await new Client(server.url).get('/openapi.json')).body);
    const { name } = person();
    const { client: ada } = await enter(name);
    const bob = new Client(server.url);
    const own = (await ada.get('/api/account/connections')).body.connections[0].id;
    const walk: [method: string, path: string, run: () => Promise<AnyAnswer>, status: number][] = [
      ['GET', '/api/auth/providers', () => bob.get('/api/auth/providers'), 200],
      ['POST', '/api/auth/providers/{provider}', () => bob.post('/api/auth/providers/oidc', {}), 200],
      ['POST', '/api/auth/providers/{provider}', () => bob.post('/api/auth/providers/x', {}), 404],
      ['GET', '/api/account/connections', () => ada.get('/api/account/connections'), 200],
      ['GET', '/api/account/connections', () => bob.get('/api/account/connections'), 401],
      ['POST', '/api/account/connections', () => ada.post('/api/account/connections', {}), 422],
      [
        'POST',
        '/api/account/connections',
        () => ada.post('/api/account/connections', { provider: 'oidc' }),
        200,
      ],
      ['DELETE', '/api/account/connections/{id}', () => ada.delete('/api/account/connections/x'), 404],
      ['DELETE', '/api/account/connections/{id}', () => ada.delete(`/api/account/connections/${own}`), 409],
    ];
    for (const [method, path, run, status] of walk) {
      const answer = await run();
      expect([method, path, answer.status]).toEqual([method, path, status]);
      judge.expectDocumented(method, path, { ...answer, body: answer.text ?? '' } as never);
    }
  });
});
