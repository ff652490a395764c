// Who may open a socket: the same callers as over HTTP, by cookie from an allowed page, by access token or by API token.
import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIPv6 } from 'node:net';
import { isApiToken } from '../auth/api-token.ts';
import type { ApiTokens } from '../auth/api-tokens.ts';
import { bearerToken, type Caller, type Callers } from '../auth/caller.ts';
import type { TrustProxy } from '../config/values.ts';
import { isForeign, type OriginRules } from '../http/origin.ts';
import type { RealtimeSocket } from './socket.ts';

export interface Doorkeeper {
  callers: Callers;
  tokens: ApiTokens;
  rules: OriginRules;
  /** Whether what the peer at this address says of its client is believed. */
  trusts: (address: string | undefined) => boolean;
}

/** The same reading of TRUST_PROXY as Fastify's, for the one hop that matters here. */
export function trustIn(trust: TrustProxy): Doorkeeper['trusts'] {
  if (!Array.isArray(trust)) return () => trust !== false;
  const list = new BlockList();
  for (const entry of trust) {
    const [address = '', prefix] = entry.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return (address = '') => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

function lastOf(header: string | string[] | undefined): string | undefined {
  return header?.toString().split(',').at(-1)?.trim();
}

/** The origin under which the handshake reached the server, as `ownOrigin` says of a request. */
function ownOriginOf(headers: IncomingHttpHeaders, encrypted: boolean, trusted: boolean): string {
  const forwarded = trusted ? headers : {};
  const protocol = lastOf(forwarded['x-forwarded-proto']) ?? (encrypted ? 'https' : 'http');
  return `${protocol}://${lastOf(forwarded['x-forwarded-host']) ?? headers.host ?? ''}`;
}

/** Who is let in. */
export interface Visitor {
  userId: string;
  /** Of the session or the API token: when that ends, so does the socket. */
  sessionId: string;
  expiresAt: string;
}

function bySession(caller: Caller | undefined): Visitor | undefined {
  if (!caller) return undefined;
  const { id, expires_at } = caller.session;
  return { userId: caller.userId, sessionId: id, expiresAt: expires_at };
}

async function byBearer({ callers, tokens }: Doorkeeper, bearer: string): Promise<Visitor | undefined> {
  if (!isApiToken(bearer)) return bySession(await callers.byBearer(bearer));
  const token = await tokens.find(bearer);
  if (!token?.scopes.includes('tasks:read')) return undefined;
  return { userId: token.userId, sessionId: token.tokenId, expiresAt: token.expiresAt };
}

/**
 * Undefined for anybody who may not. What a client says of rooms is not even read, and of users only whom it takes itself
 * to be: the socket of somebody else is refused to it, and none is ever opened by it.
 */
export async function visitorOfHandshake(
  door: Doorkeeper,
  socket: RealtimeSocket,
): Promise<Visitor | undefined> {
  const visitor = await visitorOf(door, socket);
  const { signed_in_as: expected } = socket.handshake.auth as { signed_in_as?: unknown };
  return expected === undefined || expected === visitor?.userId ? visitor : undefined;
}

async function visitorOf(door: Doorkeeper, socket: RealtimeSocket): Promise<Visitor | undefined> {
  const { auth, headers, secure, address } = socket.handshake;
  const { token } = auth as { token?: unknown };
  if (token !== undefined && token !== null)
    return typeof token === 'string' ? byBearer(door, token.replace(/^Bearer /i, '')) : undefined;
  const bearer = bearerToken(headers.authorization);
  if (bearer !== undefined) return byBearer(door, bearer);
  const { callers, rules, trusts } = door;
  const caller = await callers.find({ cookie: headers.cookie });
  const own = ownOriginOf(headers, secure, trusts(address));
  return isForeign(rules, headers, own) ? undefined : bySession(caller);
}
