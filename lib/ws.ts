// The module hawser/ws: the surface of the `ws` package. No code of its own.

import "./tls/index.ts";

export {
  type ClientOptions,
  createWebSocketStream,
  default,
  "module.exports",
  Server,
  type ServerOptions,
  WebSocket,
  WebSocketServer,
} from "./websocket/ws.ts";
