// The profile: what its owner sees and changes, by the same rules as at sign-up.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedClient } from './support/accounts.ts';
import { Client, signUp } from './support/client.ts';
import { expectProblem } from './support/problem.ts';
import { startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let ada: Awaited<ReturnType<typeof seedClient>>;

beforeAll(async () => {
  server = await startServer();
  ada = await seedClient(server);
});
afterAll(() => server.close());

describe('GET /api/account', () => {
  it('tells the owner what is known, and no hash or token', async () => {
    const fresh = await signUp(server.url);
    const { status, body } = await fresh.get('/api/account');
    expect(status).toBe(200);
    expect(body).toEqual({
      ...fresh.user,
      time_zone: null,
      two_factor_enabled: false,
    });
  });

  it('tells a stranger nothing', async () => {
    expectProblem(await new Client(server.url).get('/api/account'), 'unauthenticated');
    expectProblem(await new Client(server.url).patch('/api/account', { name: 'Eve' }), 'unauthenticated');
  });
});

describe('PATCH /api/account', () => {
  it('changes what is given and leaves what is not', async () => {
    const before = (await ada.get('/api/account')).body;
    const image = 'https://example.com/ada.png';
    const changes = { name: 'Ada Byron', image, time_zone: 'Europe/London' };
    const { status, body } = await ada.patch('/api/account', changes);
    expect(status).toBe(200);
    expect(body).toEqual({ ...before, ...changes, updated_at: body.updated_at });
    expect(body.updated_at > before.updated_at).toBe(true);
    expect((await ada.get('/api/account')).body).toEqual(body);
    expect((await ada.get('/api/auth/session')).body.user).toMatchObject({ name: 'Ada Byron', image });

    const cleared = (await ada.patch('/api/account', { image: null, time_zone: null })).body;
    expect(cleared).toMatchObject({ name: 'Ada Byron', image: null, time_zone: null });
    expect((await ada.patch('/api/account', { image, time_zone: 'UTC' })).status).toBe(200);
    expect((await ada.patch('/api/account', { image: '', time_zone: '' })).body).toMatchObject({
      image: null,
      time_zone: null,
    });
  });

  it('cleans a name as sign-up does', async () => {
    const { body } = await ada.patch('/api/account', {
      name: '  <script>alert(1)</script>O’Brien & <Sons> \u202e ',
    });
    expect(body.name).toBe('O’Brien & <Sons>');
  });

  it('moves updated_at by a change alone, and then always', async () => {
    const before = (await ada.patch('/api/account', { name: 'Same' })).body;
    for (const nothing of [{}, { name: 'Same' }, { name: ' Same ' }, { image: before.image }])
      expect((await ada.patch('/api/account', nothing)).body).toEqual(before);
    const times = await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const { body } = await ada.patch('/api/account', { name: `Name ${index}` });
        return body.updated_at as string;
      }),
    );
    expect(new Set(times).size).toBe(8);
    expect(times.every((time) => time > before.updated_at)).toBe(true);
  });

  it('ignores what is not for a client to say', async () => {
    const before = (await ada.get('/api/account')).body;
    const { status, body } = await ada.patch('/api/account', {
      id: 'x',
      email: 'other@example.com',
      email_verified: true,
      two_factor_enabled: true,
      created_at: '2000-01-01T00:00:00.000Z',
      user_id: 'x',
    });
    expect([status, body]).toEqual([200, before]);
  });

  it('names every field that it refuses, and changes none', async () => {
    const before = (await ada.get('/api/account')).body;
    const answer = await ada.patch('/api/account', {
      name: '<script>x</script>',
      image: 'http://example.com/a.png',
      time_zone: 'PST',
    });
    expect(expectProblem(answer, 'validation_error').errors?.map(({ path }) => path)).toEqual([
      'name',
      'image',
      'time_zone',
    ]);
    const types = await ada.patch('/api/account', { name: 7, image: false, time_zone: [] });
    expect(
      expectProblem(types, 'validation_error')
        .errors?.map(({ path }) => path)
        .sort(),
    ).toEqual(['image', 'name', 'time_zone']);
    expect((await ada.get('/api/account')).body).toEqual(before);
  });

  it.each([
    ['name', ['', ' ', 'x'.repeat(101), null]],
    [
      'image',
      [
        'javascript:alert(1)',
        '//example.com/a.png',
        'data:image/png;base64,AA',
        'https://example.com/"onerror',
        `https://example.com/${'a'.repeat(500)}`,
        'https://',
      ],
    ],
    ['time_zone', ['Mars/Olympus', '+02:00', 'SystemV/PST8PDT', 'IST', 'Europe/Paris; drop', 'x'.repeat(65)]],
  ])('refuses bad values of %s', async (field, values) => {
    for (const value of values) {
      const answer = await ada.patch('/api/account', { [field]: value });
      expect([value, answer.status]).toEqual([value, 422]);
      expect(expectProblem(answer, 'validation_error').errors?.map(({ path }) => path)).toEqual([field]);
    }
  });

  it('takes whatever zone the dashboard takes, the odd ones included', async () => {
    for (const zone of ['europe/paris', 'CET', 'Etc/GMT+5', 'America/Argentina/Buenos_Aires', 'UTC']) {
      expect((await ada.patch('/api/account', { time_zone: zone })).body.time_zone).toBe(zone);
      expect((await ada.get(`/api/dashboard/overview?tz=${encodeURIComponent(zone)}`)).status).toBe(200);
    }
  });

  it('takes JSON alone, and an object', async () => {
    expectProblem(
      await ada.request('PATCH', '/api/account', {
        body: '{',
        headers: { 'content-type': 'application/json' },
      }),
      'malformed_json',
    );
    expectProblem(
      await ada.request('PATCH', '/api/account', {
        body: 'name=x',
        headers: { 'content-type': 'text/plain' },
      }),
      'unsupported_media_type',
    );
    expectProblem(await ada.patch('/api/account', []), 'validation_error');
    expectProblem(await ada.patch('/api/account', null), 'validation_error');
  });

  it('is refused to a foreign page with a cookie, and open to a bearer', async () => {
    const foreign = { headers: { origin: 'https://evil.example' } };
    expectProblem(await ada.patch('/api/account', { name: 'Eve' }, foreign), 'unauthorized_access');
    const bearer = new Client(server.url);
    bearer.bearer = ada.accessToken;
    expect((await bearer.patch('/api/account', { name: 'Countess' }, foreign)).body.name).toBe('Countess');
  });

  it('tells the trail and the log which fields, once for each change, and no value', async () => {
    const eve = await seedClient(server);
    await eve.patch(
      '/api/account',
      { name: 'Quite Secret', time_zone: 'Asia/Tokyo' },
      { headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' } },
    );
    await eve.patch('/api/account', { name: 'Quite Secret' });
    await eve.patch('/api/account', { name: '' });
    const rows = await server.sql(
      `select kind, address, user_agent, session_id, details from security_event where user_id = $1 and kind = 'profile_changed'`,
      [eve.account.id],
    );
    expect(rows).toEqual([
      {
        kind: 'profile_changed',
        address: '127.0.0.1',
        user_agent: expect.stringContaining('Firefox'),
        session_id: eve.session.id,
        details: { fields: ['name', 'time_zone'] },
      },
    ]);
    const lines = server.logs
      .map((line) => JSON.parse(line))
      .filter(({ event, user }) => event === 'profile_changed' && user === eve.account.id);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      msg: 'security event',
      session: eve.session.id.slice(0, 8),
      details: { fields: ['name', 'time_zone'] },
    });
    expect(server.logs.join('')).not.toContain('Quite Secret');
  });
});
