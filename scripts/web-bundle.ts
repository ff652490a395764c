// How the web app is bundled, for the build and for the development server alike: relative addresses, JSX for Preact.
import path from 'node:path';
import type { InlineConfig, Plugin } from 'vite';

export const ROOT = path.resolve(import.meta.dirname, '..');
export const WEB_SOURCES = path.join(ROOT, 'web');
export const WEB_OUTPUT = path.join(ROOT, 'dist/web');
export const DEVELOPMENT_CACHE = path.join(ROOT, 'dist/vite');

/**
 * What the app imports is fetched beside it, as scripts of the page: a preload would do the same, but browsers keep what
 * they preload apart from what a service worker hands out, load it twice, and complain.
 */
const importsBeside: Plugin = {
  name: 'imports-beside',
  transformIndexHtml: {
    order: 'post',
    handler: (_html, { chunk }) =>
      (chunk?.imports ?? []).map((file) => ({
        tag: 'script',
        attrs: { type: 'module', crossorigin: true, src: `./${file}` },
        injectTo: 'head',
      })),
  },
};

export const webBundle = {
  configFile: false,
  root: WEB_SOURCES,
  // Works below any path of a proxy.
  base: './',
  logLevel: 'error',
  plugins: [importsBeside],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: {
      input: {
        app: path.join(WEB_SOURCES, 'index.html'),
        sw: path.join(WEB_SOURCES, 'service-worker.ts'),
        beside: path.join(WEB_SOURCES, 'styles/beside.css'),
      },
      output: {
        // Pages that the server writes know it by this name.
        assetFileNames: ({ names }) =>
          names.includes('beside.css') ? 'style.css' : 'assets/[name]-[hash][extname]',
        entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js'),
      },
    },
  },
} satisfies InlineConfig;
