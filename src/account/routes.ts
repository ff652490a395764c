// The routes of /api/account: parse, call, answer.
import type { FastifyInstance } from 'fastify';
import { Account, AccountChange } from '../../contract/account.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import { callerOf, userIdOf } from '../auth/guard.ts';
import type { Database } from '../database/database.ts';
import { jsonBody } from '../http/body.ts';
import { clientOf } from '../http/client.ts';
import { operation } from '../http/docs.ts';
import { changeProfile, cleanAccountChange, readAccount } from './profile.ts';

export interface AccountRoutesOptions {
  database: Database;
  trail: AuditTrail;
}

const READ = { needsSession: true, scopes: ['account:read'] as const };
const WRITE = { needsSession: true, ownBodyErrors: true };
const BODY_ERRORS = [
  'malformed_json',
  'unauthorized_access',
  'payload_too_large',
  'unsupported_media_type',
  'validation_error',
] as const;

function profileRoutes(app: FastifyInstance, options: AccountRoutesOptions): void {
  const get = operation({
    id: 'getAccount',
    tag: 'Account',
    summary: 'Your account',
    session: true,
    answers: { 200: Account },
  });
  app.get('/api/account', { schema: get, config: READ }, async (request) =>
    readAccount(options.database, userIdOf(request)),
  );

  const change = operation({
    id: 'changeAccount',
    tag: 'Account',
    summary: 'Change your profile: absent fields stay as they are, null clears',
    session: true,
    body: AccountChange,
    answers: { 200: Account },
    errors: BODY_ERRORS,
  });
  app.patch('/api/account', { schema: change, config: WRITE }, async (request) =>
    changeProfile(options, callerOf(request), clientOf(request), cleanAccountChange(jsonBody(request))),
  );
}

export function accountRoutes(app: FastifyInstance, options: AccountRoutesOptions): void {
  profileRoutes(app, options);
}
