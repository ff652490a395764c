// Dependencies that most processes never need: loaded where they are first used, they cost neither start nor memory before.
import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

/** The module of that name. Its type is imported, the module itself is not: `onDemand<typeof import('x')>('x')`. */
export function onDemand<Module>(name: string): Module {
  return load(name) as Module;
}
