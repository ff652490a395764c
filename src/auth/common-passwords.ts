// Passwords that attackers try first: the list that the zxcvbn password estimator keeps, from real leaks, and what no list
// need name, since it follows from its beginning.
import { PASSWORD_MINIMUM_LENGTH } from '../../contract/limits.ts';
import { onDemand } from '../on-demand.ts';

let common: Set<string> | undefined;

function readCommon(): Set<string> {
  const { dictionary } = onDemand('@zxcvbn-ts/language-common');
  const listed = Array.from(dictionary['passwords-common'] as Iterable<string | number>, String);
  // Shorter ones are refused for their length anyway.
  return new Set(listed.filter((entry) => entry.length >= PASSWORD_MINIMUM_LENGTH));
}

/** Longer ones of this kind are in no list of what is tried first. */
const LONGEST_PATTERN = 12;
/** `aaaaaaaa`, `00000000`, `12341234`: one to four letters or digits over and over, as lists of what was leaked are full of. */
const REPEATED = /^(.{1,4}?)\1+$/;
const PLAIN = /^[a-z0-9]+$/;

/** `87654321`, `abcdefgh`: each character follows the one before, upwards or downwards. */
function isRun(password: string): boolean {
  const codes = Array.from(password, (character) => character.codePointAt(0) ?? 0);
  const [first = 0, second = 0] = codes;
  const step = second - first;
  return Math.abs(step) === 1 && codes.every((code, place) => code === first + place * step);
}

export function isCommonPassword(password: string): boolean {
  common ??= readCommon();
  const lower = password.toLowerCase();
  if (common.has(lower)) return true;
  return lower.length <= LONGEST_PATTERN && PLAIN.test(lower) && (REPEATED.test(lower) || isRun(lower));
}
