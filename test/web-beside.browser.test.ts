// The pages beside the app: what stands at an address that nobody serves, after a failed sign-in, and about errors.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedClient } from './support/accounts.ts';
import { Client } from './support/client.ts';
import { type PathProxy, startPathProxy } from './support/path-proxy.ts';
import { expectProblem } from './support/problem.ts';
import { LOOKS, openStage, REFUSED, violations } from './support/stage.ts';
import type { VisitorOptions } from './support/web.ts';

/** Below a path of a proxy, which the documents have to know of. */
const stage = openStage({ PUBLIC_URL: 'http://todo.example.com/todo' });
let proxy: PathProxy;

beforeAll(async () => {
  proxy = await startPathProxy(stage.server().url, '/todo');
});
afterAll(() => proxy?.close());

const PAGES = [
  ['nonsense', 'Nothing is here'],
  ['sign-in-failed?error=access_denied', 'Not signed in'],
  ['docs/errors', 'Errors'],
] as const;
const MORE_ADDRESSES = [
  ['foo/bar', 'Nothing is here'],
  ['foo/bar/', 'Nothing is here'],
  ['assets/none.js', 'Nothing is here'],
  ['100%', 'That address is broken'],
  ['sign-in-failed/?error=x', 'Not signed in'],
  ['docs/errors/', 'Errors'],
] as const;

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';
const get = (path: string, accept: string, method = 'GET') =>
  new Client(stage.server().url).request(method, path, { headers: { accept } });

/** The face and the ground of a page. */
const LOOK_OF_PAGE = `(async () => {
  const face = '600 40px "Source Serif 4 Variable"';
  await document.fonts.load(face);
  const { color, fontFamily, fontWeight } = getComputedStyle(document.querySelector('h1'));
  const { backgroundColor } = getComputedStyle(document.documentElement);
  return [backgroundColor, color, fontFamily, fontWeight, document.fonts.check(face)];
})()`;

/** Opens it below the path of the proxy; `missing` are the files that were not found. */
async function open(address: string, title: string, options: VisitorOptions) {
  const { page } = await stage.stranger({ ...options, expected: REFUSED });
  const missing: string[] = [];
  page.on('response', (answer) => {
    if (answer.status() >= 400 && !answer.request().isNavigationRequest()) missing.push(answer.url());
  });
  await page.goto(`${proxy.url}${address}`);
  await page.getByRole('heading', { name: title }).waitFor();
  return { page, missing };
}

/** The way back, and whether the door looks as the page did. */
async function goBack(page: Page): Promise<void> {
  const here = await page.evaluate(LOOK_OF_PAGE);
  await page.getByRole('link', { name: 'Donewell' }).click();
  await page.getByRole('heading', { name: 'Welcome back' }).waitFor();
  expect(page.url()).toBe(proxy.url);
  expect(await page.evaluate(LOOK_OF_PAGE)).toEqual(here);
}

describe.each(LOOKS)('on %s, below a path of a proxy', (_name, look) => {
  it.each(PAGES)('%s looks as the door does, for everybody, and leads back', async (address, title) => {
    const { page, missing } = await open(address, title, look);
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await goBack(page);
    expect(missing).toEqual([]);
  });
});

it.each(MORE_ADDRESSES)('finds its looks and the way back at %s, too', async (address, title) => {
  const { page, missing } = await open(address, title, {});
  await goBack(page);
  expect(missing).toEqual([]);
});

describe('below the path', () => {
  it('are the links of the welcome', async () => {
    const { body } = await new Client(proxy.url.replace(/\/$/, '')).get('/api');
    const origin = new URL(proxy.url).origin;
    for (const link of Object.values<string>(body.links).filter((each) => !each.includes('/api/')))
      expect([link, (await fetch(`${origin}${link}`)).status]).toEqual([link, 200]);
    expect(body.links.tasks).toBe('/todo/api/tasks');
    expect(body.message).toContain(body.links.docs);
  });

  it('is the address of a new task', async () => {
    const client = await seedClient(stage.server());
    const { headers, body } = await client.post('/api/tasks', { title: 'Below' });
    expect(headers.get('location')).toBe(`/todo/api/tasks/${body.id}`);
  });
});

