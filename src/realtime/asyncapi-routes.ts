// The route of /asyncapi.json.
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { operation } from '../http/docs.ts';
import { type AsyncApiOptions, asyncApiDocument } from './asyncapi.ts';

export function asyncApiRoutes(app: FastifyInstance, options: AsyncApiOptions): void {
  const document = asyncApiDocument(options);
  const schema = operation({
    id: 'getAsyncApi',
    tag: 'Sync',
    summary: 'What the socket pushes, as an AsyncAPI 3 document',
    answers: { 200: Type.Object({}, { additionalProperties: true }) },
  });
  app.get('/asyncapi.json', { schema, serializerCompiler: () => JSON.stringify }, async () => document);
}
