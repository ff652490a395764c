// Where the letters send people: every address in every one of them is a page that is there.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Letters } from '../src/auth/links/letters.ts';
import { textOf } from '../src/mail/letter.ts';
import { Client } from './support/client.ts';
import { startServer, type TestServer } from './support/server.ts';

const TO = { userId: 'an id', email: 'ada@example.com' };
const OTHER = 'other@example.com';
const TOKEN = 'a-token';

type Kind = Exclude<keyof Letters, symbol>;
const EVERY: { [Name in Kind]: (letters: Letters) => ReturnType<Letters[Name]> } = {
  passwordReset: (letters) => letters.passwordReset(TO, TOKEN, undefined),
  verification: (letters) => letters.verification(TO, TOKEN),
  emailChange: (letters) => letters.emailChange(TO, TOKEN, 60),
  emailChangeApproval: (letters) => letters.emailChangeApproval(TO, OTHER, TOKEN, 60),
  emailChangeAsked: (letters) => letters.emailChangeAsked(TO, OTHER),
  emailChanged: (letters) => letters.emailChanged(TO, OTHER),
  passwordChanged: (letters) => letters.passwordChanged(TO),
  wayInChanged: (letters) => letters.wayInChanged(TO, 'A passkey was added to'),
  addressInUse: (letters) => letters.addressInUse(TO),
};

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

describe('every address is a page of the web app', () => {
  it.each(Object.entries(EVERY))('in the letter %s', async (_kind, write) => {
    const addresses = textOf(write(new Letters(server.url))).match(/https?:\/\/[^\s,]+[^\s,.:;]/g) ?? [];
    expect(addresses).not.toEqual([]);
    for (const address of addresses) {
      const { pathname } = new URL(address);
      const { status, text } = await new Client(server.url).get(pathname);
      expect([address, status, text.includes('<div id="app">')]).toEqual([address, 200, true]);
    }
  });
});
