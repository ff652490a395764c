// An upload that a test holds in its hands: piece by piece, stopped, or cut off.
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';

export interface Upload {
  /** Sends a piece and waits until it has left, or the connection has ended. */
  send(piece: string): Promise<void>;
  end(): void;
  /** Cuts the connection. */
  cut(): void;
  isAnswered(): boolean;
  /** Resolves with the answer; undefined when the connection ended without one. */
  readonly answer: Promise<{ status: number; text: string } | undefined>;
  /** Resolves with the first bytes of the answer's body. */
  readonly firstBytes: Promise<string>;
}

export function openUpload(
  url: string,
  bearer: string,
  { headers = {}, path = '/api/account/import' }: { headers?: Record<string, string>; path?: string } = {},
): Upload {
  const sent: ClientRequest = request(`${url}${path}`, {
    method: 'POST',
    agent: false,
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'text/csv', ...headers },
  });
  const first = Promise.withResolvers<string>();
  first.promise.catch(() => {});
  let answered = false;
  const answer = (async () => {
    try {
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      answered = true;
      let text = '';
      for await (const piece of response.setEncoding('utf8')) {
        text += piece;
        first.resolve(text);
      }
      return { status: response.statusCode ?? 0, text };
    } catch {
      first.reject(new Error('The connection ended without an answer'));
      return undefined;
    }
  })();
  sent.on('error', () => {}); // told by `answer`
  const closed = once(sent, 'close');
  return {
    send: async (piece) => {
      const left = new Promise<void>((resolve) => sent.write(piece, () => resolve()));
      await Promise.race([left, closed]);
    },
    end: () => void sent.end(),
    cut: () => void sent.destroy(),
    isAnswered: () => answered,
    answer,
    firstBytes: first.promise,
  };
}
