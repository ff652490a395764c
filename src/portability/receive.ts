// Receives a file: reads it once, as it arrives, by the reader of its format.
import type { ImportFormat } from '../../contract/portability.ts';
import type { Finding } from './finding.ts';
import { plainTable } from './plain-table.ts';
import { readExport } from './read-export.ts';
import { Received } from './received.ts';
import { Spool } from './spool.ts';
import { readTable } from './table.ts';
import { isTodoist, todoistTable } from './todoist-table.ts';

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
    // A reader that gives up leaves the rest to us.
    const lent = { [Symbol.asyncIterator]: () => ({ next: () => pieces.next() }) };
    for await (const finding of readerOf(format, lent, file)) {
      file.take(finding);
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
