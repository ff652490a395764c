// Who speaks to us, as far as that can be known: an address, and a program that says its name.
import type { FastifyRequest } from 'fastify';
import { clientAddress } from './client-address.ts';

export interface Client {
  address: string;
  userAgent: string;
}

export function clientOf(request: FastifyRequest): Client {
  return { address: clientAddress(request), userAgent: request.headers['user-agent'] ?? '' };
}

type Sign = readonly [pattern: RegExp, name: string];

/** The first that matches counts: most browsers also name those that they descend from. */
const PROGRAMS: readonly Sign[] = [
  [/\bEdg(e|A|iOS)?\//, 'Edge'],
  [/\b(OPR|OPT|Opera)\//, 'Opera'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(Firefox|FxiOS)\//, 'Firefox'],
  [/\bElectron\//, 'Electron'],
  [/\b(Chrome|CriOS|Chromium|HeadlessChrome)\//, 'Chrome'],
  [/\bVersion\/[\d.]+.*\bSafari\//, 'Safari'],
  [/\bcurl\//, 'curl'],
  [/\bWget\//i, 'Wget'],
  [/\b(PostmanRuntime)\//, 'Postman'],
  [/\b(okhttp)\//, 'an Android app'],
  [/\b(CFNetwork)\//, 'an Apple app'],
  [/\bpython-requests\/|\bPython\/|\bhttpx\b|\baiohttp\//, 'Python'],
  [/\bGo-http-client\//, 'Go'],
  [/\baxios\/|^node(-fetch)?\b|\bundici\b/, 'Node.js'],
];

const SYSTEMS: readonly Sign[] = [
  [/\b(iPhone|iPod)\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\b(Macintosh|Mac OS X)\b/, 'macOS'],
  [/\bLinux\b|\bX11\b/, 'Linux'],
];

function named(signs: readonly Sign[], userAgent: string): string | undefined {
  return signs.find(([pattern]) => pattern.test(userAgent))?.[1];
}

/** A name for people to recognise their device by, such as "Firefox on Linux". The client says it, and may lie. */
export function deviceOf(userAgent: string | null): string {
  const program = named(PROGRAMS, userAgent ?? '');
  const system = named(SYSTEMS, userAgent ?? '');
  if (program !== undefined) return system === undefined ? program : `${program} on ${system}`;
  return system ?? 'Unknown device';
}
