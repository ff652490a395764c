// Where other services send people back to: a name of a provider and nothing else, whatever URLs make of it.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PASSWORD, signUp } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';
import { sendOne } from './support/wire.ts';

let server: TestServer;
let email: string;

beforeAll(async () => {
  server = await startServer();
  ({ email } = (await signUp(server.url)).user);
});
afterAll(() => server.close());

it.each([
  String.raw`..\sign-in\email`,
  String.raw`%2e%2e\sign-in\email`,
  String.raw`.%2e\sign-in\email`,
  String.raw`x\..\..\sign-in\email`,
  '..%5csign-in%5cemail',
  '..',
])('%s leads to no other endpoint, past the limits of its door', async (name) => {
  const body = JSON.stringify({ email, password: PASSWORD });
  const head = [
    `POST /api/auth/callback/${name} HTTP/1.1`,
    'Host: x',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ];
  const answer = await sendOne(server.url, `${head.join('\r\n')}\r\n\r\n${body}`);
  // As every return that fails; with the right password the endpoint behind it would have answered with a cookie.
  expect([answer.status, answer.headers['set-cookie']]).toEqual([302, undefined]);
  expect(answer.headers.location).toMatch(/\/sign-in-failed\?error=\w+$/);
});
