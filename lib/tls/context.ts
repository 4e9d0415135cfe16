// The engine over node:tls: contexts of clients and servers, and how each begins a handshake.
// Not here: the channel (tls-channel.ts), the check of options (options.ts).

import type { ConnectionOptions, PeerCertificate, Server, TLSSocket, TlsOptions } from "node:tls";
import { parseAddress } from "../core/address.ts";
import { TLS_HANDSHAKE_TIMEOUT_MS } from "../core/limits.ts";
import type { ErrorContext, HawserError } from "../errors/index.ts";
import type {
  SecureChannel,
  SecureRequest,
  TlsContext,
  TlsEngine,
  TlsInfo,
} from "../net/tls-engine.ts";
import { refused, tlsError, unauthorized } from "./errors.ts";
import { nodeTls } from "./node-tls.ts";
import { type CheckedOptions, checkOptions } from "./options.ts";
import { type Handshake, type Judge, TlsChannel } from "./tls-channel.ts";
import type { Transport } from "./transport.ts";

/**
 * With a pre-shared key and without a certificate. OpenSSL's default list has none of the older
 * ones; in TLS 1.3 a key from outside goes with SHA-256 (RFC 8446 section 4.2.11).
 */
const PSK_CIPHERS = "TLS_AES_128_GCM_SHA256:kECDHEPSK+CHACHA20:kDHEPSK+AESGCM:kPSK+AESGCM";

export const nodeEngine: TlsEngine = {
  client: (options, host) => new ClientContext(checkOptions(options), host),
  server: (options) => new ServerContext(checkOptions(options)),
};

function judgeOf({ verify }: CheckedOptions, otherwise: Judge): Judge {
  if (verify === undefined) return otherwise;
  return async (info: TlsInfo, place: ErrorContext): Promise<HawserError | null> =>
    (await verify(info)) ? null : refused(place);
}

// Certificates that cannot be read are told when the options are given, not at the first handshake.
function make<T>(create: () => T): T {
  try {
    return create();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw error;
    throw tlsError(error, { phase: "tls" });
  }
}

class ClientContext implements TlsContext {
  readonly #options: ConnectionOptions;
  readonly #judge: Judge;
  readonly #requireCloseNotify: boolean;

  constructor(options: CheckedOptions, host: string | undefined) {
    const { psk, alpnProtocols, session, checkServerIdentity, verify } = options;
    const name =
      options.servername ??
      (host !== undefined && parseAddress(host) === undefined ? host : undefined);
    const ciphers = psk === undefined ? {} : { ciphers: PSK_CIPHERS };
    this.#options = {
      secureContext: make(() => nodeTls().createSecureContext({ ...ciphers, ...options.context })),
      // What the certificate is compared with, where there is no name.
      host: host ?? "localhost",
      rejectUnauthorized: verify === undefined && options.rejectUnauthorized !== false,
      ...(name !== undefined && name !== "" && { servername: name }),
      ...(alpnProtocols !== undefined && { ALPNProtocols: [...alpnProtocols] }),
      ...(session !== undefined && { session }),
      ...(psk !== undefined && { pskCallback: () => ({ identity: psk.identity, psk: psk.key }) }),
      checkServerIdentity: checkServerIdentity ?? identityCheck(psk !== undefined),
    };
    this.#requireCloseNotify = options.requireCloseNotify;
    this.#judge = judgeOf(options, () => null);
  }

  secure(request: SecureRequest): SecureChannel {
    const handshake: Handshake = (transport, secured) => {
      const socket: TLSSocket = nodeTls().connect({ ...this.#options, socket: transport }, () =>
        secured(socket),
      );
      return socket;
    };
    const manner = { judge: this.#judge, requireCloseNotify: this.#requireCloseNotify };
    return new TlsChannel(request, { handshake, ...manner });
  }
}

// Who has proved that he knows the key has no certificate to compare with a name.
function identityCheck(hasKey: boolean): NonNullable<ConnectionOptions["checkServerIdentity"]> {
  return (name: string, certificate: PeerCertificate) =>
    hasKey && certificate?.raw === undefined
      ? undefined
      : nodeTls().checkServerIdentity(name, certificate);
}

class ServerContext implements TlsContext {
  /** Never listens; connections are handed to it, and it has what they share: tickets, contexts. */
  readonly #server: Server;
  readonly #judge: Judge;
  readonly #requireCloseNotify: boolean;

  constructor(options: CheckedOptions) {
    const { psk, alpnProtocols, requestCert, SNICallback } = options;
    const keyOf = options.pskCallback ?? (psk && ((name: string) => keyFor(psk, name)));
    const isAnonymous = options.context.cert === undefined && options.context.pfx === undefined;
    const settings: TlsOptions = {
      ...(keyOf !== undefined && isAnonymous && { ciphers: PSK_CIPHERS }),
      ...options.context,
      requestCert: requestCert || options.verify !== undefined,
      // Decided below, where the reason can be told.
      rejectUnauthorized: false,
      handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS,
      ...(alpnProtocols !== undefined && { ALPNProtocols: [...alpnProtocols] }),
      ...(SNICallback !== undefined && { SNICallback }),
      ...(keyOf !== undefined && {
        pskCallback: (_socket: TLSSocket, name: string) => keyOf(name),
      }),
    };
    this.#server = make(() => nodeTls().createServer(settings));
    const mustVerify = requestCert && options.rejectUnauthorized === true;
    this.#requireCloseNotify = options.requireCloseNotify;
    this.#judge = judgeOf(options, ({ authorized, authorizationError }, place) =>
      mustVerify && !authorized
        ? unauthorized(authorizationError ?? "UNABLE_TO_GET_ISSUER_CERT", place)
        : null,
    );
  }

  secure(request: SecureRequest): SecureChannel {
    const handshake: Handshake = (transport, secured, failed) => {
      accept(this.#server, transport, secured, failed);
      return null;
    };
    const manner = { judge: this.#judge, requireCloseNotify: this.#requireCloseNotify };
    return new TlsChannel(request, { handshake, ...manner });
  }
}

function keyFor(psk: { identity: string; key: Buffer }, identity: string): Buffer | null {
  return identity === psk.identity ? psk.key : null;
}

/**
 * Hands a stream to a server. Node tells of the outcome by events of the server, which do not say
 * whose stream it was; so each stream gets an object of its own that is the server in everything
 * else, and hears what concerns it.
 */
function accept(
  server: Server,
  transport: Transport,
  secured: (socket: TLSSocket) => void,
  failed: (error: unknown) => void,
): void {
  const own: Server = Object.create(server, {
    emit: {
      value(event: string, ...args: unknown[]): boolean {
        if (event === "secureConnection") secured(args[0] as TLSSocket);
        else if (event === "tlsClientError") failed(args[0]);
        else return server.emit(event, ...args);
        return true;
      },
    },
  });
  const emit = server.emit as (this: Server, event: string, stream: Transport) => boolean;
  emit.call(own, "connection", transport);
}
