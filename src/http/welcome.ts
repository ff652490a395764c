// What stands at /api: where everything is, as JSON.
import type { FastifyInstance } from 'fastify';
import { Welcome } from '../../contract/service.ts';
import { operation } from './docs.ts';
import { VERSION } from './server.ts';

const LINKS = {
  docs: '/docs',
  openapi: '/openapi.json',
  asyncapi: '/asyncapi.json',
  health: '/health',
  tasks: '/api/tasks',
  dashboard: '/api/dashboard/stats',
  session: '/api/auth/session',
};

export function welcomeRoutes(app: FastifyInstance): void {
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
