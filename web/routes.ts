// The pages, their addresses, and the way between them: forwards, back, and by a link that somebody was sent.
import { computed, signal } from '@preact/signals';
import type { WebPage } from '../contract/pages.ts';
import { root } from './http.ts';

export type Route =
  | 'tasks'
  | 'dashboard'
  | 'trash'
  | 'account'
  | 'security'
  | 'tokens'
  | 'data'
  | 'forgot'
  | 'reset'
  | 'verify';

const PATHS: Record<Route, WebPage> = {
  tasks: '',
  dashboard: 'dashboard',
  trash: 'trash',
  account: 'account',
  security: 'account/security',
  tokens: 'account/tokens',
  data: 'account/data',
  forgot: 'forgot-password',
  reset: 'reset-password',
  verify: 'verify-email',
};
export const TITLES: Record<Route, string> = {
  tasks: 'Tasks',
  dashboard: 'Dashboard',
  trash: 'Trash',
  account: 'Account',
  security: 'Security',
  tokens: 'API tokens',
  data: 'Your data',
  forgot: 'Lost password',
  reset: 'New password',
  verify: 'Confirm your e-mail',
};
const ROUTES = Object.keys(PATHS) as Route[];
/** What the navigation shows. */
export const MAIN_ROUTES = ['tasks', 'dashboard', 'trash', 'account'] as const;
export const ACCOUNT_ROUTES = ['account', 'security', 'tokens', 'data'] as const;

/** Milliseconds after the last key: browsers refuse a new address for every one. */
const TYPING_PAUSE = 250;

function routeAt(address: string): Route {
  const rest = new URL(address).pathname.slice(root.pathname.length).replace(/\/$/, '');
  return ROUTES.find((route) => PATHS[route] === rest) ?? 'tasks';
}

/** What the way back from another service has said. It is taken out of the address, so that it is said once. */
let wayBack = wayBackIn(new URL(location.href));

function wayBackIn(url: URL): { error: string; isCodeMissing: boolean } {
  const { searchParams } = url;
  const error = searchParams.get('error') ?? '';
  const isCodeMissing = searchParams.get('two_factor') === 'required';
  if (error !== '' || isCodeMissing) {
    searchParams.delete('error');
    searchParams.delete('two_factor');
    history.replaceState(history.state, '', url);
  }
  return { error, isCodeMissing };
}

export function takeWayBack(): typeof wayBack {
  const said = wayBack;
  wayBack = { error: '', isCodeMissing: false };
  return said;
}

const address = signal(location.href);
export const route = computed(() => routeAt(address.value));
/** What the address says about the page: `?q=milk`. */
export const search = computed(() => new URL(address.value).search);

/** What a link from a mail or an invitation carries: after `#`, so that no server on the way hears it. */
export const linkCodes = signal(codesIn(location.hash));

function codesIn(hash: string): { token: string; invitation: string } {
  const said = new URLSearchParams(hash.slice(1));
  return { token: said.get('token') ?? '', invitation: said.get('invitation') ?? '' };
}

/** Once used, a link's code need not stay in the address. */
export function dropCodes(): void {
  linkCodes.value = { token: '', invitation: '' };
  take(location.href.replace(/#.*/, ''), false);
}

/** Whose steps these are: nobody is led back to what another one looked for. */
let owner: string | undefined;
let typing: ReturnType<typeof setTimeout> | undefined;
let typed = '';
let isTypedStep = false;
/** How the list was when another page was opened. */
let lastSearch = '';

export function hrefOf(target: Route): string {
  return new URL(PATHS[target], root).href;
}

function take(href: string, isNewStep: boolean): void {
  const state = { owner };
  if (isNewStep) history.pushState(state, '', href);
  else history.replaceState(state, '', href);
  address.value = location.href;
}

function finishTyping(): void {
  if (typing === undefined) return;
  clearTimeout(typing);
  typing = undefined;
  if (typed !== location.search) take(hrefOf('tasks') + typed, !isTypedStep);
  isTypedStep = true;
}

/** A new step for the way back. */
export function setSearch(next: string): void {
  finishTyping();
  isTypedStep = false;
  if (next !== location.search) take(hrefOf('tasks') + next, true);
}

/** However much is typed: one step. */
export function typeSearch(next: string): void {
  clearTimeout(typing);
  typed = next;
  typing = setTimeout(finishTyping, TYPING_PAUSE);
}

/** The list is met again as it was left; who goes to it from itself wants it as at the start. */
export function go(target: Route): void {
  finishTyping();
  isTypedStep = false;
  const from = route.value;
  if (from === 'tasks') lastSearch = location.search;
  const href = hrefOf(target) + (target === 'tasks' && from !== 'tasks' ? lastSearch : '');
  if (href !== location.href) take(href, true);
  scrollTo(0, 0);
}

function ownerOf(state: unknown): string | undefined {
  return (state as { owner?: string } | null)?.owner;
}

/** From here on the steps are this person's; `undefined` when they leave. */
export function ownSteps(userId: string | undefined): void {
  clearTimeout(typing);
  typing = undefined;
  isTypedStep = false;
  if (userId !== owner) lastSearch = '';
  owner = userId;
  // Who is in has used theirs, or needs none.
  if (userId !== undefined) linkCodes.value = { ...linkCodes.value, invitation: '' };
  const of = ownerOf(history.state);
  // Not what came after `#`: a link's code is used up by now.
  const here = location.href.replace(/#.*/, '');
  take(of !== undefined && of !== userId ? hrefOf('tasks') : here, false);
}

addEventListener('popstate', ({ state }: PopStateEvent) => {
  clearTimeout(typing);
  typing = undefined;
  isTypedStep = false;
  if (location.hash !== '') linkCodes.value = codesIn(location.hash);
  const of = ownerOf(state);
  if (of !== undefined && of !== owner) take(hrefOf(routeAt(location.href)), false);
  else address.value = location.href;
});
