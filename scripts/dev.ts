// `npm run dev`: the server, restarted on every change, and the web app with hot reload; Ctrl-C ends both.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { ConfigError, loadSettings, readEnvironment } from '../src/config.ts';
import { addressOf, serveSources } from './dev-web.ts';
import { ROOT } from './web-bundle.ts';

const WATCHED = ['src', 'contract'];

function portOf(): number {
  try {
    return loadSettings(readEnvironment(process.cwd(), process.env)).PORT;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

/** In a process of its own, which Node itself ends and starts again when a file changes. */
function startServer() {
  const paths = WATCHED.map((name) => `--watch-path=${path.join(ROOT, name)}`);
  const main = path.join(ROOT, 'src/start.js');
  return spawn(process.execPath, [...paths, '--watch-preserve-output', main], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

const target = `http://localhost:${portOf()}`;
const vite = await serveSources(target);
process.stdout.write(
  `The web app with hot reload, in front of ${target} (Ctrl-C stops both):\n  web   ${addressOf(vite)}\n\n`,
);
const server = startServer();
server.once('exit', async (code) => {
  await vite.close();
  process.exit(code ?? 1);
});
// A terminal tells the server, too: it takes the two for one.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => void server.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal));
