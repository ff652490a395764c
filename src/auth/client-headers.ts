// What Better Auth is told of a client: the address as we know it, in a header that no client can set.
import type { Client } from '../http/client.ts';

/** Overwritten on every request: what a client sends under this name never gets through. */
export const ADDRESS_HEADER = 'x-donewell-client-address';

export function headersOf(client: Client): Headers {
  return new Headers({ 'user-agent': client.userAgent, [ADDRESS_HEADER]: client.address });
}

/** Whom an endpoint of Better Auth was called by. */
export function clientIn(headers: Headers | undefined): Client {
  return { address: headers?.get(ADDRESS_HEADER) ?? '', userAgent: headers?.get('user-agent') ?? '' };
}
