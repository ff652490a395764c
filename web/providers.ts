// What the server has at its door: other services to sign in with, the way there and back, and who may sign up.
import { signal } from '@preact/signals';
import type { ProviderList, ProviderRedirect } from '../contract/providers.ts';
import { SIGN_IN_FAILURES, type SignInFailure } from '../contract/sign-in-failures.ts';
import { call, type RequestOptions } from './http.ts';

/** Kept once it is known. */
export const ways = signal<ProviderList | undefined>(undefined);

export async function learnWays(): Promise<void> {
  if (ways.value) return;
  try {
    ways.value = await readProviders();
  } catch {
    // The other ways in are there; these are looked for again when the door is next seen.
  }
}

export function readProviders(): Promise<ProviderList> {
  return call<ProviderList>('GET', 'api/auth/providers', { anonymous: true });
}

/** Somebody at another address of the server than the service sends people back to would come back without the cookie. */
export class WrongAddress extends Error {}

/**
 * Asks for the way to a service that leads back to this page.
 * @returns the address to go to. @throws Refused, Unreachable, WrongAddress
 */
export async function wayTo(
  path: string,
  { json, ...options }: RequestOptions & { json?: object } = {},
): Promise<string> {
  const here = location.pathname + location.search;
  const { url } = await call<ProviderRedirect>('POST', path, {
    ...options,
    json: { ...json, redirect_to: here, error_redirect_to: here },
  });
  const back = new URL(new URL(url).searchParams.get('redirect_uri') ?? location.href);
  if (back.protocol === location.protocol && back.hostname === location.hostname) return url;
  throw new WrongAddress(`That works at ${back.origin} only: open Donewell there.`);
}

export function failureSentence(error: string): string {
  if (error === '') return '';
  return SIGN_IN_FAILURES[Object.hasOwn(SIGN_IN_FAILURES, error) ? (error as SignInFailure) : 'failed'];
}
