// Passwords that attackers try first: the list that the zxcvbn password estimator keeps, from real leaks.
import { dictionary } from '@zxcvbn-ts/language-common';
import { PASSWORD_MINIMUM_LENGTH } from '../../contract/limits.ts';

// Shorter ones are refused for their length anyway.
const listed = Array.from(dictionary['passwords-common'] as Iterable<string | number>, String);
const common = new Set(listed.filter((entry) => entry.length >= PASSWORD_MINIMUM_LENGTH));

export function isCommonPassword(password: string): boolean {
  return common.has(password.toLowerCase());
}
