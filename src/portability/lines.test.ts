// Lines, however the bytes of a file arrive.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { linesOf } from './lines.ts';

async function* inPieces(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Buffer> {
  let start = 0;
  for (const cut of [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort(
    (one, other) => one - other,
  )) {
    yield bytes.subarray(start, cut);
    start = cut;
  }
}

it('are those of the whole text, numbered from 1, and too long ones are none', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('a', 'é', '🙂', '\n', '\n\n', 'long enough to be too long'), {
        maxLength: 40,
      }),
      fc.array(fc.nat(), { maxLength: 10 }),
      async (parts, cuts) => {
        const text = parts.join('');
        const expected = text.split('\n');
        if (expected.at(-1) === '') expected.pop();
        const found: [number, string | undefined][] = [];
        for await (const { number, bytes } of linesOf(inPieces(Buffer.from(text), cuts), 20))
          found.push([number, bytes?.toString()]);
        expect(found).toEqual(
          expected.map((line, index) => [index + 1, Buffer.byteLength(line) > 20 ? undefined : line]),
        );
      },
    ),
    { numRuns: 300 },
  );
});
