// `npm run build:web`: builds the web app into dist/web, unless what is there was made from these very sources.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, WEB_OUTPUT, webBundle } from './web-bundle.ts';

const INGREDIENTS = [
  'web',
  'client',
  'contract',
  'scripts/build-web.ts',
  'scripts/web-bundle.ts',
  'package-lock.json',
];
const STAMP = '.stamp';
/** What only others ask for: the worker itself, the pages beside the app, old browsers, and those who list the web. */
const NOT_OF_THE_APP = new Set(['sw.js', 'style.css', 'favicon.ico', 'robots.txt']);

function filesIn(ingredient: string): string[] {
  const entries = readdirSync(path.join(ROOT, ingredient), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

function hashOfSources(): string {
  const files = INGREDIENTS.filter((ingredient) => existsSync(path.join(ROOT, ingredient))).flatMap(
    (ingredient) => (path.extname(ingredient) === '' ? filesIn(ingredient) : [path.join(ROOT, ingredient)]),
  );
  const hash = createHash('sha256');
  for (const file of files.sort()) hash.update(`${path.relative(ROOT, file)}\0`).update(readFileSync(file));
  return hash.digest('hex');
}

function stampOf(directory: string): string | undefined {
  const file = path.join(directory, STAMP);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/** The service worker keeps these files: their names, and a version that changes whenever one of them does. */
function listShell(directory: string, hash: string): void {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !NOT_OF_THE_APP.has(entry.name))
    .map(
      (entry) =>
        `./${path.relative(directory, path.join(entry.parentPath, entry.name)).replaceAll('\\', '/')}`,
    )
    .filter((file) => file !== './index.html');
  const worker = path.join(directory, 'sw.js');
  const code = readFileSync(worker, 'utf8');
  const shell = JSON.stringify({ version: hash.slice(0, 16), files: ['./', ...files.sort()] });
  const complete = code.replace(/["'`]__SHELL__["'`]/, () => JSON.stringify(shell));
  if (complete === code) throw new Error('The service worker has no place for the list of its files.');
  writeFileSync(worker, complete);
}

/** Puts the finished directory in its place. Of two that build at once the last wins, with the same files. */
function putInPlace(staging: string): void {
  const old = `${WEB_OUTPUT}-old-${randomBytes(4).toString('hex')}`;
  if (existsSync(WEB_OUTPUT)) {
    try {
      renameSync(WEB_OUTPUT, old);
    } catch {
      // Another build moved it first.
    }
  }
  try {
    renameSync(staging, WEB_OUTPUT);
  } catch (error) {
    // Another build put its own there in between: the same sources make the same files.
    if (stampOf(WEB_OUTPUT) !== stampOf(staging)) throw error;
    rmSync(staging, { recursive: true, force: true });
  }
  rmSync(old, { recursive: true, force: true });
}

/** Says nothing and does nothing when dist/web is up to date. */
export async function buildWeb(): Promise<void> {
  const hash = hashOfSources();
  if (stampOf(WEB_OUTPUT) === hash) return;
  const { build } = await import('vite').catch(() => ({ build: undefined }));
  if (!build) {
    if (existsSync(WEB_OUTPUT)) return;
    process.stderr.write('The web app is not built: vite is not installed here. The API works without it.\n');
    return;
  }
  // Whoever asks (a test run, say) must not leave a development build behind.
  const environment = process.env.NODE_ENV;
  process.env.NODE_ENV = 'production';
  const staging = `${WEB_OUTPUT}-${randomBytes(4).toString('hex')}`;
  try {
    await build({ ...webBundle, build: { ...webBundle.build, outDir: staging, emptyOutDir: false } });
    listShell(staging, hash);
    writeFileSync(path.join(staging, STAMP), hash);
    putInPlace(staging);
  } finally {
    if (environment === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = environment;
    rmSync(staging, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await buildWeb();
