// How the server serves the web app: types, caching, compression, and nothing but its own addresses.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WEB_PAGES } from '../contract/pages.ts';
import { Client } from './support/client.ts';
import { expectProblem } from './support/problem.ts';
import { startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let client: Client;
let assets: string[];

beforeAll(async () => {
  server = await startServer();
  client = new Client(server.url);
  const { text } = await client.get('/');
  assets = [...text.matchAll(/"\.(\/assets\/[^"]+)"/g)].map(([, name]) => name ?? '');
});
afterAll(() => server?.close());

describe('the web app', () => {
  it.each([...WEB_PAGES.map((page) => `/${page}`), '/trash/', '/account/tokens/'])(
    'is one document at %s',
    async (path) => {
      const { status, headers, text } = await client.get(path);
      expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
        200,
        'text/html; charset=utf-8',
        'no-cache',
      ]);
      expect(text).toContain('<div id="app">');
      expect(text).not.toMatch(/<script>|<style|style="/);
    },
  );

  it.each([
    ['/trash/', '../'],
    ['/account/tokens', '../'],
    ['/account/tokens/?x=/y/', '../../'],
  ])('points up as far as its address is down: %s', async (path, up) => {
    const { text } = await client.get(path);
    expect(text).toContain(`data-root="${up}"`);
    expect(text).toContain(`src="${up}assets/`);
    expect(text).not.toContain('"./');
    expect((await client.get('/')).text).not.toContain('data-root');
  });

  it.each([
    ['/sw.js', 'text/javascript; charset=utf-8'],
    ['/theme.js', 'text/javascript; charset=utf-8'],
    ['/style.css', 'text/css; charset=utf-8'],
    ['/manifest.webmanifest', 'application/manifest+json'],
    ['/icon.svg', 'image/svg+xml'],
    ['/icon-192.png', 'image/png'],
    ['/favicon.ico', 'image/x-icon'],
    ['/robots.txt', 'text/plain; charset=utf-8'],
  ])('has %s, which is asked for again each time', async (path, type) => {
    const { status, headers } = await client.get(path);
    expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
      200,
      type,
      'no-cache',
    ]);
  });

  it('has hashed files that are kept for good', async () => {
    expect(assets.length).toBeGreaterThanOrEqual(2);
    for (const asset of assets) {
      const { status, headers } = await client.get(asset);
      expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
    }
  });

  it('names what its scripts import as scripts: browsers keep what is preloaded apart from what a service worker hands out', async () => {
    const { text } = await client.get('/');
    expect(text).not.toContain('preload');
    const scripts = assets.filter((name) => name.endsWith('.js'));
    const imported = await Promise.all(
      scripts.map(async (name) =>
        (await client.get(name)).text.match(/(?<=(?:from|import)\s*["']\.\/)[^"']+/g),
      ),
    );
    const names = imported.flatMap((found) => found ?? []).map((name) => `/assets/${name}`);
    expect(names.length).toBeGreaterThan(0);
    expect(scripts).toEqual(expect.arrayContaining(names));
  });

  it('answers HEAD, and 304 to who has it', async () => {
    const { headers, text } = await client.get('/');
    const etag = headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[\w-]+"$/);
    const again = await client.get('/', { headers: { 'if-none-match': etag } });
    expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag]);
    const head = await client.request('HEAD', '/');
    expect([head.status, head.text]).toEqual([200, '']);
    expect(text.length).toBeGreaterThan(0);
  });

  it.each([
    ['br', 'br'],
    ['gzip, deflate', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['br;q=0, gzip', 'gzip'],
    ['identity', null],
  ])('is compressed for who takes %s', async (accepted, encoding) => {
    const answer = await fetch(server.url, { headers: { 'accept-encoding': accepted } });
    expect([answer.headers.get('content-encoding'), answer.headers.get('vary')]).toEqual([
      encoding,
      'Origin, Accept-Encoding',
    ]);
    expect(await answer.text()).toContain('<div id="app">');
  });

  it.each([
    '/nowhere',
    '/trash/x',
    '/account/x',
    '/account/tokens/x',
    '/assets/nothing.js',
    '/assets/',
    '/api/nothing',
    '/.stamp',
    '/index',
    '/assets/../../package.json',
  ])('is not at %s', async (path) => {
    expectProblem(await client.get(path), 'not_found');
  });

  it('leaves /api its JSON', async () => {
    expect((await client.get('/api')).body.name).toBe('Donewell');
  });
});
