// Whether the service works: with its database for readiness, without for liveness.
import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { Health, Liveness } from '../../contract/service.ts';
import type { Database } from '../database/database.ts';
import { read } from '../database/statement.ts';
import { operation } from './docs.ts';
import { VERSION } from './server.ts';

/** Milliseconds after which a silent database counts as unreachable. */
const PATIENCE = 3_000;

const ping = read<{ one: number }>('health_ping', 'select 1 as one');

async function answers(database: Database): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const impatience = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), PATIENCE);
  });
  const answer = database.read(ping, []).then(
    () => true,
    () => false,
  );
  return Promise.race([answer, impatience]).finally(() => clearTimeout(timer));
}

export function healthNow(connected: boolean): Static<typeof Health> {
  return {
    status: connected ? 'healthy' : 'unhealthy',
    api: 'running',
    database: connected ? 'connected' : 'unreachable',
    version: VERSION,
    uptime_seconds: Math.floor(process.uptime()),
  };
}

export function healthRoutes(app: FastifyInstance, database: Database): void {
  const schema = operation({
    id: 'getHealth',
    tag: 'Health',
    summary: 'Is the service ready?',
    answers: { 200: Health, 503: Health },
  });
  app.get('/health', { schema }, async (_request, reply) => {
    const connected = await answers(database);
    return reply
      .code(connected ? 200 : 503)
      .headers(connected ? {} : { 'retry-after': '2' })
      .send(healthNow(connected));
  });
  const live = operation({
    id: 'getLiveness',
    tag: 'Health',
    summary: 'Does the process live?',
    answers: { 200: Liveness },
  });
  app.get('/health/live', { schema: live }, async () => ({ status: 'alive' as const }));
}
