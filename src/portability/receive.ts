// Receives a file: reads it once, as it arrives, by the reader of its format.
import { setImmediate } from 'node:timers/promises';
import type { ImportFormat } from '../../contract/portability.ts';
import type { Finding } from './finding.ts';
import { plainTable } from './plain-table.ts';
import { readExport } from './read-export.ts';
import { Received } from './received.ts';
import { Spool } from './spool.ts';
import { readTable } from './table.ts';
import { isTodoist, todoistTable } from './todoist-table.ts';

/** Bytes that are read before others get their turn of the event loop: a thousand rows at most, whatever becomes of them. */
const PORTION = 2 * 1_024;

function readerOf(
  format: ImportFormat,
  pieces: AsyncIterable<Buffer>,
  received: Received,
): AsyncGenerator<Finding> {
  received.format = format;
  if (format === 'ndjson')
    return readExport(pieces, ({ userId }) => {
      received.originUserId = userId;
    });
  return readTable(pieces, (columns) => {
    if (format === 'csv' && isTodoist(columns)) received.format = 'todoist';
    return received.format === 'todoist' ? todoistTable() : plainTable;
  });
}

/** A reader that gives up leaves the rest of the pieces to whoever comes next. */
async function* inPortions(pieces: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  for (let next = await pieces.next(); !next.done; next = await pieces.next())
    for (let start = 0; start < next.value.length; start += PORTION) {
      yield next.value.subarray(start, start + PORTION);
      await setImmediate();
    }
}

/**
 * @param pieces the body; read to its end, whatever is in it.
 * @param format a `csv` file with the columns of Todoist's template is taken for one.
 * @returns what must be closed when it is no longer needed.
 * @throws AppError `validation_error` (422) with the lines that are wrong, or what `pieces` throws.
 */
export async function receive(
  pieces: AsyncGenerator<Buffer>,
  format: ImportFormat,
): Promise<{ file: Received; close: () => Promise<void> }> {
  const spool = await Spool.open();
  try {
    const file = new Received(spool, Date.now());
    for await (const finding of readerOf(format, inPortions(pieces), file)) {
      file.take(finding);
      if (file.isHopeless) break;
      await spool.drain();
    }
    for await (const _ of pieces);
    file.assertSound();
    return { file, close: () => spool.close() };
  } catch (error) {
    await spool.close();
    throw error;
  }
}
