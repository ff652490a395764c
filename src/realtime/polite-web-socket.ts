// The WebSockets below the sockets, but for one thing: the library would answer pings to who does not read, and the answers pile up.
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';

/** A ping of the protocol itself is answered where the answer leaves at once; of several the newest will do (RFC 6455, 5.5.3). */
function answerPings(socket: WebSocket): void {
  socket.on('ping', (data) => {
    if (socket.bufferedAmount === 0) socket.pong(data);
  });
}

export class PoliteWebSocketServer extends WebSocketServer {
  constructor(options: ServerOptions) {
    super({ ...options, autoPong: false });
  }

  override handleUpgrade(
    ...[request, socket, head, take]: Parameters<WebSocketServer['handleUpgrade']>
  ): void {
    super.handleUpgrade(request, socket, head, (webSocket, upgraded) => {
      answerPings(webSocket);
      take(webSocket, upgraded);
    });
  }
}
