// The routes of the second factor: the second step of signing in, and what owners do with theirs.
import type { FastifyInstance } from 'fastify';
import { SignedIn } from '../../../contract/auth.ts';
import { Message } from '../../../contract/common.ts';
import {
  RecoveryCodes,
  TwoFactorBegin,
  TwoFactorConfirm,
  TwoFactorLogin,
  TwoFactorProof,
  TwoFactorSetup,
  TwoFactorStatus,
} from '../../../contract/two-factor.ts';
import { jsonBody } from '../../http/body.ts';
import { clientOf } from '../../http/client.ts';
import { BODY_ERRORS, operation } from '../../http/docs.ts';
import { check } from '../../http/input.ts';
import { assertTrustedWrite, type OriginRules } from '../../http/origin.ts';
import type { Callers } from '../caller.ts';
import { callerOf } from '../guard.ts';
import type { LateBetterAuth } from '../late-better-auth.ts';
import type { ChallengeCookie } from './challenge.ts';
import type { TwoFactorService } from './service.ts';
import { secondStep } from './sign-in.ts';

export interface TwoFactorRoutesOptions {
  betterAuth: LateBetterAuth;
  callers: Callers;
  challenges: ChallengeCookie;
  rules: OriginRules;
  service: TwoFactorService;
}

const WRITE = { needsSession: true, ownBodyErrors: true };
function signInRoute(app: FastifyInstance, options: TwoFactorRoutesOptions): void {
  const { challenges, rules } = options;
  const signIn = operation({
    id: 'logInSecondStep',
    tag: 'Authentication',
    summary: 'The second step of signing in: a code of the second factor, or a recovery code',
    description:
      'After `POST /api/auth/login` has answered `two_factor_required`. Each code, of either kind, signs in once.',
    body: TwoFactorLogin,
    answers: { 200: SignedIn },
    errors: [...BODY_ERRORS, 'unauthenticated', 'invalid_code'],
  });
  app.post('/api/auth/two-factor', { schema: signIn }, async (request, reply) => {
    const input = check(TwoFactorLogin, jsonBody(request));
    if (input.challenge === undefined) assertTrustedWrite(rules, request);
    const challenge = input.challenge ?? challenges.in(request.headers.cookie) ?? '';
    const session = await secondStep(options, { ...input, challenge }, clientOf(request));
    return reply.header('set-cookie', session.cookies).send(session.body);
  });
}

function setupRoutes(app: FastifyInstance, { service }: TwoFactorRoutesOptions): void {
  const status = operation({
    id: 'getTwoFactor',
    tag: 'Account',
    summary: 'Whether you have a second factor, and how many recovery codes are left',
    session: true,
    answers: { 200: TwoFactorStatus },
  });
  app.get('/api/account/two-factor', { schema: status, config: { needsSession: true } }, async (request) =>
    service.status(callerOf(request)),
  );

  const begin = operation({
    id: 'beginTwoFactor',
    tag: 'Account',
    summary: 'Begin to set up a second factor; it counts once a first code has confirmed it',
    session: true,
    body: TwoFactorBegin,
    answers: { 200: TwoFactorSetup },
    errors: [...BODY_ERRORS, 'two_factor_conflict'],
  });
  app.post('/api/account/two-factor', { schema: begin, config: WRITE }, async (request) => {
    const { password } = check(TwoFactorBegin, jsonBody(request));
    return service.begin(callerOf(request), clientOf(request), password);
  });

  const confirm = operation({
    id: 'confirmTwoFactor',
    tag: 'Account',
    summary: 'Switch on the second factor by a first code; your other sessions end',
    session: true,
    body: TwoFactorConfirm,
    answers: { 200: RecoveryCodes },
    errors: [...BODY_ERRORS, 'two_factor_conflict'],
  });
  app.post('/api/account/two-factor/confirm', { schema: confirm, config: WRITE }, async (request) => {
    const { code } = check(TwoFactorConfirm, jsonBody(request));
    return service.confirm(callerOf(request), clientOf(request), code);
  });
}

function ownerRoutes(app: FastifyInstance, { service }: TwoFactorRoutesOptions): void {
  const switchOff = operation({
    id: 'switchOffTwoFactor',
    tag: 'Account',
    summary: 'Switch off the second factor; your other sessions end',
    session: true,
    body: TwoFactorProof,
    answers: { 200: Message },
    errors: [...BODY_ERRORS, 'two_factor_conflict'],
  });
  app.delete('/api/account/two-factor', { schema: switchOff, config: WRITE }, async (request) => {
    await service.switchOff(callerOf(request), clientOf(request), check(TwoFactorProof, jsonBody(request)));
    return { message: 'The second factor is off.' };
  });

  const renew = operation({
    id: 'renewRecoveryCodes',
    tag: 'Account',
    summary: 'New recovery codes in the place of the old ones',
    session: true,
    body: TwoFactorProof,
    answers: { 200: RecoveryCodes },
    errors: [...BODY_ERRORS, 'two_factor_conflict'],
  });
  app.post('/api/account/two-factor/recovery-codes', { schema: renew, config: WRITE }, async (request) =>
    service.renewRecoveryCodes(
      callerOf(request),
      clientOf(request),
      check(TwoFactorProof, jsonBody(request)),
    ),
  );
}

export function twoFactorRoutes(app: FastifyInstance, options: TwoFactorRoutesOptions): void {
  signInRoute(app, options);
  setupRoutes(app, options);
  ownerRoutes(app, options);
}
