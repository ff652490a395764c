// The lines that an import shows beside its faults.
import { describe, expect, it } from 'vitest';
import { linesOfFile } from './lines-of-file.ts';

async function linesIn(
  text: string | Uint8Array<ArrayBuffer>,
  ...wanted: number[]
): Promise<[number, string][]> {
  return [...(await linesOfFile(new Blob([text]), new Set(wanted)))];
}

describe('the lines of a file', () => {
  it.each([
    ['a\nb\nc', 'newlines'],
    ['a\r\nb\r\nc\r\n', 'the line ends of Windows'],
    ['a\rb\rc', 'those of old'],
  ])('are found by number: %j, with %s', async (text) => {
    expect(await linesIn(text, 2, 3)).toEqual([
      [2, 'b'],
      [3, 'c'],
    ]);
  });

  it('are not there where they are empty, or behind the end', async () => {
    expect(await linesIn('a\n\nc', 2, 4)).toEqual([]);
    expect(await linesIn('', 1)).toEqual([]);
  });

  it('are cut where they are long, and counted right over the edges of pieces', async () => {
    const long = 'ü'.repeat(100_000);
    const text = `${long}\r\n`.repeat(5);
    expect(await linesIn(`${text}end`, 5, 6)).toEqual([
      [5, 'ü'.repeat(160)],
      [6, 'end'],
    ]);
  });

  it('are the same wherever the pieces of the file end', async () => {
    const text = new TextEncoder().encode('eins\r\nzwölf\r\n\r\nend');
    for (let at = 0; at <= text.length; at++) {
      const file = new Blob([]);
      // A file is read in pieces that are not ours to choose.
      file.stream = () =>
        new ReadableStream({
          start(controller) {
            controller.enqueue(text.slice(0, at));
            controller.enqueue(text.slice(at));
            controller.close();
          },
        });
      expect([...(await linesOfFile(file, new Set([1, 2, 3, 4])))]).toEqual([
        [1, 'eins'],
        [2, 'zwölf'],
        [4, 'end'],
      ]);
    }
  });
});
