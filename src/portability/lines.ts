// Lines out of bytes that arrive in pieces.

const NEWLINE = 10;

export interface Line {
  /** From 1. */
  number: number;
  /** Without the newline; undefined for a line that is longer than it may be. */
  bytes: Buffer | undefined;
}

/** The last line needs no newline; after a newline at the end there is no further line. */
export async function* linesOf(pieces: AsyncIterable<Buffer>, longest: number): AsyncGenerator<Line> {
  let begun: Buffer[] = [];
  let length = 0;
  let number = 0;
  const take = (rest: Buffer): Line => {
    length += rest.length;
    const bytes = length > longest ? undefined : begun.length === 0 ? rest : Buffer.concat([...begun, rest]);
    begun = [];
    length = 0;
    number++;
    return { number, bytes };
  };
  for await (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      yield take(piece.subarray(start, end));
      start = end + 1;
    }
    const rest = piece.subarray(start);
    length += rest.length;
    // Of a line that is too long already nothing is kept.
    if (length > longest) begun = [];
    else if (rest.length > 0) begun.push(rest);
  }
  if (length > 0) yield take(Buffer.alloc(0));
}
