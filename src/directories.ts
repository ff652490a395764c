// Making a directory together with those above it that are missing.
import { existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';

/**
 * Not by Node's own `recursive`: it never returns where a file system says "not found" of a name that it does not let be
 * made (/proc), and says the same of one that is read-only.
 * @returns the outermost directory that was made; undefined when all were there.
 */
export function makeDirectory(directory: string, mode = 0o777): string | undefined {
  const parent = path.dirname(directory);
  try {
    mkdirSync(directory, { mode });
    return directory;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return undefined;
    if (code !== 'ENOENT' || existsSync(parent)) throw error;
  }
  const first = makeDirectory(parent, mode);
  const own = makeDirectory(directory, mode);
  return first ?? own;
}
