// Idempotency-Key: the refusal of a body that is too large to be read is an answer like others.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { signUp } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let ada: Awaited<ReturnType<typeof signUp>>;
let key: string;

beforeAll(async () => {
  server = await startServer();
  ada = await signUp(server.url);
});
afterAll(() => server.close());
beforeEach(() => {
  key = randomUUID();
});

describe('a body that is too large', () => {
  it('413 is kept of a body in chunks, too', async () => {
    const chunks = () => {
      const body = new Blob(['x'.repeat(100_000)]).stream();
      const headers = { authorization: `Bearer ${ada.accessToken}`, 'idempotency-key': key };
      return fetch(`${server.url}/api/tasks`, {
        method: 'POST',
        headers,
        body,
        duplex: 'half',
      } as RequestInit);
    };
    const [first, again] = [await chunks(), await chunks()];
    expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([413, null]);
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([413, 'true']);
    expect(await again.text()).toBe(await first.text());
  });

  it('413 is 422 under a used key or a bad one, and as ever without one', async () => {
    const large = (headers: Record<string, string>) =>
      ada.request('POST', '/api/tasks', { json: { title: 'x'.repeat(70_000) }, headers });
    expect(
      (
        await ada.request('POST', '/api/tasks', {
          json: { title: 'Used' },
          headers: { 'idempotency-key': key },
        })
      ).status,
    ).toBe(201);
    expect((await large({ 'idempotency-key': key })).body.code).toBe('idempotency_key_reused');
    expect((await large({ 'idempotency-key': 'not visible' })).body.code).toBe('validation_error');
    expect((await large({})).body.code).toBe('payload_too_large');
  });
});
