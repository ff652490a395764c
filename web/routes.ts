// The four pages and their addresses.
import { computed, signal } from '@preact/signals';
import { root } from './http.ts';

export type Route = 'tasks' | 'dashboard' | 'trash' | 'account';

const PATHS: Record<Route, string> = {
  tasks: '',
  dashboard: 'dashboard',
  trash: 'trash',
  account: 'account',
};
export const TITLES: Record<Route, string> = {
  tasks: 'Tasks',
  dashboard: 'Dashboard',
  trash: 'Trash',
  account: 'Account',
};
export const ROUTES = Object.keys(PATHS) as Route[];

function routeAt(address: string): Route {
  const rest = new URL(address).pathname.slice(root.pathname.length).replace(/\/$/, '');
  return ROUTES.find((route) => PATHS[route] === rest) ?? 'tasks';
}

const address = signal(location.href);
export const route = computed(() => routeAt(address.value));

export function hrefOf(target: Route): string {
  return new URL(PATHS[target], root).href;
}

export function go(target: Route): void {
  if (route.value !== target) history.pushState(null, '', hrefOf(target));
  address.value = location.href;
  scrollTo(0, 0);
}

addEventListener('popstate', () => {
  address.value = location.href;
});
