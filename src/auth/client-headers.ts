// What Better Auth is told of a client: the address as we know it, in a header that no client can set.

/** Overwritten on every request: what a client sends under this name never gets through. */
export const ADDRESS_HEADER = 'x-donewell-client-address';

export function headersOf(client: { address: string; userAgent: string }): Headers {
  return new Headers({ 'user-agent': client.userAgent, [ADDRESS_HEADER]: client.address });
}
