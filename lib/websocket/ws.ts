// The surface of the `ws` package, so that an import can be replaced by hawser/ws. Its own
// Receiver and Sender are left out. `require` gives the class, with the others as its properties.

import { WsServer } from "./ws-server.ts";
import { WsSocket } from "./ws-socket.ts";
import { createWebSocketStream } from "./ws-stream.ts";

Object.assign(WsSocket, {
  WebSocket: WsSocket,
  WebSocketServer: WsServer,
  Server: WsServer,
  createWebSocketStream,
});
// The name is seen in logs, and by libraries that look for it.
Object.defineProperty(WsSocket, "name", { value: "WebSocket" });
Object.defineProperty(WsServer, "name", { value: "WebSocketServer" });

export type { WsServerOptions as ServerOptions } from "./ws-server.ts";
export type { WsClientOptions as ClientOptions } from "./ws-socket.ts";
export {
  createWebSocketStream,
  WsServer as Server,
  WsServer as WebSocketServer,
  WsSocket as "module.exports",
  WsSocket as default,
  WsSocket as WebSocket,
};
