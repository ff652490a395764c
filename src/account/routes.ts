// The routes of /api/account: parse, call, answer.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import {
  Account,
  AccountChange,
  AccountDeletion,
  PasswordChange,
  SecurityEventPage,
  SecurityEventQuery,
  SessionList,
  SessionsEnded,
} from '../../contract/account.ts';
import { Message } from '../../contract/common.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { AccountDeletions } from '../auth/account-deletion.ts';
import type { Actor, Callers } from '../auth/caller.ts';
import { callerOf, userIdOf } from '../auth/guard.ts';
import type { PasswordChecks } from '../auth/password-checks.ts';
import { passwordFault } from '../auth/passwords.ts';
import type { SessionEnds } from '../auth/session-ends.ts';
import type { Database } from '../database/database.ts';
import { AppError, validationError } from '../errors.ts';
import { jsonBody } from '../http/body.ts';
import { clientOf } from '../http/client.ts';
import type { Cursors } from '../http/cursor.ts';
import { BODY_ERRORS, operation } from '../http/docs.ts';
import { check, checkQuery } from '../http/input.ts';
import { deletionProblem } from './deletion.ts';
import { readEvents } from './events.ts';
import { changeProfile, cleanAccountChange, readAccount } from './profile.ts';
import { readSessions } from './sessions.ts';

export interface AccountRoutesOptions {
  database: Database;
  trail: AuditTrail;
  checks: PasswordChecks;
  deletions: AccountDeletions;
  ends: SessionEnds;
  callers: Callers;
  cursors: Cursors;
}

const READ = { needsSession: true };
const READ_BY_TOKEN = { ...READ, scopes: ['account:read'] as const };
const WRITE = { needsSession: true, ownBodyErrors: true };
const Params = Type.Object({ id: Type.String({ examples: ['9f86d081884c7d659a2feaa0c55ad015'] }) });

function actorOf(request: FastifyRequest): Actor {
  const { userId, session } = callerOf(request);
  return { userId, sessionId: session.id, client: clientOf(request) };
}

function profileRoutes(app: FastifyInstance, options: AccountRoutesOptions): void {
  const get = operation({
    id: 'getAccount',
    tag: 'Account',
    summary: 'Your account',
    session: true,
    answers: { 200: Account },
  });
  app.get('/api/account', { schema: get, config: READ_BY_TOKEN }, async (request) =>
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
    changeProfile(options, actorOf(request), cleanAccountChange(jsonBody(request))),
  );
}

function sessionRoutes(app: FastifyInstance, { database, ends, callers }: AccountRoutesOptions): void {
  const list = operation({
    id: 'listSessions',
    tag: 'Account',
    summary: 'Where you are signed in, last used first',
    session: true,
    answers: { 200: SessionList },
  });
  app.get('/api/account/sessions', { schema: list, config: READ }, async (request) =>
    readSessions(database, actorOf(request)),
  );

  const endOthers = operation({
    id: 'endOtherSessions',
    tag: 'Account',
    summary: 'Sign out everywhere else; this session stays',
    session: true,
    answers: { 200: SessionsEnded },
    errors: ['unauthorized_access'],
  });
  app.delete('/api/account/sessions', { schema: endOthers, config: WRITE }, async (request) => ({
    ended: await ends.others(actorOf(request)),
  }));

  const end = operation({
    id: 'endSession',
    tag: 'Account',
    summary: 'End one of your sessions; its sockets close, wherever they are',
    session: true,
    params: Params,
    answers: { 200: SessionsEnded },
    errors: ['unauthorized_access', 'not_found'],
  });
  app.delete('/api/account/sessions/:id', { schema: end, config: WRITE }, async (request, reply) => {
    const actor = actorOf(request);
    const { id } = request.params as { id: string };
    if (!(await ends.one(actor, id))) throw new AppError('not_found', 'You have no session with this id.');
    if (id === actor.sessionId) reply.header('set-cookie', callers.cookie.clear(request.headers.cookie));
    return { ended: 1 };
  });
}

function passwordRoutes(app: FastifyInstance, { checks }: AccountRoutesOptions): void {
  const change = operation({
    id: 'changePassword',
    tag: 'Account',
    summary: 'Change your password; all your other sessions end',
    session: true,
    body: PasswordChange,
    answers: { 200: SessionsEnded },
    errors: BODY_ERRORS,
  });
  app.post('/api/account/password', { schema: change, config: WRITE }, async (request) => {
    const { current_password, new_password } = check(PasswordChange, jsonBody(request));
    const fault = passwordFault(new_password);
    if (fault) throw validationError([{ path: 'new_password', message: fault.message }]);
    const changed = await checks.change(actorOf(request), current_password, new_password);
    if (!changed) throw validationError([{ path: 'current_password', message: 'is not your password' }]);
    return changed;
  });
}

function deletionRoutes(app: FastifyInstance, { deletions, callers }: AccountRoutesOptions): void {
  const remove = operation({
    id: 'deleteAccount',
    tag: 'Account',
    summary: 'Delete your account and everything in it, for good and at once',
    description:
      'Every session and API token ends and every socket closes, on every node. Nothing of it can be brought back: export it first. A second try of a request whose answer was lost is answered 401.',
    session: true,
    body: AccountDeletion,
    answers: { 200: Message },
    errors: [...BODY_ERRORS, 'fresh_sign_in_required'],
  });
  app.delete('/api/account', { schema: remove, config: WRITE }, async (request, reply) => {
    const { password, code, recovery_code } = check(AccountDeletion, jsonBody(request));
    const { created_at } = callerOf(request).session;
    const leaver = { ...actorOf(request), sessionCreatedAt: new Date(created_at) };
    const fault = await deletions.delete(leaver, { password, code, recoveryCode: recovery_code });
    if (fault) throw deletionProblem(fault);
    reply.header('set-cookie', callers.cookie.clear(request.headers.cookie));
    return { message: 'Your account and everything in it were deleted.' };
  });
}

function eventRoutes(app: FastifyInstance, { database, cursors }: AccountRoutesOptions): void {
  const list = operation({
    id: 'listSecurityEvents',
    tag: 'Account',
    summary: 'What happened to your account, newest first',
    session: true,
    query: SecurityEventQuery,
    answers: { 200: SecurityEventPage },
    errors: ['validation_error'],
  });
  app.get('/api/account/events', { schema: list, config: READ }, async (request) =>
    readEvents(database, cursors, callerOf(request).userId, checkQuery(SecurityEventQuery, request.query)),
  );
}

export function accountRoutes(app: FastifyInstance, options: AccountRoutesOptions): void {
  profileRoutes(app, options);
  sessionRoutes(app, options);
  passwordRoutes(app, options);
  deletionRoutes(app, options);
  eventRoutes(app, options);
}