describe('the pages beside the app', () => {
  it('are in the light that was chosen here', async () => {
    const { page } = await stage.stranger({ light: 'light', expected: REFUSED });
    await page.evaluate("localStorage.setItem('donewell.theme', 'dark')");
    await page.goto(`${stage.server().url}/nonsense`);
    expect(await page.evaluate('getComputedStyle(document.documentElement).colorScheme')).toBe('dark');
  });

  it('lead from the documentation to the errors, and from there back, below the path', async () => {
    const { page } = await stage.stranger();
    await page.goto(`${proxy.url}docs`);
    await page.getByRole('link', { name: 'all of them' }).waitFor();
    const below = (href: string | null) => new URL(href ?? '', proxy.url).pathname;
    const links = page.locator('.information-container a, .opblock-tag-section a');
    const hrefs = await links.evaluateAll((found) =>
      found.map((link) => (link as unknown as { getAttribute(name: string): string }).getAttribute('href')),
    );
    expect(hrefs.map(below)).toEqual(expect.arrayContaining(['/todo/docs/errors', '/todo/asyncapi.json']));
    await page.goto(`${proxy.url}docs/errors#stale`);
    await page.getByRole('link', { name: 'API documentation' }).click();
    await page.getByRole('link', { name: 'all of them' }).waitFor();
  });
});

describe('an address that nobody serves', () => {
  it.each([
    ['a browser', BROWSER],
    ['who wants HTML', 'text/html'],
    ['who wants HTML rather', 'application/json;q=0.5, text/html'],
  ])('is a page for %s, with its status', async (_who, accept) => {
    const { status, headers, text } = await get('/nonsense', accept);
    expect([status, headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
    expect(headers.get('vary')).toMatch(/(^|, )Accept(,|$)/);
    expect(headers.get('content-security-policy')).toContain("script-src 'self';style-src 'self'");
    expect(text).not.toMatch(/<script>|<style|style="/);
  });

  it.each([
    ['who takes anything', '*/*'],
    ['who wants JSON', 'application/json'],
    ['who wants problems', 'application/problem+json'],
    ['who takes JSON as well as HTML', 'text/html, application/json'],
    ['who refuses HTML', 'text/html;q=0, */*'],
    ['who says nothing understandable', ';;q=,text/html;q=x'],
  ])('is a problem for %s', async (_who, accept) => {
    const answer = await get('/nonsense', accept);
    expectProblem(answer, 'not_found');
    expect(answer.headers.get('vary')).toMatch(/(^|, )Accept(,|$)/);
  });

  it.each(['/health', '/health/live/', '/openapi.json', '/asyncapi.json?x'])(
    'is a problem for everybody where the address is for programs: %s',
    async (path) => {
      const answer = await get(path, BROWSER, 'POST');
      expectProblem(answer, 'method_not_allowed');
      expect(answer.headers.get('vary') ?? '').not.toContain('Accept');
    },
  );

  it.each(['/api/nonsense', '/api', '/api/tasks', '/%61pi/nonsense', '/api/100%', '/socket.io/x'])(
    'is never a page below the API: %s',
    async (path) => {
      const { headers } = await get(path, BROWSER);
      expect(headers.get('content-type')).toMatch(/json/);
      expect(headers.get('vary') ?? '').not.toContain('Accept');
    },
  );

  it('repeats nothing of what was asked', async () => {
    const { text } = await get('/%3Cb%3E<b>nonsense"?x=<script>1</script>', BROWSER);
    expect(text).toContain('Nothing is here');
    expect(text).not.toMatch(/nonsense|<b>|<script>/);
  });

  it('makes no page that is much longer than its address', async () => {
    const long = await get(`/${'a/'.repeat(4_000)}`, BROWSER);
    expect([long.status, long.text.length < 8_000]).toEqual([404, true]);
  });
});

describe('a page that is asked for in a wrong way', () => {
  it('says so, with the methods that there are', async () => {
    const { status, headers, text } = await get('/trash', BROWSER, 'POST');
    expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
    expect(text).toContain('POST is not possible here; use GET, HEAD, OPTIONS.');
    expectProblem(await get('/trash', '*/*', 'POST'), 'method_not_allowed');
  });
});

describe('what browsers and robots ask for unasked', () => {
  it('is there: an icon in three sizes, and the wish to be left alone', async () => {
    const icon = await fetch(`${stage.server().url}/favicon.ico`);
    const bytes = Buffer.from(await icon.arrayBuffer());
    expect([icon.status, icon.headers.get('content-type')]).toEqual([200, 'image/x-icon']);
    expect([bytes.readUInt16LE(2), bytes.readUInt16LE(4)]).toEqual([1, 3]);
    const robots = await get('/robots.txt', '*/*');
    expect([robots.status, robots.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
    expect(robots.text).toContain('User-agent: *\nAllow: /$\nDisallow: /\n');
  });
});
