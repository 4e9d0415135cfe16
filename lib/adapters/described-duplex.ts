// What a stream over a connection can be asked: its addresses, and what TLS has negotiated, by the
// names of net.Socket and tls.TLSSocket. Not here: anything that moves bytes (duplex.ts).

import { Duplex } from "node:stream";
import type { Connection } from "../net/connection.ts";

/** What `socket.address()` gives, as in node:net; empty while there is no address. */
export interface NodeAddress {
  readonly address?: string;
  readonly family?: string;
  readonly port?: number;
}

/** The part of {@link ConnectionDuplex} that only tells. */
export abstract class DescribedDuplex extends Duplex {
  /** The connection underneath; null before `connect()`. */
  abstract get connection(): Connection<never> | null;

  // ----------------------------------------------------------------------------------- addresses

  address(): NodeAddress {
    const { localAddress: address, localFamily: family, localPort: port } = this;
    if (address === undefined || family === undefined || port === undefined) return {};
    return { address, family, port };
  }

  // As in node:net, a Unix socket has none of these.
  #ofNetwork(): Connection<never> | undefined {
    const connection = this.connection;
    return connection === null || connection.transport === "unix" ? undefined : connection;
  }

  get remoteAddress(): string | undefined {
    return this.#ofNetwork()?.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#ofNetwork()?.remotePort;
  }

  get remoteFamily(): string | undefined {
    return this.#ofNetwork()?.remoteFamily;
  }

  get localAddress(): string | undefined {
    return this.#ofNetwork()?.localAddress;
  }

  get localPort(): number | undefined {
    return this.#ofNetwork()?.localPort;
  }

  get localFamily(): string | undefined {
    return this.#ofNetwork()?.localFamily;
  }

  // ---------------------------------------------------------------------------------------- TLS

  /** True over TLS, as on tls.TLSSocket: frameworks ask for it to tell https from http. */
  get encrypted(): true | undefined {
    return this.connection?.transport === "tls" ? true : undefined;
  }

  /** As on tls.TLSSocket; undefined without TLS. */
  get authorized(): boolean | undefined {
    return this.connection?.tls?.authorized;
  }

  get authorizationError(): string | null | undefined {
    return this.connection?.tls?.authorizationError;
  }

  /** As on tls.TLSSocket: false where none was agreed on; undefined without TLS. */
  get alpnProtocol(): string | false | undefined {
    const info = this.connection?.tls ?? null;
    return info === null ? undefined : (info.alpnProtocol ?? false);
  }
}
