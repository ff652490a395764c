// What a failed attempt means: whether to try again, and what the log may say of it.

/** Seconds until the second attempt, the third, and so on; the last one repeats. */
const PAUSES = [5, 15, 60, 300, 900, 1_800, 3_600];
const LOGGED_LENGTH = 200;
const EMAIL_IN_TEXT = /[^\s@<>"'(),;:]+@[^\s@<>"'(),;:]+/g;

type SmtpError = Partial<Record<'code' | 'command' | 'response', string> & { responseCode: number }>;

export function pauseAfter(attempts: number): number {
  return PAUSES[Math.min(attempts, PAUSES.length) - 1] ?? 0;
}

/**
 * Whether the server will never take this mail: it refused its recipient or its text for good (5xx). Whatever else failed
 * (connection, TLS, password, sender, or 5.7.x: a policy) is between the servers, and somebody may mend it.
 */
export function isFinal(error: unknown): boolean {
  const { command = '', response = '', responseCode = 0 } = error as SmtpError;
  const isAboutMail = command === 'RCPT TO' || command === 'DATA';
  return isAboutMail && responseCode >= 500 && responseCode !== 503 && !/^\d{3}[ -]5\.7\.\d/.test(response);
}

/** One line without addresses: servers like to repeat them. */
export function describeFailure(error: unknown): string {
  const { code, response } = error as SmtpError;
  const { message } = error as Error;
  return [code, response ?? message]
    .filter((part) => part !== undefined)
    .join(': ')
    .replace(EMAIL_IN_TEXT, '[e-mail]')
    .replace(/[^\x20-\x7e]+/g, ' ')
    .slice(0, LOGGED_LENGTH);
}
