// What stands at / and /api: a page that says where everything is, and the same as JSON.
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { operation } from './docs.ts';
import { VERSION } from './server.ts';

const Welcome = Type.Object({
  name: Type.Literal('Donewell'),
  version: Type.String(),
  message: Type.String(),
  links: Type.Record(Type.String(), Type.String()),
});

const LINKS = {
  docs: '/docs',
  openapi: '/openapi.json',
  health: '/health',
  tasks: '/api/tasks',
  dashboard: '/api/dashboard/stats',
  session: '/api/auth/session',
};

const webDirectory = new URL('../../web/', import.meta.url);

export function welcomeRoutes(app: FastifyInstance): void {
  const page = readFileSync(new URL('index.html', webDirectory), 'utf8');
  const style = readFileSync(new URL('style.css', webDirectory), 'utf8');
  app.get('/', async (_request, reply) => reply.type('text/html; charset=utf-8').send(page));
  app.get('/style.css', async (_request, reply) => reply.type('text/css; charset=utf-8').send(style));

  const welcome = operation({
    id: 'getWelcome',
    tag: 'Health',
    summary: 'Where everything is',
    answers: { 200: Welcome },
  });
  app.get('/api', { schema: welcome }, async () => ({
    name: 'Donewell' as const,
    version: VERSION,
    message: 'Welcome. The documentation is at /docs.',
    links: LINKS,
  }));
}
