// Who may open a socket: the same callers as over HTTP, by cookie from an allowed page or by access token.
import type { Caller, Callers } from '../auth/caller.ts';
import { isAllowedHandshakeOrigin, type OriginRules } from '../http/origin.ts';
import type { RealtimeSocket } from './socket.ts';

/** Undefined for anybody who may not. What a client says of rooms or users is not even read. */
export async function callerOfHandshake(
  callers: Callers,
  rules: OriginRules,
  socket: RealtimeSocket,
): Promise<Caller | undefined> {
  const { auth, headers, secure } = socket.handshake;
  const token = (auth as { token?: unknown }).token;
  if (token !== undefined)
    return typeof token === 'string' ? callers.byBearer(token.replace(/^Bearer /i, '')) : undefined;
  const caller = await callers.find({ cookie: headers.cookie, authorization: headers.authorization });
  if (caller?.by === 'cookie' && !isAllowedHandshakeOrigin(rules, headers, secure)) return undefined;
  return caller;
}
