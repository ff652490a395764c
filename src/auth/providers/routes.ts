// The routes of signing in elsewhere: which services there are, the way to them, and what is connected.
import type { FastifyInstance, FastifyReply, FastifySchema } from 'fastify';
import { Type } from 'typebox';
import { Message } from '../../../contract/common.ts';
import {
  ConnectionList,
  NewConnection,
  ProviderList,
  ProviderRedirect,
  ProviderSignIn,
} from '../../../contract/providers.ts';
import { jsonBody } from '../../http/body.ts';
import { clientOf } from '../../http/client.ts';
import { BODY_ERRORS, operation } from '../../http/docs.ts';
import { check } from '../../http/input.ts';
import { rootFrom, sendPage } from '../../http/page.ts';
import { callerOf } from '../guard.ts';
import { FAILURE_PAGE } from './door.ts';
import { pageOfFailure } from './failure-page.ts';
import type { Departure, ProviderService } from './service.ts';

function send(reply: FastifyReply, { body, cookies }: Departure): FastifyReply {
  return reply.header('set-cookie', cookies).send(body);
}

function failurePageRoute(app: FastifyInstance): void {
  app.get(FAILURE_PAGE, { schema: { hide: true } as FastifySchema }, async (request, reply) => {
    const { error } = request.query as { error?: unknown };
    return sendPage(reply, pageOfFailure(rootFrom(request), error));
  });
}

function signInRoutes(app: FastifyInstance, service: ProviderService): void {
  const list = operation({
    id: 'listProviders',
    tag: 'Authentication',
    summary: 'The other services that people can sign in with, and who may sign up',
    answers: { 200: ProviderList },
    errors: ['rate_limited'],
  });
  app.get('/api/auth/providers', { schema: list }, async () => service.list());

  const signIn = operation({
    id: 'signInElsewhere',
    tag: 'Authentication',
    summary: 'Begin to sign in, or up, by another service',
    description:
      'Send the browser to `url`. It comes back with a session, with `two_factor=required` where a code is still to be sent to `POST /api/auth/two-factor`, or with `error`.',
    params: Type.Object({ provider: Type.String({ examples: ['google'] }) }),
    body: ProviderSignIn,
    answers: { 200: ProviderRedirect },
    errors: [...BODY_ERRORS, 'not_found', 'provider_unavailable'],
  });
  app.post('/api/auth/providers/:provider', { schema: signIn }, async (request, reply) => {
    const { provider } = request.params as { provider: string };
    const input = check(ProviderSignIn, jsonBody(request));
    return send(reply, await service.signIn(provider, input, clientOf(request)));
  });
}

function connectionRoutes(app: FastifyInstance, service: ProviderService): void {
  const list = operation({
    id: 'listConnections',
    tag: 'Account',
    summary: 'The other services that your account is connected to',
    session: true,
    answers: { 200: ConnectionList },
  });
  app.get('/api/account/connections', { schema: list, config: { needsSession: true } }, async (request) =>
    service.connections(callerOf(request)),
  );

  const connect = operation({
    id: 'connect',
    tag: 'Account',
    summary: 'Begin to connect another service, so that it signs you in',
    description:
      'Needs a sign-in of the last ten minutes and a confirmed e-mail; the other service must have verified its own.',
    session: true,
    body: NewConnection,
    answers: { 200: ProviderRedirect },
    errors: [...BODY_ERRORS, 'fresh_sign_in_required', 'email_not_verified', 'provider_unavailable'],
  });
  app.post(
    '/api/account/connections',
    { schema: connect, config: { needsSession: true, ownBodyErrors: true } },
    async (request, reply) => {
      const { provider, ...input } = check(NewConnection, jsonBody(request));
      return send(reply, await service.connect(callerOf(request), provider, input, clientOf(request)));
    },
  );

  const disconnect = operation({
    id: 'disconnect',
    tag: 'Account',
    summary: 'Disconnect another service; never the last way in',
    session: true,
    params: Type.Object({ id: Type.String() }),
    answers: { 200: Message },
    errors: ['unauthorized_access', 'fresh_sign_in_required', 'not_found', 'last_way_in'],
  });
  app.delete(
    '/api/account/connections/:id',
    { schema: disconnect, config: { needsSession: true } },
    async (request) => {
      const { id } = request.params as { id: string };
      await service.disconnect(callerOf(request), id, clientOf(request));
      return { message: 'The service is disconnected.' };
    },
  );
}

export function providerRoutes(app: FastifyInstance, service: ProviderService): void {
  failurePageRoute(app);
  signInRoutes(app, service);
  connectionRoutes(app, service);
}
