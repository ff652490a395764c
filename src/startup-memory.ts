// What a start leaves behind in memory, given back before the first request.
import { Session } from 'node:inspector/promises';

/**
 * Loading and compiling a few thousand modules leaves garbage, and room that grew for it; a server that nobody asks anything would
 * never collect either. Takes about a tenth of a second. The inspector's own collection is the one that needs no flag: a flag set
 * now would make the next start refuse the cache of compiled code.
 */
export async function giveBackStartupMemory(): Promise<void> {
  const session = new Session();
  session.connect();
  await session.post('HeapProfiler.collectGarbage');
  session.disconnect();
}
