// Files to and from the server: however long they take, with word of how far they are.
import { Refused, refusalOf, root, senderHeaders, Unreachable } from '../http.ts';

/** Somebody has pressed Stop. */
export class Stopped extends Error {}

const BROKEN = 'The connection broke off.';

export interface Downloaded {
  blob: Blob;
  /** As the server calls it. */
  name: string | undefined;
}

/** @throws Refused, Unreachable */
export async function receiveFile(path: string, onPiece: (piece: Uint8Array) => void): Promise<Downloaded> {
  const response = await fetch(new URL(path, root), {
    credentials: 'same-origin',
    headers: senderHeaders(),
  }).catch((error: unknown) => {
    throw new Unreachable('The server cannot be reached.', { cause: error });
  });
  try {
    if (!response.ok) throw refusalOf(response, await response.text(), { byHand: true });
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    const reader = response.body?.getReader();
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
      pieces.push(next.value);
      onPiece(next.value);
    }
    const [, name] = /filename="([\w.-]+)"/.exec(response.headers.get('content-disposition') ?? '') ?? [];
    return { blob: new Blob(pieces), name };
  } catch (error) {
    if (error instanceof Refused || error instanceof Unreachable) throw error;
    throw new Unreachable(BROKEN, { cause: error });
  }
}

export interface Sending {
  path: string;
  file: Blob;
  headers: Record<string, string>;
  signal: AbortSignal;
  onSent: (bytes: number) => void;
  /** The answer as far as it is here. */
  onText: (text: string) => void;
}

function answerOf(request: XMLHttpRequest): Response {
  const headers = new Headers();
  for (const name of ['content-type', 'retry-after']) {
    const value = request.getResponseHeader(name);
    if (value !== null) headers.set(name, value);
  }
  return new Response(request.responseText, { status: request.status, headers });
}

/**
 * By XMLHttpRequest: `fetch` does not say how much has been sent.
 * @throws Refused, Unreachable, Stopped
 */
export async function sendFile({ path, file, headers, signal, onSent, onText }: Sending): Promise<Response> {
  const request = new XMLHttpRequest();
  request.open('POST', new URL(path, root));
  for (const [name, value] of Object.entries({ ...senderHeaders(), ...headers }))
    request.setRequestHeader(name, value);
  const stop = () => request.abort();
  signal.addEventListener('abort', stop);
  try {
    await new Promise<void>((resolve, reject) => {
      request.upload.onprogress = ({ loaded }) => onSent(loaded);
      request.upload.onload = () => onSent(file.size);
      request.onprogress = () => onText(request.responseText);
      request.onload = () => resolve();
      request.onerror = () => reject(new Unreachable(BROKEN));
      request.onabort = () => reject(new Stopped());
      request.send(file);
    });
  } finally {
    signal.removeEventListener('abort', stop);
  }
  const response = answerOf(request);
  if (!response.ok) throw refusalOf(response, request.responseText, { byHand: true });
  return response;
}
