// Sign-up, sign-in, sign-out and refresh: the decisions, on top of Better Auth.
import type { Login, SignedIn, SignUp } from '../../contract/auth.ts';
import type { FieldError } from '../../contract/errors.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { Database } from '../database/database.ts';
import { isUniqueViolation, translate } from '../database/failure.ts';
import { AppError, validationError } from '../errors.ts';
import type { Client } from '../http/client.ts';
import { isAPIError } from './api-error.ts';
import { withFailure } from './call.ts';
import type { Caller, Callers } from './caller.ts';
import { headersOf } from './client-headers.ts';
import { unauthenticated } from './guard.ts';
import type { LateBetterAuth } from './late-better-auth.ts';
import type { LinkRequests } from './links/requests.ts';
import { passwordFault } from './passwords.ts';
import { deleteSession, extendSession, type SessionRow, sessionOf } from './repository.ts';
import type { ChallengeCookie } from './second-factor/challenge.ts';
import type { SignInLimits } from './sign-in-limits.ts';
import { cleanName, emailFault, nameFault } from './user-rules.ts';

export interface NewSession {
  body: SignedIn;
  /** `Set-Cookie` values as Better Auth made them. */
  cookies: string[];
}

/** The password was right, and a second factor is still to come. */
export interface Challenged {
  challenge: string;
  cookies: string[];
}

export interface AuthService {
  /** Undefined where the e-mail has to be confirmed first, and for one who has an account already: that is not told. */
  signUp(input: SignUp, client: Client): Promise<NewSession | undefined>;
  logIn(input: Login, client: Client): Promise<NewSession | Challenged>;
  logOut(caller: Caller, client: Client): Promise<void>;
  refresh(caller: Caller): Promise<SessionRow>;
}

export interface AuthParts {
  database: Database;
  betterAuth: LateBetterAuth;
  callers: Callers;
  limits: SignInLimits;
  challenges: ChallengeCookie;
  links: { requests: LinkRequests };
  requireVerifiedEmail: boolean;
  trail: AuditTrail;
}

function faults(candidates: Record<string, string | undefined>): FieldError[] {
  return Object.entries(candidates).flatMap(([path, message]) =>
    message === undefined ? [] : [{ path, message }],
  );
}

/** What to answer when Better Auth refused, given the failure it may have swallowed. */
function signUpError(error: unknown, failure: unknown): unknown {
  const taken = new AppError(
    'email_taken',
    'There is already an account with this e-mail. Sign in instead.',
    { cause: error },
  );
  if (isUniqueViolation(failure)) return taken;
  if (failure !== undefined) return translate(failure);
  if (!isAPIError(error)) return error;
  const code = error.body?.code ?? '';
  if (code.startsWith('USER_ALREADY_EXISTS')) return taken;
  return error.statusCode < 500
    ? validationError([{ path: '', message: error.body?.message ?? 'is not valid' }])
    : error;
}

/** Which counts, since it is told; or is not told, though the race for the e-mail was lost. A failure of ours counts for nobody. */
function isTaken(answer: unknown): boolean {
  return answer instanceof AppError && answer.code === 'email_taken';
}

function isWrongPassword(error: unknown): boolean {
  return isAPIError(error) && error.statusCode === 401;
}

/** Better Auth says so only to a right password. */
function isUnverified(error: unknown): boolean {
  return isAPIError(error) && error.body?.code === 'EMAIL_NOT_VERIFIED';
}

function emailNotVerified(cause: unknown): AppError {
  return new AppError('email_not_verified', 'Confirm your e-mail first: a new link has been sent to it.', {
    cause,
  });
}

type Entered = { headers: Headers; token: string };
type SignInOutcome = { right: boolean; userId?: string; result: Entered | Challenged | undefined };

export async function settled<Result>(
  run: () => Promise<Result>,
): Promise<{ value?: Result; error?: unknown; failure: unknown }> {
  const { result, failure } = await withFailure(() =>
    run().then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    ),
  );
  return { ...result, failure };
}

