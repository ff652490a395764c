// What loading leaves behind in memory, given back: after the start before the first request, and after what is loaded later.
import { Session } from 'node:inspector/promises';

/**
 * Loading and compiling thousands of modules leaves garbage, and room that grew for it; a server that nobody asks anything would
 * never collect either. Takes about a tenth of a second. The inspector's own collection is the one that needs no flag: a flag set
 * now would make the next start refuse the cache of compiled code.
 */
export async function giveBackLoadingMemory(): Promise<void> {
  const session = new Session();
  session.connect();
  await session.post('HeapProfiler.collectGarbage');
  session.disconnect();
}
