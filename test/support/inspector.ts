// What a server that runs as a process of its own has loaded, told by Node's own inspector.
import { type RunningServer, startProcess, until } from './process.ts';

export interface Inspected {
  /** The address of each script that is loaded, also of those that come later. */
  readonly scripts: ReadonlySet<string>;
  /** A process does not end before. */
  close(): void;
}

/** Starts a server that lets itself be inspected, by this machine alone. */
export function startInspectable(env: Record<string, string>): Promise<RunningServer> {
  return startProcess({ env: { ...env, NODE_OPTIONS: '--inspect=127.0.0.1:0' } });
}

export async function inspect(server: RunningServer): Promise<Inspected> {
  const address = await until(
    () => /Debugger listening on (ws:\S+)/.exec(server.stderr())?.[1],
    'the inspector',
  );
  const socket = new WebSocket(address);
  const scripts = new Set<string>();
  const { promise: allThere, resolve, reject } = Promise.withResolvers<void>();
  socket.addEventListener('open', () => socket.send(JSON.stringify({ id: 1, method: 'Debugger.enable' })));
  socket.addEventListener('error', () => reject(new Error('The inspector cannot be reached')));
  socket.addEventListener('message', ({ data }) => {
    const { id, method, params } = JSON.parse(String(data));
    if (method === 'Debugger.scriptParsed') scripts.add(params.url);
    // It answers when it has told of all that were there before.
    if (id === 1) resolve();
  });
  await allThere;
  return { scripts, close: () => socket.close() };
}
