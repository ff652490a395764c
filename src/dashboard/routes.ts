// The routes of /api/dashboard: parse, call, answer.
import type { FastifyInstance } from 'fastify';
import { Overview, OverviewQuery, Stats } from '../../contract/dashboard.ts';
import { userIdOf } from '../auth/guard.ts';
import type { Database } from '../database/database.ts';
import { operation } from '../http/docs.ts';
import { checkQuery } from '../http/input.ts';
import { readOverview, readStats } from './service.ts';

export function dashboardRoutes(app: FastifyInstance, { database }: { database: Database }): void {
  const config = { needsSession: true, scopes: ['tasks:read'] as const };

  const stats = operation({
    id: 'getStats',
    tag: 'Dashboard',
    summary: 'Exact totals, as cheap for many tasks as for few',
    session: true,
    answers: { 200: Stats },
  });
  app.get('/api/dashboard/stats', { schema: stats, config }, async (request) =>
    readStats(database, userIdOf(request)),
  );

  const overview = operation({
    id: 'getOverview',
    tag: 'Dashboard',
    summary: 'Totals by priority, category and due date, trend and streak',
    session: true,
    query: OverviewQuery,
    answers: { 200: Overview },
    errors: ['validation_error'],
  });
  app.get('/api/dashboard/overview', { schema: overview, config }, async (request) => {
    return readOverview(database, userIdOf(request), checkQuery(OverviewQuery, request.query));
  });
}
