// What stands in some lines of a file, so that a fault can be shown where it is.

const MOST_LETTERS = 160;
const LINE_END = /\r\n|\n|\r/;

/** The beginnings of these lines (from 1); what the file does not have is not there. A big file is never held whole. */
export async function linesOfFile(file: Blob, wanted: ReadonlySet<number>): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  const last = Math.max(0, ...wanted);
  const decoder = new TextDecoder();
  const reader = file.stream().getReader();
  let number = 1;
  let line = '';
  /** Half a line end, perhaps: the other half may be in the next piece. */
  let held = '';
  const close = () => {
    if (wanted.has(number) && line !== '') found.set(number, line.slice(0, MOST_LETTERS));
    number += 1;
    line = '';
  };
  while (number <= last) {
    const { done, value } = await reader.read();
    let text = held + (done ? decoder.decode() : decoder.decode(value, { stream: true }));
    held = !done && text.endsWith('\r') ? '\r' : '';
    if (held) text = text.slice(0, -1);
    const [first = '', ...rest] = text.split(LINE_END);
    const add = (more: string) => {
      if (line.length < MOST_LETTERS) line += more.slice(0, MOST_LETTERS);
    };
    add(first);
    for (const next of rest) {
      close();
      add(next);
    }
    if (done) {
      close();
      break;
    }
  }
  await reader.cancel();
  return found;
}
