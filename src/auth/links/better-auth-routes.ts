// Better Auth's endpoints about mailed links, answered by us in its shapes: its own tokens can be used again and again (they
// are signed, not stored), and its answers take longer for those who have an account.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../errors.ts';
import { jsonBody } from '../../http/body.ts';
import { clientOf } from '../../http/client.ts';
import { betterAuthOperation } from '../../http/docs.ts';
import type { OriginRules } from '../../http/origin.ts';
import { inItsShape } from '../better-auth-routes.ts';
import type { Callers } from '../caller.ts';
import { passwordFault } from '../passwords.ts';
import { emailFault } from '../user-rules.ts';
import type { LinkRequests } from './requests.ts';
import type { LinkUses } from './uses.ts';

export interface BetterAuthLinksOptions {
  callers: Callers;
  requests: LinkRequests;
  uses: LinkUses;
  rules: OriginRules;
}

/** No mail of ours leads to the second last: links lead to the web app, and opening one changes nothing. */
export const ANSWERED_BY_US: ReadonlySet<string> = new Set([
  '/request-password-reset',
  '/reset-password',
  '/reset-password/:token',
  '/send-verification-email',
  '/verify-email',
  '/change-email',
]);

interface Words {
  code: string;
  message: string;
}

/** As in Better Auth, which is not loaded for them; a test compares. */
export const BASE_ERRORS = {
  INVALID_TOKEN: { code: 'INVALID_TOKEN', message: 'Invalid token' },
  INVALID_REDIRECT_URL: { code: 'INVALID_REDIRECT_URL', message: 'Invalid redirectURL' },
  INVALID_CALLBACK_URL: { code: 'INVALID_CALLBACK_URL', message: 'Invalid callbackURL' },
  EMAIL_MISMATCH: { code: 'EMAIL_MISMATCH', message: 'Email mismatch' },
  EMAIL_ALREADY_VERIFIED: { code: 'EMAIL_ALREADY_VERIFIED', message: 'Email is already verified' },
} as const satisfies Record<string, Words>;

/** An error in Better Auth's words. */
class Refusal extends Error {
  readonly status: number;
  readonly words: Words;

