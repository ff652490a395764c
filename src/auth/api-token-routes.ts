// The routes of /api/account/tokens: parse, call, answer. They name no scope: a token manages no tokens.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { Message } from '../../contract/common.ts';
import { ApiTokenList, CreatedApiToken, NewApiToken } from '../../contract/token.ts';
import { jsonBody } from '../http/body.ts';
import { clientOf } from '../http/client.ts';
import { BODY_ERRORS, operation } from '../http/docs.ts';
import { check } from '../http/input.ts';
import type { ApiTokens, Owner } from './api-tokens.ts';
import { callerOf } from './guard.ts';

const Params = Type.Object({ id: Type.String({ format: 'uuid' }) });
const WRITE = { needsSession: true, ownBodyErrors: true };
const TAG = 'API tokens';

function ownerOf(request: FastifyRequest): Owner {
  return { caller: callerOf(request), client: clientOf(request) };
}

function makeAndList(app: FastifyInstance, tokens: ApiTokens): void {
  const create = operation({
    id: 'createApiToken',
    tag: TAG,
    summary: 'Make an API token; this answer alone shows it',
    description:
      'For scripts and integrations. It opens only the routes whose description names one of its scopes, and lives until it expires or is revoked, whatever happens to sessions and password.',
    session: true,
    body: NewApiToken,
    answers: { 201: CreatedApiToken },
    errors: BODY_ERRORS,
  });
  app.post('/api/account/tokens', { schema: create, config: WRITE }, async (request, reply) => {
    return reply.code(201).send(await tokens.create(ownerOf(request), check(NewApiToken, jsonBody(request))));
  });

  const list = operation({
    id: 'listApiTokens',
    tag: TAG,
    summary: 'List the API tokens, without the tokens themselves',
    session: true,
    answers: { 200: ApiTokenList },
  });
  app.get('/api/account/tokens', { schema: list, config: { needsSession: true } }, async (request) => ({
    tokens: await tokens.list(callerOf(request).userId),
  }));
}

function revokeRoutes(app: FastifyInstance, tokens: ApiTokens): void {
  const revoke = operation({
    id: 'revokeApiToken',
    tag: TAG,
    summary: 'Revoke an API token: its next request is refused, its sockets close',
    session: true,
    params: Params,
    answers: { 200: Message },
    errors: ['not_found'],
  });
  app.delete('/api/account/tokens/:id', { schema: revoke, config: WRITE }, async (request) => {
    await tokens.revoke(ownerOf(request), (request.params as { id: string }).id);
    return { message: 'Token revoked' };
  });

  const revokeAll = operation({
    id: 'revokeAllApiTokens',
    tag: TAG,
    summary: 'Revoke all API tokens',
    session: true,
    answers: { 200: Message },
  });
  app.delete('/api/account/tokens', { schema: revokeAll, config: WRITE }, async (request) => {
    await tokens.revokeAll(ownerOf(request));
    return { message: 'All tokens revoked' };
  });
}

export function apiTokenRoutes(app: FastifyInstance, tokens: ApiTokens): void {
  makeAndList(app, tokens);
  revokeRoutes(app, tokens);
}
