// What every error answer must look like, whoever sends it.
import { expect } from 'vitest';
import { ERROR_CODES, type ErrorCode } from '../../contract/errors.ts';

const PLAIN_ID = /^[A-Za-z0-9._-]{1,128}$/;
/** Traces of the inside: stacks, files, SQL, the names of libraries and tables. */
const INTERNAL =
  /node_modules|\.ts\b|\.js\b|\bat \S+ \(|fastify|FST_|typebox|postgres|ECONN|HPE_|select |insert into|pg_|user_sync|undefined|\[object/i;

export interface AnyAnswer {
  status: number;
  headers: Headers | Record<string, string>;
  text?: string;
  body: unknown;
}

export function headerOf(answer: AnyAnswer, name: string): string | null {
  return answer.headers instanceof Headers ? answer.headers.get(name) : (answer.headers[name] ?? null);
}

/** Asserts an RFC 9457 problem of this code, whole and with nothing internal; returns its body. */
export function expectProblem(
  answer: AnyAnswer,
  code: ErrorCode,
  status: number = ERROR_CODES[code].status,
): Record<string, unknown> & { detail: string; errors?: { path: string; message: string }[] } {
  const body = (typeof answer.body === 'string' ? JSON.parse(answer.body) : answer.body) as Record<
    string,
    unknown
  >;
  expect({ status: answer.status, code: body.code }).toEqual({ status, code });
  expect(headerOf(answer, 'content-type')).toBe('application/problem+json');
  expect(headerOf(answer, 'x-request-id')).toMatch(PLAIN_ID);
  expect(body).toMatchObject({
    type: expect.stringMatching(/^\S+$/),
    title: expect.stringMatching(/\S/),
    status,
    code,
    request_id: headerOf(answer, 'x-request-id'),
  });
  expect(body.detail).toMatch(/^[A-Z`"a-z].*\.$/s);
  expect(String(body.detail)).not.toMatch(INTERNAL);
  const { errors } = body;
  if (code === 'validation_error') expect(errors).toEqual(expect.arrayContaining([expect.anything()]));
  for (const error of (errors as { path: unknown; message: unknown }[] | undefined) ?? []) {
    expect(
      Object.keys(error)
        .filter((member) => member !== 'line')
        .sort(),
    ).toEqual(['message', 'path']);
    expect(error.path).toEqual(expect.any(String));
    expect(error.message).toMatch(/\S/);
    expect(String(error.message)).not.toMatch(INTERNAL);
  }
  const known = [
    'type',
    'title',
    'status',
    'detail',
    'code',
    'request_id',
    'errors',
    'errors_total',
    'current',
  ];
  if (code === 'two_factor_required') known.push('challenge', 'expires_in');
  expect(Object.keys(body).filter((member) => !known.includes(member))).toEqual([]);
  if (code === 'rate_limited' || ERROR_CODES[code].status === 503)
    expect(headerOf(answer, 'retry-after')).toMatch(/^[1-9]\d*$/);
  if (code === 'unauthenticated') expect(headerOf(answer, 'www-authenticate')).toMatch(/^Bearer/);
  return body as never;
}
