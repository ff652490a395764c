// A page that puts texts into itself in every way that pages do, touches all that appears, and tells on harm.

import type { Browser, BrowserContext, Frame, Page } from 'playwright-core';

const ORIGIN = 'http://page.test';

/** Runs in the browser, in each frame. `pwned` is the test's; everything that might be clobbered is kept first. */
const SCRIPT = `
'use strict';
const all = Element.prototype.querySelectorAll;
const click = HTMLElement.prototype.click;
const focus = HTMLElement.prototype.focus;
const append = Element.prototype.append;
const requestSubmit = HTMLFormElement.prototype.requestSubmit;
const tell = (what) => window.pwned(what);
window.alert = () => tell('script ran');
window.pageButton = () => tell('pressed a button of the page');

customElements.define('page-p', class extends HTMLParagraphElement {
  connectedCallback() { if (this.hasAttribute('is')) tell('made an element of the page'); }
}, { extends: 'p' });

const EVENTS = ['mouseover', 'mouseenter', 'mousemove', 'mouseout', 'mouseleave', 'mousedown', 'mouseup', 'dblclick',
  'contextmenu', 'auxclick', 'wheel', 'pointerover', 'pointerenter', 'pointerdown', 'pointerup', 'touchstart',
  'touchend', 'keydown', 'keypress', 'keyup', 'focus', 'focusin', 'blur', 'focusout', 'beforeinput', 'input', 'change',
  'invalid', 'submit', 'reset', 'select', 'toggle', 'beforetoggle', 'close', 'cancel', 'command', 'drag', 'dragstart',
  'drop', 'copy', 'cut', 'paste', 'scroll', 'scrollend', 'resize', 'load', 'error', 'abort', 'loadstart', 'canplay',
  'play', 'animationstart', 'animationend', 'transitionend', 'start', 'bounce', 'finish', 'begin', 'end', 'repeat'];

const PARENTS = ['div', 'p', 'span', 'li', 'td', 'a', 'pre', 'label', 'option', 'table', 'tr', 'select', 'button',
  'template', 'body'];

/** The ways to put a text into a page: each makes a node to append. */
const WAYS = [
  ...PARENTS.map((name) => (text) => {
    const parent = document.createElement(name);
    parent.innerHTML = text;
    if (name === 'template') return parent.content.cloneNode(true);
    return parent;
  }),
  (text) => {
    const first = document.createElement('div');
    first.innerHTML = text;
    const second = document.createElement('div');
    second.innerHTML = first.innerHTML;
    const third = document.createElement('td');
    third.innerHTML = second.innerHTML;
    return third;
  },
  (text) => {
    const parent = document.createElement('div');
    const child = document.createElement('span');
    append.call(parent, child);
    for (const where of ['beforebegin', 'afterbegin', 'beforeend', 'afterend']) child.insertAdjacentHTML(where, text);
    return parent;
  },
  (text) => {
    const parsed = new DOMParser().parseFromString(text, 'text/html');
    const parent = document.createElement('div');
    append.call(parent, ...parsed.head.childNodes, ...parsed.body.childNodes);
    const again = document.createElement('div');
    again.innerHTML = parent.innerHTML;
    append.call(parent, again);
    return parent;
  },
  (text) => {
    const parent = document.createElement('div');
    if (parent.setHTMLUnsafe) parent.setHTMLUnsafe(text);
    return parent;
  },
  (text) => document.createRange().createContextualFragment(text),
  (text) => {
    const parent = document.createElement('div');
    // A page's own template, and after the text another one, clean too, that waits for an open quote or tag.
    const other = 'x" onclick=alert(1) x="\\' onclick=alert(1) x=\\'';
    parent.innerHTML = '<ul><li title="x">' + text + '</li><li><p>' + other + '</p></li></ul>';
    return parent;
  },
];

const attempt = (action) => { try { action(); } catch {} };

function touch(element) {
  for (const name of EVENTS) {
    attempt(() => element.dispatchEvent(new Event(name, { bubbles: true, cancelable: true })));
  }
  attempt(() => focus.call(element));
  if (element instanceof HTMLElement) attempt(() => click.call(element));
  else element.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }));
  if (element instanceof HTMLDetailsElement) element.open = !element.open;
  // The key Enter in a line of input.
  if (element instanceof HTMLInputElement && element.form) attempt(() => requestSubmit.call(element.form));
  if (element.shadowRoot) touchAll(element.shadowRoot);
}

function touchAll(root) {
  for (const element of root.querySelectorAll('*')) touch(element);
}

/** Puts the text into the page in one of the ways, or in all of them. */
function show(text, ways) {
  for (const way of ways === 'one' ? WAYS.slice(0, 1) : WAYS) {
    const stage = document.createElement('div');
    let node;
    attempt(() => { node = way(text); });
    if (!node) continue;
    append.call(stage, node);
    append.call(document.documentElement.lastElementChild, stage);
    for (const element of all.call(stage, '*')) touch(element);
    for (const name of ['querySelector', 'getElementById', 'createElement', 'addEventListener']) {
      if (typeof document[name] !== 'function') tell('hid document.' + name);
    }
    if (ways !== 'one') attempt(() => stage.remove());
  }
}
`;

