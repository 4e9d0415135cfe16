// What TLS is to a connection: the options, what was negotiated, and the engine that does it. The
// engine stands in a layer above, and is made known here; another may take its place.
// Not here: any TLS (lib/tls), when it begins (establishment.ts, listener.ts, connection.ts).

import { type ErrorContext, type HawserError, invalidArgValue } from "../errors/index.ts";
import type { ByteChannel } from "./byte-channel.ts";

export interface TlsOption {
  /** For `tls:` endpoints. A listener needs a certificate, or `psk`. */
  readonly tls?: TlsOptions | undefined;
}

/**
 * The answer of {@link TlsOptions.SNICallback}: a context of node:tls, or nothing for the default.
 */
export type SniAnswer = (
  error: Error | null,
  context?: import("node:tls").SecureContext | undefined,
) => void;

/**
 * Options of TLS, those of the certificates as in node:tls (`tls.createSecureContext`): `ca`,
 * `cert`, `key`, `pfx`, `passphrase`, `ciphers`, `minVersion`, `maxVersion`, `crl` and the rest.
 */
export type TlsOptions = Omit<import("node:tls").SecureContextOptions, "sessionTimeout"> & {
  /** The name to ask for (SNI, RFC 6066 section 3) and to verify. Default: the host, if a name. */
  readonly servername?: string | undefined;
  /** RFC 7301, in order of preference. Without a common one the handshake fails. */
  readonly alpnProtocols?: readonly string[] | undefined;
  /** Fail where the peer's certificate is not verified. Default true on a client, else false. */
  readonly rejectUnauthorized?: boolean | undefined;
  /** Server: ask the client for a certificate. Default false. */
  readonly requestCert?: boolean | undefined;
  /**
   * Whether a peer's FIN without close_notify is an error, ERR_HAWSER_TLS_TRUNCATED, after all data
   * (RFC 8446 section 6.1: anybody on the way can send a FIN). False takes it for an end: for
   * protocols that tell the length themselves, and for peers that leave close_notify out, as
   * node:tls does where `end(data)` writes and ends at once. Default true.
   */
  readonly requireCloseNotify?: boolean | undefined;
  /** Client: a session to resume, from `connection.tls.session` (RFC 8446 section 2.2). */
  readonly session?: Buffer | undefined;
  /** A pre-shared key (RFC 8446 section 2.2, RFC 4279); a wrong one fails the handshake. */
  readonly psk?: { readonly identity: string; readonly key: Buffer } | undefined;
  /** Server: the key of an identity, or null where there is none. */
  pskCallback?(identity: string): Buffer | null;
  /** Server: another context by the name that the client asks for, as in node:tls. */
  SNICallback?(servername: string, answer: SniAnswer): void;
  /** Client: how a name is compared with a certificate, as in node:tls. */
  checkServerIdentity?: typeof import("node:tls").checkServerIdentity | undefined;
  /**
   * Decides, in place of `rejectUnauthorized`, whether the peer is accepted; may be asynchronous.
   * Called with both chains before the connection is ready; nothing is delivered before it agrees.
   */
  verify?(peer: TlsInfo): boolean | PromiseLike<boolean>;
};

/** What a handshake has negotiated. */
export interface TlsInfo {
  /** `"TLSv1.3"`, ... */
  readonly protocol: string;
  /** The cipher suite by its name in the IANA registry. */
  readonly cipher: string;
  readonly alpnProtocol: string | null;
  /** The name asked for (SNI). */
  readonly servername: string | null;
  /** Whether the peer's certificate was verified. */
  readonly authorized: boolean;
  /** Why not; null where it was, or where none was asked for. */
  readonly authorizationError: string | null;
  /** What the peer sent, DER, leaf first. Empty for a resumed session that does not keep it. */
  readonly presentedChain: readonly Buffer[];
  /** The chain that was verified, DER, leaf first, up to its root; null where none was. */
  readonly verifiedChain: readonly Buffer[] | null;
  readonly sessionReused: boolean;
  /**
   * Client: for {@link TlsOptions.session}. In TLS 1.3 it comes after the handshake: null before.
   */
  readonly session: Buffer | null;
}

/** TLS over another channel. Before the handshake is over it takes writes and delivers nothing. */
export interface SecureChannel extends ByteChannel {
  readonly tls: TlsInfo | null;
}

export interface SecureRequest {
  /** Connected; it belongs to the secure channel from now on. */
  readonly channel: ByteChannel;
  /** Bytes that were received already, and are the peer's first of TLS. */
  readonly received?: Buffer | undefined;
  /** Bytes that were written before: `writtenBytes` goes on from here. */
  readonly writtenBytes?: number | undefined;
  /** Where it is, for errors. */
  readonly place: ErrorContext;
  /** Called once, never inside `secure`: null when the handshake is over, else why it failed. */
  readonly done: (error: HawserError | null) => void;
}

/** Checked options, shared by all connections of a listener. */
export interface TlsContext {
  secure(request: SecureRequest): SecureChannel;
}

export interface TlsEngine {
  /**
   * @param host whom to reach; a name is asked for and verified, an address only verified
   * @throws TypeError, RangeError, or HawserError with `phase` "tls" for unusable certificates
   */
  client(options: unknown, host: string | undefined): TlsContext;
  server(options: unknown): TlsContext;
}

/** The peer's TCP ended and its TLS did not (RFC 8446 section 6.1). */
export const TRUNCATED = "ERR_HAWSER_TLS_TRUNCATED";

let engine: TlsEngine | null = null;

/** Makes the engine known; done once, by the layer that has it. */
export function setTlsEngine(one: TlsEngine): void {
  engine = one;
}

/** The option `tls` on an endpoint that does not use it. */
export function tlsWithoutScheme(options: unknown): TypeError {
  const why = "must go with a tls: endpoint; TLS on a connection that is open is startTls()";
  return invalidArgValue("tls", why, options);
}

/** The engine. */
export function tlsEngine(): TlsEngine {
  if (engine === null) throw new Error("no TLS engine: import hawser, not a part of it");
  return engine;
}
