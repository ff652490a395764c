// The five routes of /api/auth that are ours: parse, call, answer.
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { CurrentSession, LoggedOut, Login, Refreshed, SignedIn, SignUp } from '../../contract/auth.ts';
import { Message } from '../../contract/common.ts';
import { TWO_FACTOR_CHALLENGE_SECONDS } from '../../contract/limits.ts';
import type { TwoFactorChallenge } from '../../contract/two-factor.ts';
import { AppError } from '../errors.ts';
import { jsonBody } from '../http/body.ts';
import { clientOf } from '../http/client.ts';
import { BODY_ERRORS, operation } from '../http/docs.ts';
import { check } from '../http/input.ts';
import { assertTrustedWrite, type OriginRules } from '../http/origin.ts';
import type { Callers } from './caller.ts';
import { callerOf, mayClearCookie, profileOf } from './guard.ts';
import { sessionOf } from './repository.ts';
import type { AuthService, NewSession } from './service.ts';

interface AuthRoutesOptions {
  service: AuthService;
  callers: Callers;
  rules: OriginRules;
}

const text = Type.String({ 'x-error': 'must be a string' });
// The form alone: what the texts must be is for the service to say, of all fields at once.
const LoginForm = Type.Object({ email: text, password: text });
const SignUpForm = Type.Object({ name: text, email: text, password: text, invitation: Type.Optional(text) });

const CONFIRM_FIRST = { message: 'Open the link in the mail that is on its way to you, then sign in.' };

/** These routes read no body: whatever came along, sign-out signs out. */
const NO_BODY = { ownBodyErrors: true };

function twoFactorRequired(challenge: string): AppError {
  const extra: TwoFactorChallenge = { challenge, expires_in: TWO_FACTOR_CHALLENGE_SECONDS };
  return new AppError('two_factor_required', 'Enter the code that your authenticator app shows.', {
    extra: { ...extra },
  });
}

function sendSession(reply: FastifyReply, status: number, session: NewSession): FastifyReply {
  return reply.code(status).header('set-cookie', session.cookies).send(session.body);
}

function entryRoutes(app: FastifyInstance, { service }: AuthRoutesOptions): void {
  const signUp = operation({
    id: 'signUp',
    tag: 'Authentication',
    summary: 'Create an account and sign in',
    body: SignUp,
    description:
      'A mail with a link goes to the e-mail, which confirms it. With `REQUIRE_EMAIL_VERIFICATION` nobody is signed in before that: the answer is 202, the same whether or not the e-mail is taken.',
    answers: { 201: SignedIn, 202: Message },
    errors: [...BODY_ERRORS, 'email_taken', 'signup_closed', 'invitation_required'],
  });
  app.post('/api/auth/signup', { schema: signUp }, async (request, reply) => {
    const session = await service.signUp(check(SignUpForm, jsonBody(request)), clientOf(request));
    return session ? sendSession(reply, 201, session) : reply.code(202).send(CONFIRM_FIRST);
  });

  const logIn = operation({
    id: 'logIn',
    tag: 'Authentication',
    summary: 'Sign in',
    body: Login,
    description:
      'For an account with a second factor the answer to a right password is `two_factor_required`, with a `challenge` for the second step: `POST /api/auth/two-factor`.',
    answers: { 200: SignedIn },
    errors: [
      ...BODY_ERRORS,
      'invalid_credentials',
      'two_factor_required',
      'account_disabled',
      'email_not_verified',
    ],
  });
  app.post('/api/auth/login', { schema: logIn }, async (request, reply) => {
    const entered = await service.logIn(check(LoginForm, jsonBody(request)), clientOf(request));
    if (!('challenge' in entered)) return sendSession(reply, 200, entered);
    reply.header('set-cookie', entered.cookies);
    throw twoFactorRequired(entered.challenge);
  });
}

function sessionRoutes(app: FastifyInstance, { service, callers, rules }: AuthRoutesOptions): void {
  const current = operation({
    id: 'getSession',
    tag: 'Authentication',
    summary: 'Who is signed in? Both null when nobody is',
    answers: { 200: CurrentSession },
    errors: ['rate_limited'],
  });
  app.get('/api/auth/session', { schema: current }, async ({ caller }) => {
    const user = caller && (await callers.userOf(caller));
    return user ? { user, session: sessionOf(caller.session) } : { user: null, session: null };
  });

  const logOut = operation({
    id: 'logOut',
    tag: 'Authentication',
    summary: 'Sign out; also answers 200 to a caller who is not signed in',
    answers: { 200: LoggedOut },
    errors: ['unauthorized_access'],
  });
  app.post(
    '/api/auth/logout',
    { schema: logOut, config: { ...NO_BODY, isNeverTooMany: true } },
    async (request, reply) => {
      // With an outlived token beside it the cookie opens nothing, but it is taken away: so its session ends, too.
      // That is done by the cookie, so by its rule.
      const byCookie = request.caller ? undefined : await callers.find({ cookie: request.headers.cookie });
      if (byCookie) assertTrustedWrite(rules, request);
      const caller = request.caller ?? byCookie;
      if (caller) await service.logOut(caller, clientOf(request));
      if (mayClearCookie(rules, request))
        reply.header('set-cookie', callers.cookie.clear(request.headers.cookie));
      return { message: 'Logged out successfully', status: 'success' as const };
    },
  );

  const refresh = operation({
    id: 'refreshSession',
    tag: 'Authentication',
    summary: 'Extend the session; a bearer caller also gets a new access token',
    session: true,
    answers: { 200: Refreshed },
    errors: ['unauthorized_access'],
  });
  app.post(
    '/api/auth/refresh',
    { schema: refresh, config: { needsSession: true, ...NO_BODY } },
    async (request, reply) => {
      const caller = callerOf(request);
      // Before the write, which must not be done behind an answer that says it was not.
      const user = await profileOf(callers, caller);
      const session = await service.refresh(caller);
      const body = { user, session: sessionOf(session) };
      reply.header('set-cookie', callers.cookie.set(session.token, request.headers.cookie));
      if (caller.by === 'cookie') return body;
      const access_token = await callers.tokens.issue({ userId: caller.userId, sessionId: session.id });
      return { ...body, access_token, token_type: 'bearer' as const, expires_in: callers.tokens.lifetime };
    },
  );
}

export function authRoutes(app: FastifyInstance, options: AuthRoutesOptions): void {
  entryRoutes(app, options);
  sessionRoutes(app, options);
}
