// How the web app is bundled, for the build and for the development server alike: relative addresses, JSX for Preact.
import path from 'node:path';
import type { InlineConfig } from 'vite';

export const ROOT = path.resolve(import.meta.dirname, '..');
export const WEB_SOURCES = path.join(ROOT, 'web');
export const WEB_OUTPUT = path.join(ROOT, 'dist/web');
export const DEVELOPMENT_CACHE = path.join(ROOT, 'dist/vite');

export const webBundle = {
  configFile: false,
  root: WEB_SOURCES,
  // Works below any path of a proxy.
  base: './',
  logLevel: 'error',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { app: path.join(WEB_SOURCES, 'index.html'), sw: path.join(WEB_SOURCES, 'service-worker.ts') },
      output: {
        entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js'),
      },
    },
  },
} satisfies InlineConfig;