const FRAME = `<!doctype html><title>page</title><script>${SCRIPT}</script><body>
<button id=page-button onclick="pageButton()">page</button><form id=page-form action=/submitted></form>`;

/** One text for each frame, or a list of them. */
export type Load = string | readonly string[];

/** What happened in each frame: nothing at all, if the texts were harmless. */
export type Harm = readonly string[];

/**
 * Shows every load in a frame of its own and returns, in their order, what harm it did there: scripts that ran,
 * requests, navigations, new windows, dialogs. The pages have no content security policy.
 */
export async function harms(
  browser: Browser,
  loads: readonly Load[],
  ways: 'one' | 'all',
): Promise<readonly Harm[]> {
  const size = 50;
  const pages = Array.from({ length: Math.ceil(loads.length / size) }, (_, i) => i);
  const found: Harm[][] = pages.map(() => []);
  // Two pages at a time: each context has a process of its own.
  const lane = async () => {
    for (let i = pages.shift(); i !== undefined; i = pages.shift()) {
      found[i] = await harmsOfPage(browser, loads.slice(i * size, (i + 1) * size), ways);
    }
  };
  await Promise.all([lane(), lane()]);
  return found.flat();
}

async function harmsOfPage(browser: Browser, loads: readonly Load[], ways: string): Promise<Harm[]> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const found = loads.map(() => new Set<string>());
  const frames: Frame[] = [];
  const tell = (frame: Frame | null, what: string) => {
    for (let at = frame; at; at = at.parentFrame()) {
      const set = found[frames.indexOf(at)];
      if (set) return set.add(what);
    }
    // Nobody's in particular: everybody's.
    for (const set of found) set.add(what);
    return undefined;
  };
  await context.exposeBinding('pwned', ({ frame }, what: string) => void tell(frame, what));
  await page.route('**/*', async (route) => {
    const { pathname, origin } = new URL(route.request().url());
    if (origin === ORIGIN && pathname === '/') {
      const list = loads.map((_, i) => `<iframe src="/frame/${i}"></iframe>`).join('');
      return route.fulfill({ contentType: 'text/html', body: `<!doctype html>${list}` });
    }
    if (origin === ORIGIN && pathname.startsWith('/frame/') && frames.length === 0) {
      return route.fulfill({ contentType: 'text/html', body: FRAME });
    }
    return route.abort();
  });
  await page.goto(ORIGIN, { waitUntil: 'load' });
  const inOrder = page.frames().filter((frame) => frame !== page.mainFrame());
  inOrder.sort((a, b) => Number(a.url().split('/').at(-1)) - Number(b.url().split('/').at(-1)));
  frames.push(...inOrder);
  if (frames.length !== loads.length) throw new Error(`${frames.length} frames for ${loads.length} loads`);
  listen(context, page, tell);
  await Promise.all(
    loads.map((load, i) => {
      const texts = JSON.stringify(typeof load === 'string' ? [load] : load);
      const run = frames[i]?.evaluate(`for (const text of ${texts}) show(text, ${JSON.stringify(ways)})`);
      // A frame that navigates away ends its script: that is heard as a navigation.
      return run?.catch((error: Error) => tell(frames[i] ?? null, `ended: ${error.message.split('\n')[0]}`));
    }),
  );
  // A refresh after 0 seconds, and what loads late.
  await page.waitForTimeout(400);
  await context.close();
  return found.map((set) => [...set]);
}

function listen(
  context: BrowserContext,
  page: Page,
  tell: (frame: Frame | null, what: string) => void,
): void {
  page.on('request', (request) => tell(request.frame(), `request of ${request.url()}`));
  page.on('websocket', (socket) => tell(null, `socket to ${socket.url()}`));
  page.on('framenavigated', (frame) => tell(frame, `navigation to ${frame.url()}`));
  page.on('frameattached', (frame) => tell(frame, 'a frame'));
  page.on('download', (download) => tell(null, `download of ${download.url()}`));
  page.on('dialog', (dialog) => {
    tell(null, `dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  context.on('page', () => tell(null, 'a window'));
}
