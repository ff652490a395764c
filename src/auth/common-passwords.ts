// Passwords that attackers try first: the list that the zxcvbn password estimator keeps, from real leaks.
import { PASSWORD_MINIMUM_LENGTH } from '../../contract/limits.ts';
import { onDemand } from '../on-demand.ts';

let common: Set<string> | undefined;

function readCommon(): Set<string> {
  const { dictionary } = onDemand('@zxcvbn-ts/language-common');
  const listed = Array.from(dictionary['passwords-common'] as Iterable<string | number>, String);
  // Shorter ones are refused for their length anyway.
  return new Set(listed.filter((entry) => entry.length >= PASSWORD_MINIMUM_LENGTH));
}

export function isCommonPassword(password: string): boolean {
  common ??= readCommon();
  return common.has(password.toLowerCase());
}
