// `npm run prove:faults`: takes the handling of each fault out in turn, in a copy of the project, and shows that its test
// fails without it. Minutes long: what is missed is waited for in vain.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ROOT } from './web-bundle.ts';

interface Change {
  file: string;
  from: string;
  to: string;
}

interface Proof {
  fault: string;
  /** What is taken out. */
  without: readonly Change[];
  test: string;
  /** Part of the test's name. */
  name: string;
  /** Without this variable the test is skipped, and nothing can be shown. */
  needs?: string;
}

const NO_SWEEPS: Change = {
  file: 'src/realtime/sweeper.ts',
  from: 'if (!sweeping && performance.now() - sweptAt >= interval) void sweep();',
  to: 'void interval;',
};
const SYNC_ONLY_ONCE: Change = {
  file: 'client/follower.ts',
  from: "['connect', () => void this.sync()],",
  to: "['connect', () => void (this.#cursor === undefined && this.sync())],",
};

const PROOFS: readonly Proof[] = [
  {
    fault: 'a node that dies between commit and push',
    without: [NO_SWEEPS],
    test: 'test/sync-faults.test.ts',
    name: 'is found by the sweep',
  },
  {
    fault: 'a node that is killed under load',
    without: [
      SYNC_ONLY_ONCE,
      { file: 'client/follower.ts', from: 'if (socket.connected) void this.sync();', to: '' },
      { file: 'client/follower.ts', from: 'else if (event.rev > this.#rev) void this.sync();', to: '' },
    ],
    test: 'test/sync-faults.test.ts',
    name: 'times: its followers',
  },
  {
    fault: 'a node that is paused',
    without: [
      NO_SWEEPS,
      {
        file: 'src/realtime/realtime.ts',
        from: 'onChanges: (payload) => hub.hintAll(hintsIn(payload)),',
        to: 'onChanges: () => {},',
      },
    ],
    test: 'test/sync-faults.test.ts',
    name: 'tells its followers after it',
  },
  {
    fault: 'a listener that is cut off',
    without: [
      NO_SWEEPS,
      { file: 'src/realtime/listener.ts', from: 'this.#options.onListening();', to: '' },
      {
        file: 'src/realtime/listener.ts',
        from: 'this.#retryLater();\n  }\n\n  #retryLater',
        to: '}\n\n  #retryLater',
      },
    ],
    test: 'test/sync-faults.test.ts',
    name: 'misses no change of another node',
  },
  {
    fault: 'a node that is restarted, and hundreds of sockets that come back at once',
    without: [
      SYNC_ONLY_ONCE,
      { file: 'client/follower.ts', from: 'else if (event.rev > this.#rev) void this.sync();', to: '' },
    ],
    test: 'test/sync-faults.test.ts',
    name: 'are all let in',
  },
  {
    fault: 'a reader that stops reading',
    without: [
      {
        file: 'src/realtime/socket.ts',
        from: "socket.emit('sync:required', { rev: revNow() });",
        to: 'void revNow;',
      },
    ],
    test: 'test/realtime-abuse.test.ts',
    name: 'gets one sync:required',
  },
  {
    fault: 'a session that is revoked on another node',
    without: [
      {
        file: 'src/realtime/realtime.ts',
        from: 'onSessionEnd: (sessionId) => hub.endSession(sessionId),',
        to: 'onSessionEnd: () => {},',
      },
      {
        file: 'src/realtime/hub.ts',
        from: 'this.endSession(sessionId);\n        continue;',
        to: 'continue;',
      },
    ],
    test: 'test/realtime-sessions.test.ts',
    name: 'when it logs out',
  },
  {
    fault: 'a Redis that is away',
    without: [
      NO_SWEEPS,
      {
        file: 'src/realtime/hints.ts',
        from: 'first.publish(payload).catch(() => second.publish(payload))',
        to: 'first.publish(payload).catch(() => void second)',
      },
    ],
    test: 'test/redis.test.ts',
    name: 'nothing is missed while it is away',
    needs: 'TEST_REDIS_URL',
  },
];

/** Everything that git knows of, and the dependencies by a link. */
function copyOfProject(): string {
  const copy = mkdtempSync(path.join(tmpdir(), 'donewell-proof-'));
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0');
  for (const file of files.filter(Boolean)) {
    mkdirSync(path.dirname(path.join(copy, file)), { recursive: true });
    cpSync(path.join(ROOT, file), path.join(copy, file));
  }
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'));
  return copy;
}

function passes(copy: string, { test, name }: Proof): boolean {
  const vitest = path.join(ROOT, 'node_modules/vitest/vitest.mjs');
  const { status } = spawnSync(process.execPath, [vitest, 'run', test, '-t', name], { cwd: copy });
  return status === 0;
}

function passesWithout(copy: string, proof: Proof): boolean {
  const originals = new Map<string, string>();
  for (const { file, from, to } of proof.without) {
    const place = path.join(copy, file);
    const text = readFileSync(place, 'utf8');
    if (!text.includes(from))
      throw new Error(`${file} has no “${from}” any more: mend the list in this script.`);
    if (!originals.has(place)) originals.set(place, text);
    writeFileSync(place, text.replace(from, to));
  }
  try {
    return passes(copy, proof);
  } finally {
    for (const [place, text] of originals) writeFileSync(place, text);
  }
}

function verdictOn(copy: string, proof: Proof): 'shown' | 'skipped' | 'not shown' {
  if (proof.needs !== undefined && process.env[proof.needs] === undefined) return 'skipped';
  return passes(copy, proof) && !passesWithout(copy, proof) ? 'shown' : 'not shown';
}

const copy = copyOfProject();
try {
  for (const proof of PROOFS) {
    const verdict = verdictOn(copy, proof);
    const reason = verdict === 'skipped' ? ` (${proof.needs} is not set)` : '';
    process.stdout.write(`${verdict}${reason}: ${proof.fault}\n`);
    if (verdict === 'not shown') process.exitCode = 1;
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
