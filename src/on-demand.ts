// Dependencies that most processes never need: loaded where they are first used, they cost neither start nor memory before.
import { createRequire } from 'node:module';

/** Of each such module its type, which is imported while the module itself is not. */
interface OnDemand {
  '@zxcvbn-ts/language-common': typeof import('@zxcvbn-ts/language-common');
  'csv-parse': typeof import('csv-parse');
  ioredis: typeof import('ioredis');
  nodemailer: typeof import('nodemailer');
  'pino-pretty': typeof import('pino-pretty');
  qr: typeof import('qr');
}

const load = createRequire(import.meta.url);

/** The module of that name. */
export function onDemand<Name extends keyof OnDemand>(name: Name): OnDemand[Name] {
  return load(name) as OnDemand[Name];
}
