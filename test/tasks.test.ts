// A task's life over real HTTP.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signUp } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let ada: Awaited<ReturnType<typeof signUp>>;

beforeAll(async () => {
  server = await startServer();
  ada = await signUp(server.url);
});
afterAll(() => server.close());

describe('creating a task', () => {
  it('answers 201 with the task, its address and its version', async () => {
    const { status, headers, body } = await ada.post('/api/tasks', {
      title: 'Buy milk',
      priority: 'HIGH',
      category: 'home',
      due_date: '2026-12-31',
    });
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/api/tasks/${body.id}`);
    expect(headers.get('etag')).toBe(`"${body.rev}"`);
    expect(body).toEqual({
      id: expect.any(Number),
      title: 'Buy milk',
      description: null,
      status: false,
      category: 'home',
      priority: 3,
      due_date: '2026-12-31',
      completed_at: null,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updated_at: body.created_at,
      user_id: ada.user.id,
      rev: expect.any(Number),
    });
    expect((await ada.get(`/api/tasks/${body.id}`)).body).toEqual(body);
  });
});
