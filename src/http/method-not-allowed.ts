// Unknown paths are 404; a known path with the wrong method is 405 and says which methods it has.
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { AppError } from '../errors.ts';
import { sendProblem } from './problem.ts';

interface KnownRoute {
  pattern: RegExp;
  methods: Set<string>;
}

/** `/api/tasks/:id` → a pattern for its paths, with or without a trailing slash. */
function patternOf(url: string): RegExp {
  const segments = url
    .replace(/\/+$/, '')
    .split('/')
    .map((segment) => {
      if (segment === '*') return '.*';
      return segment.startsWith(':') ? '[^/]+' : segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    });
  return new RegExp(`^${segments.join('/')}/?$`);
}

function allowedMethods(routes: Iterable<KnownRoute>, path: string): string[] {
  const methods = new Set(
    [...routes].filter((route) => route.pattern.test(path)).flatMap((route) => [...route.methods]),
  );
  if (methods.size > 0) methods.add('OPTIONS');
  return [...methods].sort();
}

/** Must be called before the routes are added: it learns of each as it comes. */
export function installNotFound(app: FastifyInstance): void {
  const routes = new Map<string, KnownRoute>();
  app.addHook('onRoute', (route: RouteOptions) => {
    const methods = [route.method].flat().filter((method) => method !== 'OPTIONS');
    if (methods.length === 0 || route.url === '*') return;
    const known = routes.get(route.url) ?? { pattern: patternOf(route.url), methods: new Set<string>() };
    for (const method of methods) known.methods.add(method);
    routes.set(route.url, known);
  });
  const refuse = (request: FastifyRequest, reply: FastifyReply) => {
    const allowed = allowedMethods(routes.values(), request.url.split('?')[0] ?? '');
    // A route that knows the method and found nothing (a file, say) is not the wrong method.
    if (allowed.length === 0 || (allowed.includes(request.method) && request.method !== 'OPTIONS'))
      return sendProblem(reply, request, new AppError('not_found', 'There is nothing at this address.'));
    reply.header('allow', allowed.join(', '));
    if (request.method === 'OPTIONS') return reply.code(204).send();
    const detail = `${request.method} is not possible here; use ${allowed.join(', ')}.`;
    return sendProblem(reply, request, new AppError('method_not_allowed', detail));
  };
  // Before the body is read: whatever is wrong with it, nobody wants it here.
  app.addHook('preParsing', (request, reply, _body, done) => {
    if (request.is404) refuse(request, reply);
    else done();
  });
  app.setNotFoundHandler(refuse);
}
