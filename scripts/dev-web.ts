// `npm run dev:web`: the web app with hot reload, in front of a server that runs already (at SERVER_URL, by default port 8000).
import { pathToFileURL } from 'node:url';
import { createServer, type Plugin, type ViteDevServer } from 'vite';
import { DEVELOPMENT_CACHE, webBundle } from './web-bundle.ts';

/** Or the next that is free; DEV_PORT names another. */
const PORT = 5_173;

/** Here the app is at the top; its pages below `/account/` must find that. */
const atTheTop: Plugin = {
  name: 'at-the-top',
  transformIndexHtml: {
    order: 'pre',
    handler: (html) => html.replace('<html ', '<html data-root="/" ').replaceAll('"./', '"/'),
  },
};

/** Serves the sources of the web app, and hands on to `target` what the app asks of its server. */
export async function serveSources(target: string): Promise<ViteDevServer> {
  // To the server the page is its own: another origin would not be let in.
  const headers = { origin: new URL(target).origin };
  const pass = { target, changeOrigin: true, headers };
  const vite = await createServer({
    ...webBundle,
    base: '/',
    plugins: [atTheTop],
    cacheDir: DEVELOPMENT_CACHE,
    logLevel: 'warn',
    clearScreen: false,
    server: {
      port: Number(process.env.DEV_PORT ?? PORT),
      proxy: {
        '/api': pass,
        '/docs': pass,
        '/health': pass,
        '/openapi.json': pass,
        '/socket.io': { ...pass, ws: true },
      },
    },
  });
  return vite.listen();
}

export function addressOf({ resolvedUrls }: ViteDevServer): string {
  return resolvedUrls?.local[0] ?? '';
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const target = process.env.SERVER_URL ?? 'http://localhost:8000';
  const vite = await serveSources(target);
  process.stdout.write(`The web app with hot reload, in front of ${target}:\n  web   ${addressOf(vite)}\n`);
}
