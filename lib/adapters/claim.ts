// Which connections a stream may have: those that are there for nobody else. Not here: the streams
// (duplex.ts, web.ts).

import { invalidArgType, invalidState } from "../errors/index.ts";
import { Connection } from "../net/connection.ts";

/** Connections that belong to a stream. */
const claimed = new WeakSet<Connection<never>>();

/**
 * Takes a connection for one stream: of two each would get some of the bytes.
 *
 * @throws TypeError for what is no connection, with ERR_INVALID_STATE where a `data` callback or
 *   another stream takes its bytes
 */
export function claim(connection: unknown): Connection<never> {
  if (!(connection instanceof Connection)) {
    throw invalidArgType("connection", "a Connection", connection);
  }
  const own = connection as Connection<never>;
  refuseData(own.options);
  if (claimed.has(own)) throw invalidState("this connection belongs to another stream already");
  claimed.add(own);
  return own;
}

/** @throws TypeError with ERR_INVALID_STATE where there is a `data` callback */
export function refuseData(options: object): void {
  if ((options as { readonly data?: unknown }).data === undefined) return;
  throw invalidState("a connection with a data callback cannot be a stream: nothing is left");
}
