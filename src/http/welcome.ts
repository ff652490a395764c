// What stands at /api: where everything is, as JSON.
import type { FastifyInstance } from 'fastify';
import { Welcome } from '../../contract/service.ts';
import { publicPathOf } from '../config.ts';
import { operation } from './docs.ts';
import { VERSION } from './server.ts';

const linksBelow = (path: string) => ({
  docs: `${path}/docs`,
  openapi: `${path}/openapi.json`,
  asyncapi: `${path}/asyncapi.json`,
  health: `${path}/health`,
  tasks: `${path}/api/tasks`,
  dashboard: `${path}/api/dashboard/stats`,
  session: `${path}/api/auth/session`,
});

export function welcomeRoutes(app: FastifyInstance, publicUrl: string): void {
  const links = linksBelow(publicPathOf(publicUrl));
  const welcome = operation({
    id: 'getWelcome',
    tag: 'Health',
    summary: 'Where everything is',
    answers: { 200: Welcome },
  });
  app.get('/api', { schema: welcome }, async () => ({
    name: 'Donewell' as const,
    version: VERSION,
    message: `Welcome. The documentation is at ${links.docs}.`,
    links,
  }));
}
