// What of PostgreSQL's own log reaches ours: trouble of the server, never the text or values of a statement.

export type Log = (level: 'info' | 'warn' | 'error', message: string) => void;

/** Given to PostgreSQL, so that each line says who speaks: backend type and SQLSTATE. */
export const LOG_LINE_PREFIX = '[%b|%e] ';

const LINE = /^\[([^|\]]*)\|([0-9A-Z]{5})\] ([A-Z0-9]+): {2}(.*)$/;
const SEVERITIES = ['LOG', 'WARNING', 'ERROR', 'FATAL', 'PANIC'];
const TAIL_LINES = 20;
/** LOG is PostgreSQL's word for everything of interest to an operator; these are the ones that mean trouble. */
const TROUBLE = /signal|crash|recover|interrupted|not properly|reinitializ|corrupt|could not|failed|fail to/;
/** Insufficient resources, system error, internal error, corruption: the server's trouble, whoever ran into it. */
const SERVER_TROUBLE = /^(?:53|58|XX)/;

export interface ServerLog {
  write(line: string): void;
  /** The line that best says why the server ended, or undefined. */
  lastWords(): string | undefined;
}

export function createServerLog(log: Log): ServerLog {
  const tail: string[] = [];
  const keep = (line: string) => {
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
  };
  return {
    write(line) {
      // A tab marks the further lines of a message, which may quote anything.
      if (line.trim() === '' || line.startsWith('\t')) return;
      const [, backend, code = '', severity = '', message = ''] = LINE.exec(line) ?? [];
      if (backend === undefined) {
        keep(line);
        log('warn', `PostgreSQL: ${line}`);
        return;
      }
      // Also "dead-end client backend": one that is only told that the server is not ready.
      const isClient = backend.endsWith('client backend');
      if (isClient && (severity === 'ERROR' || severity === 'WARNING')) {
        // The client has the whole story. Its message may quote values: only the code is safe to tell.
        if (SERVER_TROUBLE.test(code)) log('error', `PostgreSQL: a statement failed with SQLSTATE ${code}`);
        return;
      }
      // DETAIL, STATEMENT and their like may quote a statement, even if our settings should keep them away.
      if (!SEVERITIES.includes(severity)) return;
      if (!isClient) keep(`${severity}: ${message}`);
      const level = levelOf(severity, message, code);
      if (level) log(level, `PostgreSQL: ${message}`);
    },
    lastWords: () => tail.findLast((line) => !/^(?:LOG|WARNING|ERROR):/.test(line)),
  };
}

function levelOf(severity: string, message: string, code: string): 'warn' | 'error' | undefined {
  // Sessions and vacuums that a shutdown or a lock ends, sessions that come too early, and our own look whether the
  // database is there: all of it expected.
  if (code.startsWith('57') || code === '3D000') return undefined;
  if (severity === 'PANIC' || severity === 'FATAL' || severity === 'ERROR') return 'error';
  if (severity === 'WARNING' || (severity === 'LOG' && TROUBLE.test(message))) return 'warn';
  return undefined;
}
