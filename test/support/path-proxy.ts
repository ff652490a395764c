// A proxy that serves the server below a path, as many of them do: it takes the path off, and says nothing of it. What
// is not below the path is not there.
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

export interface PathProxy {
  /** With the path, and a slash at its end. */
  url: string;
  close: () => void;
}

/** In front of the server at `to`. Close it when the test is done. */
export async function startPathProxy(to: string, path: string): Promise<PathProxy> {
  const target = new URL(to);
  const within = (url = '/') =>
    url === path || url.startsWith(`${path}/`) ? url.slice(path.length) || '/' : null;
  const proxy = createServer((incoming, outgoing) => {
    const inside = within(incoming.url);
    if (inside === null) return void outgoing.writeHead(404).end();
    const passed = request(
      {
        host: target.hostname,
        port: target.port,
        path: inside,
        method: incoming.method,
        headers: incoming.headers,
      },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    passed.on('error', () => outgoing.destroy());
    incoming.pipe(passed);
  });
  proxy.on('upgrade', (incoming, socket) => {
    const inside = within(incoming.url);
    if (inside === null) return socket.destroy();
    const onward = connect(Number(target.port), target.hostname, () => {
      const headers = incoming.rawHeaders.map((part, index) =>
        index % 2 === 0 ? `${part}: ` : `${part}\r\n`,
      );
      onward.write(`GET ${inside} HTTP/1.1\r\n${headers.join('')}\r\n`);
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}${path}/`,
    close: () => {
      proxy.closeAllConnections();
      proxy.close();
    },
  };
}
