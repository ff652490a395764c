// The service worker: keeps the files of the app, so that it opens without a network. It never touches the API.
import { WEB_PAGES } from '../contract/pages.ts';

interface WorkerEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface WorkerFetchEvent extends WorkerEvent {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Worker {
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: 'install' | 'activate', listener: (event: WorkerEvent) => void): void;
  addEventListener(type: 'fetch', listener: (event: WorkerFetchEvent) => void): void;
}

// The build writes the list here.
const shell = JSON.parse('__SHELL__') as { version: string; files: string[] };
const CACHE = `donewell-${shell.version}`;
const pages: readonly string[] = WEB_PAGES;

const worker = self as unknown as Worker;
const scope = worker.registration.scope;
const addresses = new Set(shell.files.map((file) => new URL(file, scope).href));

/** The new files beside the old ones: an open page may still ask for its own. */
async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  await cache.addAll([...addresses].map((address) => new Request(address, { cache: 'reload' })));
  await worker.skipWaiting();
}

async function activate(): Promise<void> {
  const names = (await caches.keys()).filter((name) => name.startsWith('donewell-') && name !== CACHE);
  await Promise.all(names.map((name) => caches.delete(name)));
  await worker.clients.claim();
}

/** Pages come from the network while there is one, so that a new version shows at once. */
async function page(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch {
    return (await caches.match(scope, { ignoreVary: true })) ?? Response.error();
  }
}

async function file(request: Request): Promise<Response> {
  return (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
}

worker.addEventListener('install', (event) => event.waitUntil(install()));
worker.addEventListener('activate', (event) => event.waitUntil(activate()));
worker.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || !request.url.startsWith(scope)) return;
  const name = request.url
    .slice(scope.length)
    .replace(/[?#].*$/, '')
    .replace(/\/$/, '');
  if (request.mode === 'navigate') {
    if (pages.includes(name)) event.respondWith(page(request));
  } else if (name !== '' && addresses.has(request.url)) {
    event.respondWith(file(request));
  }
});
