// The web app at /: the built files, held in memory with their tags and their compressed forms, and nothing else of the disk.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { WEB_PAGES } from '../../contract/pages.ts';
import { isNotModified } from './conditional.ts';
import { readingPage } from './page.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
  '.ico': 'image/x-icon',
  '.txt': 'text/plain; charset=utf-8',
};
/** Already compressed, or too small to be worth it. */
const UNCOMPRESSED = new Set(['.png', '.woff2']);
const YEAR = 'public, max-age=31536000, immutable';
const ASK_FIRST = 'no-cache';
const NOT_BUILT = readingPage('./', {
  title: 'Not built yet',
  lead: 'The API is running. The web app is not built yet.',
  content: `      <p>Run <code>npm run build:web</code>, or start with <code>npm start</code>, which does it by itself, and load this page again.</p>
      <p><a href="docs">API documentation</a></p>`,
});

interface Asset {
  type: string;
  caching: string;
  etag: string;
  plain: Buffer;
  /** By the name of the encoding. */
  encoded: Partial<Record<'br' | 'gzip', Buffer>>;
}

const builtDirectory = fileURLToPath(new URL('../../dist/web/', import.meta.url));
const publicDirectory = fileURLToPath(new URL('../../web/public/', import.meta.url));
const stylesDirectory = fileURLToPath(new URL('../../web/styles/', import.meta.url));
/** What style.css is built from. */
const STYLES = ['tokens.css', 'base.css', 'door.css', 'beside.css'];

function assetOf(name: string, plain: Buffer): Asset {
  const extension = path.extname(name);
  const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
  const caching = name.startsWith('/assets/') ? YEAR : ASK_FIRST;
  const type = TYPES[extension] ?? 'application/octet-stream';
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
  const encoded = UNCOMPRESSED.has(extension)
    ? {}
    : { br: brotliCompressSync(plain, quality), gzip: gzipSync(plain, { level: 9 }) };
  return { type, caching, etag, plain, encoded };
}

function assetsIn(directory: string): Map<string, Asset> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !entry.name.startsWith('.'),
  );
  return new Map(
    files.map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      const name = `/${path.relative(directory, file).split(path.sep).join('/')}`;
      return [name, assetOf(name, readFileSync(file))];
    }),
  );
}

/** What is served where the app was never built: a page that says so, and the looks of the pages beside it, in the system's own type. */
function readUnbuilt(): Map<string, Asset> {
  const page = assetOf('/index.html', Buffer.from(NOT_BUILT));
  if (!existsSync(publicDirectory)) return new Map([['/index.html', page]]);
  const style = STYLES.map((name) => readFileSync(path.join(stylesDirectory, name), 'utf8'))
    .join('')
    .replace(/@font-face\s*{[^}]*}|@import[^;]*;/g, '');
  return new Map([
    ...assetsIn(publicDirectory),
    ['/index.html', page],
    ['/style.css', assetOf('/style.css', Buffer.from(style))],
  ]);
}

/** For `/trash/` or `/account/tokens`: so many steps down, relative addresses need as many up. */
function stepsDown(page: Asset, steps: number): Asset {
  if (steps === 0) return page;
  const up = '../'.repeat(steps);
  const html = page.plain
    .toString('utf8')
    .replace('<html ', `<html data-root="${up}" `)
    .replaceAll('"./', `"${up}`);
  return assetOf('/index.html', Buffer.from(html));
}

function encodingFor(request: FastifyRequest, { encoded }: Asset): 'br' | 'gzip' | undefined {
  const accepted = request.headers['accept-encoding'] ?? '';
  const takes = (name: string) =>
    new RegExp(`(^|[,\\s])${name}(?!\\s*;\\s*q=0(\\.0*)?\\s*(,|$))\\s*(,|;|$)`).test(accepted);
  return (['br', 'gzip'] as const).find((name) => encoded[name] !== undefined && takes(name));
}

function sendAsset(request: FastifyRequest, reply: FastifyReply, asset: Asset): FastifyReply {
  const encoding = encodingFor(request, asset);
  const etag = encoding ? asset.etag.replace(/"$/, `-${encoding}"`) : asset.etag;
  reply.headers({ 'cache-control': asset.caching, etag, vary: 'Origin, Accept-Encoding' });
  if (isNotModified(request.headers['if-none-match'], etag)) return reply.code(304).send();
  if (encoding) reply.header('content-encoding', encoding);
  return reply.type(asset.type).send(encoding ? asset.encoded[encoding] : asset.plain);
}

export function webAppRoutes(app: FastifyInstance): void {
  const isBuilt = existsSync(path.join(builtDirectory, 'index.html'));
  const assets = isBuilt ? assetsIn(builtDirectory) : readUnbuilt();
  const page = assets.get('/index.html');
  if (!page) return;
  const pages = [0, 1, 2].map((steps) => stepsDown(page, steps));
  for (const address of WEB_PAGES) {
    app.get(`/${address}`, { schema: { hide: true } }, (request, reply) => {
      const [path = ''] = request.url.split('?');
      return sendAsset(request, reply, pages[path.split('/').length - 2] ?? page);
    });
  }
  for (const [name, asset] of assets)
    app.get(name, { schema: { hide: true } }, (request, reply) => sendAsset(request, reply, asset));
}
