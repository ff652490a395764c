// Where somebody is sent back to after signing in: an address, or a path of ours, with more in its query.

/** Where paths are parsed; no host has this name. */
const NOWHERE = 'http://path.invalid';

/** Of an address or a path, so that parameters get into its query, before what comes after `#`. */
export function parsedTarget(target: string): URL {
  return URL.canParse(target) ? new URL(target) : new URL(target.replace(/^[\\/]+/, '/'), NOWHERE);
}

/** What was a path is one again: with two slashes in front it would be another host's address. */
export function writtenTarget({ href, origin, pathname, search, hash }: URL): string {
  return origin === NOWHERE ? `${pathname.replace(/^\/+/, '/')}${search}${hash}` : href;
}
