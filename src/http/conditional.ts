// ETags and the headers that ask for one: If-None-Match for 304, If-Match against lost updates.

export function etagOf(rev: number): string {
  return `"${rev}"`;
}

function tagsIn(header: string): string[] {
  return header.split(',').map((tag) => tag.trim());
}

function isAny(header: string): boolean {
  return header.trim() === '*';
}

/** If-None-Match compares weakly: `W/"1"` and `"1"` are the same state. */
export function isNotModified(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return isAny(ifNoneMatch) || tagsIn(ifNoneMatch).some((tag) => tag.replace(/^W\//, '') === etag);
}

/** The tags that If-Match names, for a comparison elsewhere; null where it asks for none of them. */
export function tagsAsked(ifMatch: string | undefined): string[] | null {
  return ifMatch === undefined || isAny(ifMatch) ? null : tagsIn(ifMatch);
}

/** Whether If-Match names something that is no ETag, such as a number without its quotes. */
export function isMiswritten(ifMatch: string | undefined): boolean {
  return (tagsAsked(ifMatch) ?? []).some((tag) => !/^(W\/)?"[^"]*"$/.test(tag));
}

/** If-Match compares strongly: a weak tag never matches, `*` matches whatever exists, no header asks nothing. */
export function isMatch(ifMatch: string | undefined, etag: string): boolean {
  return tagsAsked(ifMatch)?.includes(etag) ?? true;
}