  constructor(status: number, words: Words) {
    super(words.message);
    this.status = status;
    this.words = words;
  }
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

function refusal(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error;
  if (error instanceof AppError && error.code === 'invalid_link')
    return new Refusal(400, BASE_ERRORS.INVALID_TOKEN);
  if (error instanceof AppError && error.code === 'validation_error')
    return new Refusal(400, { code: 'VALIDATION_ERROR', message: error.message });
  return undefined;
}

function answering(handler: Handler): Handler {
  return async (request, reply) => {
    try {
      return await handler(request, reply);
    } catch (error) {
      const { status, words } = refusal(error) ?? {};
      if (status === undefined) throw error;
      return reply.code(status).type('application/json').send(JSON.stringify(words));
    }
  };
}

function fieldsOf(request: FastifyRequest): Record<string, unknown> {
  const body = jsonBody(request);
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
}

function emailIn(fields: Record<string, unknown>, name: string): string {
  const { [name]: email } = fields;
  if (typeof email !== 'string' || emailFault(email) !== undefined)
    throw new Refusal(400, { code: 'VALIDATION_ERROR', message: `[body.${name}] Invalid email address` });
  return email;
}

const LOCAL_PATH = /^\/(?![/\\]|%2f|%5c)[\w\-.+/@?=&%]*$/i;

/** A page of our own or of an allowed front end. */
function isTrusted({ allowed }: OriginRules, url: unknown): url is string {
  if (typeof url !== 'string') return false;
  if (LOCAL_PATH.test(url)) return true;
  return /^https?:/i.test(url) && URL.canParse(url) && allowed.has(new URL(url).origin);
}

/** Where the caller wants to be led, if anywhere. Nobody is led to a page of somebody else's. */
function trustedUrl(rules: OriginRules, url: unknown, words: Words): string | undefined {
  if (url === undefined || url === '') return undefined;
  if (!isTrusted(rules, url)) throw new Refusal(403, words);
  // A header can carry no more than that.
  return /^[\x21-\x7e]+$/.test(url) ? url : new URL(url).href;
}

function withError(url: string, code: string): string {
  const end = url.search(/#|$/);
  const page = url.slice(0, end);
  return `${page}${page.includes('?') ? '&' : '?'}error=${code}${url.slice(end)}`;
}

function requestReset({ requests, rules }: BetterAuthLinksOptions): Handler {
  return async (request) => {
    const fields = fieldsOf(request);
    const email = emailIn(fields, 'email');
    const redirectTo = trustedUrl(rules, fields.redirectTo, BASE_ERRORS.INVALID_REDIRECT_URL);
    await requests.reset(email, clientOf(request), redirectTo);
    return {
      status: true,
      message: 'If this email exists in our system, check your email for the reset link',
    };
  };
}

/** For the address that both shapes share. */
export function clientReset(uses: LinkUses) {
  const handler = answering(async (request, reply) => {
    const { newPassword, ...fields } = fieldsOf(request);
    const token = fields.token ?? (request.query as { token?: unknown }).token;
    if (typeof token !== 'string') throw new Refusal(400, BASE_ERRORS.INVALID_TOKEN);
    if (typeof newPassword !== 'string')
      throw new Refusal(400, { code: 'VALIDATION_ERROR', message: '[body.newPassword] Invalid input' });
    const fault = passwordFault(newPassword);
    if (fault) throw new Refusal(400, { code: fault.code, message: `The password ${fault.message}.` });
    await uses.resetPassword(token, newPassword, clientOf(request));
    return reply.type('application/json').send(JSON.stringify({ status: true }));
  });
  return async (request: FastifyRequest, reply: FastifyReply) => {
    await handler(request, reply);
    return reply;
  };
}

function sendVerification({ callers, requests, rules }: BetterAuthLinksOptions): Handler {
  return async (request) => {
    const fields = fieldsOf(request);
    const email = emailIn(fields, 'email');
    trustedUrl(rules, fields.callbackURL, BASE_ERRORS.INVALID_CALLBACK_URL);
    const user = request.caller && (await callers.userOf(request.caller));
    if (user && user.email !== email.toLowerCase()) throw new Refusal(400, BASE_ERRORS.EMAIL_MISMATCH);
    if (user?.email_verified) throw new Refusal(400, BASE_ERRORS.EMAIL_ALREADY_VERIFIED);
    await requests.verification(email, clientOf(request));
    return { status: true };
  };
}

/** A GET, since Better Auth's client makes one. No mail leads here: what opens links to look at them uses nothing up, nor does a HEAD. */
function verify({ uses, rules }: BetterAuthLinksOptions): Handler {
  return async (request, reply) => {
    if (request.method === 'HEAD') return { status: true };
    const { token, callbackURL } = request.query as { token?: unknown; callbackURL?: unknown };
    const back = trustedUrl(rules, callbackURL, BASE_ERRORS.INVALID_CALLBACK_URL);
    try {
      await uses.confirm(typeof token === 'string' ? token : '', clientOf(request));
    } catch (error) {
      const words = refusal(error)?.words;
      if (words && back !== undefined) return reply.redirect(withError(back, words.code));
      throw words ? new Refusal(401, words) : error;
    }
    return back === undefined ? { status: true, user: null } : reply.redirect(back);
  };
}

/** It asks for no password, so the old address must approve before the new one is asked. */
function changeEmail({ requests, rules }: BetterAuthLinksOptions): Handler {
  return async (request) => {
    const { caller } = request;
    if (!caller) throw new Refusal(401, { code: 'UNAUTHORIZED', message: 'Unauthorized' });
    const fields = fieldsOf(request);
    const newEmail = emailIn(fields, 'newEmail');
    trustedUrl(rules, fields.callbackURL, BASE_ERRORS.INVALID_CALLBACK_URL);
    const { userId, session } = caller;
    const actor = { userId, sessionId: session.id, client: clientOf(request) };
    await requests.emailChangeApproval(actor, newEmail);
    return { status: true };
  };
}

export async function betterAuthLinkRoutes(
  app: FastifyInstance,
  options: BetterAuthLinksOptions,
): Promise<void> {
  await app.register(async (scope) => {
    inItsShape(scope);
    const route = (method: 'GET' | 'POST', path: string, summary: string, handler: Handler) =>
      scope.route({
        method,
        url: `/api/auth${path}`,
        schema: betterAuthOperation(method, path, summary),
        config: { ownBodyErrors: true },
        handler: answering(handler),
      });
    route(
      'POST',
      '/request-password-reset',
      'Send a password reset email to the user',
      requestReset(options),
    );
    route(
      'POST',
      '/send-verification-email',
      'Send a verification email to the user',
      sendVerification(options),
    );
    route('GET', '/verify-email', 'Verify the email of the user', verify(options));
    route('POST', '/change-email', 'Change the email of the user', changeEmail(options));
  });
}
