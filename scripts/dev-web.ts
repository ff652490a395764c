// `npm run dev:web`: the web app with hot reload on port 5173, in front of a server on port 8000 (or at SERVER_URL).
import { createServer } from 'vite';
import { webBundle } from './web-bundle.ts';

const target = process.env.SERVER_URL ?? 'http://localhost:8000';
// To the server the page is its own: another origin would not be let in.
const headers = { origin: new URL(target).origin };
const pass = { target, changeOrigin: true, headers };

const server = await createServer({
  ...webBundle,
  base: '/',
  logLevel: 'info',
  server: {
    port: 5_173,
    proxy: {
      '/api': pass,
      '/docs': pass,
      '/health': pass,
      '/openapi.json': pass,
      '/socket.io': { ...pass, ws: true },
    },
  },
});
await server.listen();
server.printUrls();
