// What a stream over a connection can be asked: its addresses, and what TLS has negotiated, by the
// names of net.Socket and tls.TLSSocket. Not here: anything that moves bytes (duplex.ts).

import type { X509Certificate } from "node:crypto";
import { Duplex } from "node:stream";
import { nodeCrypto } from "../core/builtins.ts";
import type { Connection } from "../net/connection.ts";
import type { TlsInfo } from "../net/types.ts";

/** What `socket.address()` gives, as in node:net; empty while there is no address. */
export interface NodeAddress {
  readonly address?: string;
  readonly family?: string;
  readonly port?: number;
}

/** The part of {@link ConnectionDuplex} that only tells. */
export abstract class DescribedDuplex extends Duplex {
  #peer: { address: string; family: string | undefined; port: number | undefined } | undefined;

  /** The connection underneath; null before `connect()`. */
  abstract get connection(): Connection<never> | null;

  abstract get connecting(): boolean;

  get readyState(): "opening" | "open" | "readOnly" | "writeOnly" | "closed" {
    if (this.connecting) return "opening";
    if (this.readable) return this.writable ? "open" : "readOnly";
    return this.writable ? "writeOnly" : "closed";
  }

  /** Bytes received. */
  get bytesRead(): number {
    return this.connection?.bytesRead ?? 0;
  }

  /** As in node:net, where it is deprecated: what `write` has queued, in bytes. */
  get bufferSize(): number {
    return this.writableLength;
  }

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

  // As in node:net, who has asked once may ask again when it is closed.
  #peerAddress() {
    const connection = this.#ofNetwork();
    const address = connection?.remoteAddress;
    if (connection === undefined || address === undefined) return this.#peer;
    this.#peer = { address, family: connection.remoteFamily, port: connection.remotePort };
    return this.#peer;
  }

  /** Another connection takes its place. */
  protected forgetPeer(): void {
    this.#peer = undefined;
  }

  get remoteAddress(): string | undefined {
    return this.#peerAddress()?.address;
  }

  get remotePort(): number | undefined {
    return this.#peerAddress()?.port;
  }

  get remoteFamily(): string | undefined {
    return this.#peerAddress()?.family;
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
    const info = this.#tls();
    return info === null ? undefined : (info.alpnProtocol ?? false);
  }

  #tls(): TlsInfo | null {
    return this.connection?.tls ?? null;
  }

  // Programs ask for these functions to tell a tls.TLSSocket from a net.Socket.

  /** As on tls.TLSSocket: the certificate that the peer sent; undefined without TLS. */
  get getPeerX509Certificate(): (() => X509Certificate | undefined) | undefined {
    const info = this.#tls();
    return info === null ? undefined : () => certificateOf(info.presentedChain[0]);
  }

  /**
   * As on tls.TLSSocket: the same in Node's older form, empty where there is none. With `detailed`
   * each has its issuer, as far as they were sent or verified; the last one has itself.
   */
  get getPeerCertificate(): ((detailed?: boolean) => object) | undefined {
    const info = this.#tls();
    return info === null ? undefined : (detailed = false) => legacyChain(info, detailed);
  }

  /** As on tls.TLSSocket; undefined without TLS. */
  get getProtocol(): (() => string) | undefined {
    const info = this.#tls();
    return info === null ? undefined : () => info.protocol;
  }

  /** As on tls.TLSSocket, where both names are the one of the IANA; undefined without TLS. */
  get getCipher():
    | (() => { readonly name: string; readonly standardName: string; readonly version: string })
    | undefined {
    const info = this.#tls();
    if (info === null) return undefined;
    const { cipher, protocol } = info;
    return () => ({ name: cipher, standardName: cipher, version: protocol });
  }

  /** As on tls.TLSSocket: the name asked for, false where none was; undefined without TLS. */
  get servername(): string | false | undefined {
    const info = this.#tls();
    return info === null ? undefined : (info.servername ?? false);
  }

  /** As on tls.TLSSocket; undefined without TLS. */
  get isSessionReused(): (() => boolean) | undefined {
    const info = this.#tls();
    return info === null ? undefined : () => info.sessionReused;
  }
}

function certificateOf(der: Buffer | undefined): X509Certificate | undefined {
  return der === undefined ? undefined : new (nodeCrypto().X509Certificate)(der);
}

function legacyChain({ presentedChain, verifiedChain }: TlsInfo, detailed: boolean): object {
  const chain = verifiedChain ?? presentedChain;
  const forms: Record<string, unknown>[] = [];
  for (const der of detailed ? chain : chain.slice(0, 1)) {
    forms.push(certificateOf(der)?.toLegacyObject() as unknown as Record<string, unknown>);
  }
  if (!detailed) return forms[0] ?? {};
  forms.forEach((form, index) => {
    form["issuerCertificate"] = forms[index + 1] ?? form;
  });
  return forms[0] ?? {};
}
