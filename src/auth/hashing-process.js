// A process that hashes passwords and gives way to all others. Plain JavaScript, as start.js is: reading TypeScript takes time.
import { writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

try {
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  // Linux weighs whole sessions where nothing else groups processes: this one is a session of its own (detached).
  if (process.platform === 'linux')
    writeFileSync('/proc/self/autogroup', String(constants.priority.PRIORITY_BELOW_NORMAL));
} catch {
  // A sandbox may forbid either: it hashes all the same.
}

// Who stops a service may tell each of its processes so: the server still answers those who wait, and this ends after it.
process.on('SIGTERM', () => {});

// Only now: the threads that hash take the priority of the one that starts them.
const { default: bcrypt } = await import('bcrypt');

process.on('message', ({ id, password, hash, cost }) => {
  const answer = (error, result) => {
    if (process.connected) process.send?.({ id, result, failure: error?.message });
  };
  if (hash === undefined) bcrypt.hash(password, cost, answer);
  else bcrypt.compare(password, hash, answer);
});
