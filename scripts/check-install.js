// Before `npm start`: says what to do where `npm ci` has not been run. Plain JavaScript, for whatever Node there is.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const isInstalled = existsSync(fileURLToPath(new URL('../node_modules/fastify', import.meta.url)));
if (!isInstalled || !process.features.typescript) {
  process.stderr.write('Run npm ci first: it installs what the server needs, its Node 24 too.\n');
  process.exit(1);
}
