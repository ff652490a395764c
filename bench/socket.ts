// A socket as cheap as can be: the few lines of Socket.IO's protocol that a listener needs, over Node's own WebSocket.
import { createHash } from 'node:crypto';
import { AccessTokens } from '../src/auth/access-token.ts';
import type { BenchUser } from './data.ts';
import { SECRET } from './settings.ts';

/** Milliseconds. */
const PATIENCE = 60_000;
const tokens = new AccessTokens({ secretKey: SECRET, lifetime: 24 * 60 * 60 });

/** The session that the data gives each user. */
export function sessionIdOf({ id }: BenchUser): string {
  return createHash('md5').update(id).digest('hex');
}

export interface Listener {
  close(): void;
}

/** Connects and signs in. @param onEvent called with each event's name and the moment it came. */
export async function listen(
  port: number,
  user: BenchUser,
  onEvent: (name: string, at: number) => void = () => {},
): Promise<Listener> {
  const token = await tokens.issue({ userId: user.id, sessionId: sessionIdOf(user) });
  const socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`);
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('A socket was not let in')), PATIENCE);
    socket.onerror = () => reject(new Error('A socket was refused'));
    socket.onclose = () => reject(new Error('A socket was closed'));
    socket.onmessage = ({ data }) => {
      const at = performance.now();
      const packet = String(data);
      if (packet.startsWith('0')) socket.send(`40${JSON.stringify({ token })}`);
      else if (packet === '2') socket.send('3');
      else if (packet.startsWith('40')) {
        clearTimeout(late);
        resolve({ close: () => socket.close() });
      } else if (packet.startsWith('44')) reject(new Error(`A socket was refused: ${packet}`));
      else if (packet.startsWith('42')) onEvent(/^42\["([^"]+)"/.exec(packet)?.[1] ?? '', at);
    };
  });
}

/** So many at once, in turn over the users, a hundred connecting at a time. */
export async function listenMany(
  port: number,
  users: readonly BenchUser[],
  count: number,
): Promise<Listener[]> {
  const listeners: Listener[] = [];
  for (let start = 0; start < count; start += 100) {
    const wave = Array.from({ length: Math.min(100, count - start) }, (_, index) =>
      listen(port, users[(start + index) % users.length] as BenchUser),
    );
    listeners.push(...(await Promise.all(wave)));
  }
  return listeners;
}
