// Whose request this is, by address: the form under which limits are counted.
import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

/** Some proxies name the port as well: `192.0.2.1:5678`, `[2001:db8::1]:5678`. */
function withoutPort(address: string): string {
  return /^\[(.+)\](?::\d+)?$/.exec(address)?.[1] ?? /^([\d.]+):\d+$/.exec(address)?.[1] ?? address;
}

/** The client's address: the socket's, unless a trusted proxy named another. */
export function clientAddress(request: FastifyRequest): string {
  const candidate = isIP(request.ip) > 0 ? request.ip : withoutPort(request.ip);
  const address = isIP(candidate) > 0 ? candidate : (request.raw.socket.remoteAddress ?? '0.0.0.0');
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}

function expandIpv6(address: string): string[] {
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  return [...left, ...Array<string>(Math.max(0, zeros)).fill('0'), ...right].map((group) =>
    group.toLowerCase().replace(/^0+(?=.)/, ''),
  );
}

/** The address that a limit counts: a whole IPv6 /64, since one subscriber commands all of it. */
export function limitAddress(address: string): string {
  return isIP(address) === 6 ? `${expandIpv6(address).slice(0, 4).join(':')}::/64` : address;
}