export async function newSession(callers: Callers, entered: Entered): Promise<NewSession> {
  const caller = await callers.bySessionToken(entered.token);
  const user = caller && (await callers.userOf(caller));
  if (!user) throw new AppError('unauthenticated', 'The session has already been ended.');
  const access_token = await callers.tokens.issue({ userId: caller.userId, sessionId: caller.session.id });
  const body = {
    user,
    session: sessionOf(caller.session),
    access_token,
    token_type: 'bearer' as const,
    expires_in: callers.tokens.lifetime,
  };
  return { body, cookies: entered.headers.getSetCookie() };
}

function assertNewUser(input: SignUp): void {
  const errors = faults({
    name: nameFault(cleanName(input.name)),
    email: emailFault(input.email),
    password: passwordFault(input.password)?.message,
  });
  if (errors.length > 0) throw validationError(errors);
}

/** What Better Auth answered to a right password: a session or, where there is a second factor, a challenge. */
function signInOutcome(
  challenges: ChallengeCookie,
  { headers, response }: { headers: Headers; response: { token?: string; user?: { id: string } } },
): SignInOutcome {
  const { token, user } = response;
  if (token !== undefined && user) return { right: true, userId: user.id, result: { headers, token } };
  const cookies = headers.getSetCookie();
  const challenge = challenges.in(cookies);
  if (challenge === undefined) throw new Error('Better Auth answered with neither session nor challenge');
  return { right: true, result: { challenge, cookies } };
}

export function createAuthService(parts: AuthParts): AuthService {
  const { database, betterAuth, callers, limits, challenges, links, requireVerifiedEmail, trail } = parts;

  async function signUp(input: SignUp, client: Client): Promise<NewSession | undefined> {
    assertNewUser(input);
    const auth = await betterAuth.loaded();
    const uncount = await limits.countSignUp(client.address);
    const { name, email, password, invitation } = input;
    const body = { name, email, password, ...(invitation === undefined ? {} : { invitation }) };
    const { value, error, failure } = await settled(() =>
      auth.api.signUpEmail({ body, headers: headersOf(client), returnHeaders: true }),
    );
    if (value && requireVerifiedEmail) return undefined;
    if (!value?.response.token) {
      const answer = signUpError(error, failure);
      if (!isTaken(answer)) await uncount();
      else if (requireVerifiedEmail) return undefined;
      throw answer;
    }
    await limits.remember(value.response.user.id, client.address);
    return newSession(callers, { headers: value.headers, token: value.response.token });
  }

  async function signIn({ email, password }: Login, client: Client): Promise<SignInOutcome> {
    const auth = await betterAuth.loaded();
    const { value, error, failure } = await settled(() =>
      auth.api.signInEmail({ body: { email, password }, headers: headersOf(client), returnHeaders: true }),
    );
    if (value) return signInOutcome(challenges, value);
    if (failure !== undefined) throw translate(failure);
    if (isUnverified(error)) {
      await links.requests.verificationAtSignIn(email);
      throw emailNotVerified(error);
    }
    if (!isWrongPassword(error)) throw error;
    return { right: false, result: undefined };
  }

  async function logIn(input: Login, client: Client): Promise<NewSession | Challenged> {
    const errors = faults({
      email: emailFault(input.email),
      password: input.password === '' ? 'must not be empty' : undefined,
    });
    if (errors.length > 0) throw validationError(errors);
    const entered = await limits.attempt({ email: input.email, address: client.address }, () =>
      signIn(input, client),
    );
    if (!entered) {
      trail.recordFailedSignIn(input.email, client);
      throw new AppError('invalid_credentials', 'The e-mail or the password is wrong.');
    }
    return 'challenge' in entered ? entered : newSession(callers, entered);
  }

  async function logOut({ userId, session }: Caller, client: Client): Promise<void> {
    await database.transaction(async (transaction) => {
      const [ended] = await transaction.query(deleteSession, [session.id]);
      if (ended) trail.add(transaction, { userId, kind: 'signed_out', client, sessionId: session.id });
    });
  }

  async function refresh(caller: Caller): Promise<SessionRow> {
    const values = [caller.session.id, callers.tokens.lifetime];
    const [extended] = await database.transaction((transaction) => transaction.query(extendSession, values));
    if (!extended) throw unauthenticated();
    return { ...caller.session, expires_at: extended.expires_at };
  }

  return { signUp, logIn, logOut, refresh };
}
