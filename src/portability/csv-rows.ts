// Rows of a CSV file: UTF-8, with commas, semicolons or tabs as its first line has them, and each row's line in the file.
import { finished } from 'node:stream/promises';
import { IMPORT_LINE_BYTES } from '../../contract/limits.ts';
import { onDemand } from '../on-demand.ts';
import { beyondLines, type Finding, fault } from './finding.ts';

/** Bytes, doubled for quotes: more in one record is a quotation mark that was never closed. */
const RECORD_BYTES = 2 * IMPORT_LINE_BYTES;
const DELIMITERS = [',', ';', '\t'];
const LINE_ENDS = ['\r\n', '\n', '\r'];
const csv = () => onDemand('csv-parse');

export interface Row {
  line: number;
  cells: readonly string[];
}

const LINE_END = /\r\n|\n|\r/g;

class NotUtf8 extends Error {
  readonly line: number;
  constructor(line: number) {
    super();
    this.line = line;
  }
}

/** The line ends in a text, whose first half may have come with the text before. */
function lineEndsIn(text: string, before: string): number {
  const ends = text.match(LINE_END)?.length ?? 0;
  return before.endsWith('\r') && text.startsWith('\n') ? ends - 1 : ends;
}

/** The text before the first byte that is none. */
function soundPart(piece: Buffer): string {
  return new TextDecoder().decode(piece).split('\ufffd', 1)[0] ?? '';
}

async function* decoded(pieces: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (piece?: Buffer) => {
    try {
      return decoder.decode(piece, { stream: piece !== undefined });
    } catch {
      return undefined;
    }
  };
  let line = 1;
  let before = '';
  for await (const piece of pieces) {
    const text = decode(piece);
    line += lineEndsIn(text ?? soundPart(piece), before);
    before = text ?? '';
    if (text === undefined) throw new NotUtf8(line);
    yield text;
  }
  if (decode() === undefined) throw new NotUtf8(line);
}

/** Names of columns hold no delimiters, so the first line tells. */
function delimiterOf(head: string): string {
  const [first = ''] = head.split(/[\r\n]/, 1);
  const counts = DELIMITERS.map((delimiter) => first.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ',';
}

/** The first line, or as much as there may be of it, and everything from the start on. */
async function withHead(
  texts: AsyncGenerator<string>,
): Promise<{ head: string; all: () => AsyncGenerator<string> }> {
  let head = '';
  for (let next = await texts.next(); !next.done; next = await texts.next()) {
    head += next.value;
    if (/[\r\n]/.test(head) || head.length > IMPORT_LINE_BYTES) break;
  }
  const all = async function* () {
    yield head;
    yield* texts;
  };
  return { head, all };
}

const CSV_FAULTS: Partial<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'has a quotation mark that is never closed',
  CSV_INVALID_CLOSING_QUOTE: 'has text after a closing quotation mark (one within a text must be doubled)',
  INVALID_OPENING_QUOTE: 'has a quotation mark within a text that does not begin with one',
  CSV_MAX_RECORD_SIZE: `is longer than ${RECORD_BYTES / 1_024} KiB: is a quotation mark never closed?`,
};
const NOT_UTF8 = 'is not UTF-8, nor is what follows checked: save the file as UTF-8 (in Excel: "CSV UTF-8")';

function faultOf(line: number, error: unknown): Finding {
  if (error instanceof NotUtf8) return fault(error.line, NOT_UTF8);
  const known = error instanceof csv().CsvError ? CSV_FAULTS[error.code] : undefined;
  if (known === undefined) throw error;
  return fault(line, `${known}; what follows was not read`);
}

/** A record takes one line, and one more for each line end within its quotation marks. */
function linesIn(cells: readonly string[]): number {
  return cells.reduce((lines, cell) => lines + (cell.match(LINE_END)?.length ?? 0), 1);
}

/** The records of each text as it comes; whatever ends the reading is thrown after the records before it. */
async function* records(texts: AsyncIterable<string>, delimiter: string): AsyncGenerator<string[][]> {
  let found: string[][] = [];
  const parser = csv().parse({
    delimiter,
    record_delimiter: LINE_ENDS,
    relax_column_count: true,
    max_record_size: RECORD_BYTES,
    // A stream that fails loses what it has not handed out yet: so nothing waits in it.
    on_record: (record: string[]) => {
      found.push(record);
      return null;
    },
  });
  const taken = () => {
    const records = found;
    found = [];
    return records;
  };
  let failure: Error | null | undefined;
  parser.on('error', (error) => {
    failure ??= error;
  });
  parser.resume();
  for await (const text of texts) {
    await new Promise<void>((resolve) => parser.write(text, () => resolve()));
    yield taken();
    if (failure) throw failure;
  }
  parser.end();
  await finished(parser).catch(() => {}); // noted above
  yield taken();
  if (failure) throw failure;
}

/** Every row that is not empty, the names of the columns included; a finding for what ends the reading. */
export async function* csvRows(pieces: AsyncIterable<Buffer>): AsyncGenerator<Row | Finding> {
  let line = 1;
  try {
    const { head, all } = await withHead(decoded(pieces));
    for await (const some of records(all(), delimiterOf(head))) {
      for (const cells of some) {
        const beyond = beyondLines(line);
        if (beyond) return yield beyond;
        if (cells.some((cell) => cell.trim() !== '')) yield { line, cells };
        line += linesIn(cells);
      }
    }
  } catch (error) {
    yield faultOf(line, error);
  }
}
