// The one error of the private PostgreSQL, and how a cause from the system is put into words.

/** Its message is one line that a person can act on. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
}

const WORDS: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file, not a directory',
  ENOENT: 'no such file or directory',
  ELOOP: 'its symbolic links lead in a circle',
};

/** The `code` that Node's own errors carry (`ENOENT` …), or nothing. */
export function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** What went wrong, in a few words and on one line. */
export function inWords(error: unknown): string {
  const code = errorCode(error);
  const known = code === undefined ? undefined : WORDS[code];
  return known ?? (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
}
