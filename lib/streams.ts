// The module hawser/streams: a connection as a Node stream or as Web Streams. No code of its own.

import "./tls/index.ts";

export {
  type ConnectionDuplex,
  createSocket,
  type DuplexOptions,
  toDuplex,
} from "./adapters/duplex.ts";
export { toWeb, type WebStreams } from "./adapters/web.ts";
