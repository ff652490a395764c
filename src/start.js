// Starts main.ts from the cache of what Node compiled at the last start. Plain JavaScript, unlike all the rest: what reads
// TypeScript takes time and memory, and the cache has it read already.
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// Where nothing can be written there is no cache, and nothing else is different.
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/donewell', import.meta.url)));
await import('./main.ts');
