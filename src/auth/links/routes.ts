// The routes of e-mails with links that are ours: parse, call, answer.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { Message } from '../../../contract/common.ts';
import {
  EmailChange,
  EmailConfirmation,
  EmailConfirmed,
  ForgotPassword,
  LinkCheck,
  LinkChecked,
  PasswordReset,
} from '../../../contract/links.ts';
import { validationError } from '../../errors.ts';
import { jsonBody } from '../../http/body.ts';
import { clientOf } from '../../http/client.ts';
import { BODY_ERRORS, operation } from '../../http/docs.ts';
import { check } from '../../http/input.ts';
import type { OriginRules } from '../../http/origin.ts';
import type { Actor, Callers } from '../caller.ts';
import { callerOf, profileOf } from '../guard.ts';
import type { PasswordChecks } from '../password-checks.ts';
import { passwordFault } from '../passwords.ts';
import type { SignUpPolicy } from '../sign-up-policy.ts';
import { emailFault } from '../user-rules.ts';
import { betterAuthLinkRoutes, clientReset } from './better-auth-routes.ts';
import type { LinkRequests } from './requests.ts';
import type { LinkUses } from './uses.ts';

export interface LinkRoutesOptions {
  callers: Callers;
  requests: LinkRequests;
  uses: LinkUses;
  checks: PasswordChecks;
  rules: OriginRules;
  signUps: SignUpPolicy;
}

const text = Type.String({ 'x-error': 'must be a string' });
// The form alone: what the texts must be is checked by the rules of accounts.
const ForgotForm = Type.Object({ email: text });
const ChangeForm = Type.Object({ new_email: text, current_password: text });

const SIGNED_IN = { needsSession: true, ownBodyErrors: true };
/** Of the same words for everybody. */
const ASKED = { message: 'If there is such an account, a mail with a link is on its way to it.' };

function assertEmail(path: string, email: string): void {
  const fault = emailFault(email);
  if (fault !== undefined) throw validationError([{ path, message: fault }]);
}

function actorOf(request: FastifyRequest): Actor {
  const { userId, session } = callerOf(request);
  return { userId, sessionId: session.id, client: clientOf(request) };
}

function isForBetterAuth(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'newPassword' in body;
}

function passwordRoutes(app: FastifyInstance, { requests, uses }: LinkRoutesOptions): void {
  const resetForClient = clientReset(uses);
  const forgot = operation({
    id: 'forgotPassword',
    tag: 'Authentication',
    summary: 'Ask for a link to choose a new password',
    description:
      'The answer is the same, and takes the same time, whether or not there is such an account. The link leads to `/reset-password#token=…` and works once, for an hour, until the next one is asked for or password or e-mail are changed.',
    body: ForgotPassword,
    answers: { 202: Message },
    errors: BODY_ERRORS,
  });
  app.post('/api/auth/forgot-password', { schema: forgot }, async (request, reply) => {
    const { email } = check(ForgotForm, jsonBody(request));
    assertEmail('email', email);
    await requests.reset(email, clientOf(request));
    return reply.code(202).send(ASKED);
  });

  const reset = operation({
    id: 'resetPassword',
    tag: 'Authentication',
    summary: 'Choose a new password by the token of a link; all sessions end',
    description:
      'Also for accounts that had no password. It confirms the e-mail, and signs nobody in. Better Auth’s client sends `{newPassword, token}` to the same address and is answered in its own shape.',
    body: PasswordReset,
    answers: { 200: Message },
    errors: [...BODY_ERRORS, 'invalid_link'],
  });
  app.post('/api/auth/reset-password', { schema: reset }, async (request, reply) => {
    if (isForBetterAuth(request.body)) return resetForClient(request, reply);
    const { token, password } = check(PasswordReset, jsonBody(request));
    const fault = passwordFault(password);
    if (fault) throw validationError([{ path: 'password', message: fault.message }]);
    await uses.resetPassword(token, password, clientOf(request));
    return reply.send({ message: 'Your password has been changed. Sign in with it.' });
  });
}

function checkRoute(app: FastifyInstance, { uses, signUps }: LinkRoutesOptions): void {
  const checked = operation({
    id: 'checkLink',
    tag: 'Authentication',
    summary: 'Ask whether a link can still be used, without using it',
    description:
      'So that a page can say at once that its link is too old, before anybody fills in a form. Who has a link learns what using it would tell, too.',
    body: LinkCheck,
    answers: { 200: LinkChecked },
    errors: BODY_ERRORS,
  });
  app.post('/api/auth/check-link', { schema: checked }, async (request): Promise<LinkChecked> => {
    const { purpose, token } = check(LinkCheck, jsonBody(request));
    return { valid: await (purpose === 'invitation' ? signUps.takes(token) : uses.isLive(purpose, token)) };
  });
}

function emailRoutes(app: FastifyInstance, { callers, requests, uses, checks }: LinkRoutesOptions): void {
  const confirm = operation({
    id: 'confirmEmail',
    tag: 'Authentication',
    summary: 'Confirm an e-mail by the token of a link',
    description:
      'Needs no session. The links lead to `/verify-email#token=…`: after sign-up, for a new e-mail of an account, or to approve one; what was done is in the answer.',
    body: EmailConfirmation,
    answers: { 200: EmailConfirmed },
    errors: [...BODY_ERRORS, 'invalid_link'],
  });
  app.post('/api/auth/verify-email', { schema: confirm }, async (request) => {
    const { token } = check(EmailConfirmation, jsonBody(request));
    return uses.confirm(token, clientOf(request));
  });

  const verify = operation({
    id: 'sendVerificationEmail',
    tag: 'Account',
    summary: 'Have a link sent that confirms your e-mail',
    description:
      'Of several links the newest works, for a day. When the e-mail is confirmed nothing is sent.',
    session: true,
    answers: { 202: Message },
    errors: ['unauthorized_access'],
  });
  app.post('/api/account/verify-email', { schema: verify, config: SIGNED_IN }, async (request, reply) => {
    const { email } = await profileOf(callers, callerOf(request));
    await requests.verification(email, clientOf(request));
    return reply.code(202).send({ message: 'A mail with a link is on its way to your e-mail.' });
  });

  const change = operation({
    id: 'changeEmail',
    tag: 'Account',
    summary: 'Change your e-mail, once the new address has confirmed it',
    description:
      'A link is sent to the new address and a note to the old one; nothing changes until the link is used, within a day. If the new address is somebody’s already, its owner is told, and the answer is the same. An account without a password gets one by `/api/auth/forgot-password`.',
    session: true,
    body: EmailChange,
    answers: { 202: Message },
    errors: BODY_ERRORS,
  });
  app.post('/api/account/email', { schema: change, config: SIGNED_IN }, async (request, reply) => {
    const actor = actorOf(request);
    const { new_email, current_password } = check(ChangeForm, jsonBody(request));
    assertEmail('new_email', new_email);
    if ((await checks.fits(actor, current_password)) === undefined)
      throw validationError([{ path: 'current_password', message: 'is not your password' }]);
    await requests.emailChange(actor, new_email);
    return reply.code(202).send({ message: 'A mail with a link is on its way to the new address.' });
  });
}

export async function linkRoutes(app: FastifyInstance, options: LinkRoutesOptions): Promise<void> {
  passwordRoutes(app, options);
  checkRoute(app, options);
  emailRoutes(app, options);
  await betterAuthLinkRoutes(app, options);
}
