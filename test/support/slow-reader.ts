// A reader of a long answer that takes its time: it reads when it is told to, and may leave in the middle.
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';

export interface SlowReader {
  /** Waits for the first bytes, and then reads no further. */
  readSome(): Promise<void>;
  /** Reads to the end. @throws when the answer breaks off. */
  readAll(): Promise<string>;
  /** What has been read. */
  text(): string;
  isWhole(): boolean;
  /** Goes without a word. */
  leave(): void;
}

/** Small, so that what lies in the buffers between the two is little. */
const HIGH_WATER_MARK = 16 * 1_024;

export async function openRawReader(url: string, path: string, bearer: string): Promise<SlowReader> {
  const sent = request(`${url}${path}`, {
    headers: { authorization: `Bearer ${bearer}` },
    agent: false,
    highWaterMark: HIGH_WATER_MARK,
  } as object).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  if (answer.statusCode !== 200) throw new Error(`${path} answered ${answer.statusCode}`);
  sent.on('error', () => {});
  const pieces: Buffer[] = [];
  return {
    async readSome() {
      answer.pause();
      await once(answer, 'readable');
      const piece = answer.read() as Buffer | null;
      if (piece) pieces.push(piece);
    },
    async readAll() {
      for await (const piece of answer) pieces.push(piece as Buffer);
      return Buffer.concat(pieces).toString();
    },
    text: () => Buffer.concat(pieces).toString(),
    isWhole: () => answer.complete,
    leave: () => sent.destroy(),
  };
}
