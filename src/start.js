// Starts main.ts from the cache of what Node compiled at the last start. Plain JavaScript, unlike all the rest: what reads
// TypeScript takes time and memory, and the cache has it read already.
import module from 'node:module';
import { fileURLToPath } from 'node:url';

if (!process.features.typescript) {
  process.stderr.write(
    `This Node (${process.version}) cannot read TypeScript. npm start brings one that can: node_modules/.bin/node\n`,
  );
  process.exit(1);
}
// Where nothing can be written there is no cache, and nothing else is different.
module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/donewell', import.meta.url)));
await import('./main.ts');
