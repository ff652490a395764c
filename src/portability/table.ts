// A table: rows whose cells have names. What each cell may be is for the formats to say.
import type { FieldError } from '../../contract/errors.ts';
import { csvRows, type Row } from './csv-rows.ts';
import { type Finding, fault } from './finding.ts';

export interface Columns {
  /** In lower case, as they stand. */
  names: readonly string[];
}

export type Cells = ReadonlyMap<string, string>;

export interface TableFormat {
  /** Once, for the first row. */
  columns?: (columns: Columns) => FieldError | undefined;
  row: (line: number, cells: Cells) => Iterable<Finding>;
  /** After the last row. */
  end?: () => Iterable<Finding>;
}

function isRow(one: Row | Finding): one is Row {
  return 'cells' in one;
}

/** NUL is in no text; csv files of other encodings are full of it. A text that came as half a pair has been refused as not UTF-8. */
function cellsOf({ cells }: Row, names: readonly string[]): Cells | string {
  const surplus = cells.slice(names.length).some((cell) => cell.trim() !== '');
  if (surplus)
    return `has ${cells.length} cells for ${names.length} columns: a text with a comma needs quotation marks`;
  if (cells.some((cell) => cell.includes('\0'))) return 'has a NUL character';
  return new Map(names.map((name, index) => [name, cells[index] ?? '']));
}

function namesIn({ cells }: Row): string[] | string {
  const names = cells.map((cell) => cell.trim().toLowerCase());
  const named = names.filter((name) => name !== '');
  const twice = named.find((name, index) => named.indexOf(name) !== index);
  return twice === undefined ? names : `names the column ${JSON.stringify(twice.slice(0, 100))} twice`;
}

/** @param formatFor chooses what the rows are, by their columns. */
export async function* readTable(
  pieces: AsyncIterable<Buffer>,
  formatFor: (columns: Columns) => TableFormat,
): AsyncGenerator<Finding> {
  let names: string[] | undefined;
  let format: TableFormat | undefined;
  for await (const one of csvRows(pieces)) {
    if (!isRow(one)) {
      yield one;
      return;
    }
    if (!names || !format) {
      const found = namesIn(one);
      if (typeof found === 'string') return yield fault(one.line, found);
      names = found;
      format = formatFor({ names });
      const wrong = format.columns?.({ names });
      if (wrong) return yield { line: one.line, faults: [wrong] };
      continue;
    }
    const cells = cellsOf(one, names);
    if (typeof cells === 'string') yield fault(one.line, cells);
    else yield* format.row(one.line, cells);
  }
  if (!format) yield fault(1, 'is missing: the file is empty');
  else if (format.end) yield* format.end();
}
