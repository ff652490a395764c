// The way back from another service: whatever happens there or here, the person lands on a page that says so.
import { SIGN_IN_FAILURES, type SignInFailure } from '../../../contract/sign-in-failures.ts';
import { translate } from '../../database/failure.ts';
import { AppError } from '../../errors.ts';
import { currentCall, withFailure } from '../call.ts';
import { parsedTarget, writtenTarget } from '../redirect-target.ts';

/** Milliseconds in which another service must have answered. */
const PATIENCE = 10_000;
export const FAILURE_PAGE = '/sign-in-failed';

/** Better Auth's words, and those of other services, in ours; whatever is not here has failed for reasons of its own. */
const IN_OUR_WORDS: Record<string, SignInFailure> = {
  access_denied: 'access_denied',
  state_mismatch: 'state_mismatch',
  state_not_found: 'state_mismatch',
  state_invalid: 'state_mismatch',
  invalid_code: 'provider_unavailable',
  unable_to_get_user_info: 'provider_unavailable',
  issuer_mismatch: 'provider_unavailable',
  nonce_binding_missing: 'provider_unavailable',
  oauth_provider_not_found: 'provider_unavailable',
  server_error: 'provider_unavailable',
  temporarily_unavailable: 'provider_unavailable',
  email_not_found: 'email_missing',
  account_not_linked: 'account_exists',
  account_already_linked_to_different_user: 'connected_elsewhere',
  database_error: 'unavailable',
  overloaded: 'unavailable',
};

function inOurWords(given: string): SignInFailure {
  const code = given.toLowerCase();
  if (Object.hasOwn(SIGN_IN_FAILURES, code)) return code as SignInFailure;
  return Object.hasOwn(IN_OUR_WORDS, code) ? (IN_OUR_WORDS[code] ?? 'failed') : 'failed';
}

/** What was thrown on the way back: our own database is known by its failures, any other silence is the other service's. */
function codeOf(thrown: unknown, failure: unknown): string {
  const known = failure === undefined ? thrown : translate(failure);
  if (known instanceof AppError) return known.code;
  return thrown instanceof TypeError && thrown.message === 'fetch failed' ? 'provider_unavailable' : 'failed';
}

function redirect(target: string): Response {
  return new Response(null, { status: 302, headers: { location: target } });
}

export function failurePage(publicUrl: string, failure: SignInFailure): string {
  return `${publicUrl}${FAILURE_PAGE}?error=${failure}`;
}

/** The answer with the failure, if it tells of one, in our words; what the other service wrote goes nowhere. */
function reworded(answer: Response, failure: unknown): Response {
  const target = parsedTarget(answer.headers.get('location') ?? '');
  const code = target.searchParams.get('error');
  if (code === null) return answer;
  const known = failure === undefined ? undefined : translate(failure);
  target.searchParams.set('error', inOurWords(known instanceof AppError ? known.code : code));
  target.searchParams.delete('error_description');
  const headers = new Headers(answer.headers);
  headers.set('location', writtenTarget(target));
  return new Response(null, { status: answer.status, headers });
}

interface ReturnOptions {
  publicUrl: string;
  log: { warn: (details: object, message: string) => void };
}

/** Waits no longer than people do. What comes later finds itself abandoned, and does nothing. */
async function inTime(run: () => Promise<Response>, late: () => Response): Promise<Response> {
  const call = currentCall();
  const { promise, resolve } = Promise.withResolvers<Response>();
  const timer = setTimeout(() => {
    if (call) call.abandoned = true;
    resolve(late());
  }, PATIENCE);
  const answer = run();
  answer.catch(() => {}); // it may fail when nobody waits any more
  try {
    return await Promise.race([answer, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs Better Auth's side of the way back. It never fails: failures are pages. */
export async function returnFromProvider(
  run: () => Promise<Response>,
  { publicUrl, log }: ReturnOptions,
): Promise<Response> {
  const late = () => redirect(failurePage(publicUrl, 'provider_unavailable'));
  const { result, failure } = await withFailure(() =>
    inTime(run, late).catch((error: unknown) => ({ thrown: error })),
  );
  if (!('thrown' in result) && result.status < 400) return reworded(result, failure);
  const thrown = 'thrown' in result ? result.thrown : new Error(await result.text());
  const code = inOurWords(codeOf(thrown, failure));
  if (code === 'failed') log.warn({ err: failure ?? thrown }, 'a sign-in by another service failed');
  return redirect(failurePage(publicUrl, code));
}
