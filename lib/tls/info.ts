// What a handshake has negotiated, as node:tls can tell it. Not here: the handshake itself.

import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import type { TlsInfo } from "../net/tls-engine.ts";

/** A chain that goes in circles, or on for ever, is cut here. */
const MAX_CHAIN_LENGTH = 32;

/**
 * Asks a socket whose handshake is over.
 *
 * @param latest the session that came last; in TLS 1.3 one comes after the handshake
 */
export function infoOf(socket: TLSSocket, latest: () => Buffer | null): TlsInfo {
  const cipher = socket.getCipher();
  // Node sets it on a server only where a client asked for a name, and says false otherwise.
  const { servername } = socket as { servername?: string | false | null };
  const authorizationError = errorName(socket.authorizationError);
  // In this order: Node takes the chain apart when it is asked for the second form.
  const verified = socket.authorized ? verifiedChain(socket) : null;
  const presented = presentedChain(socket);
  return Object.freeze({
    protocol: socket.getProtocol() ?? "",
    cipher: cipher?.standardName ?? cipher?.name ?? "",
    alpnProtocol: socket.alpnProtocol || null,
    servername: servername || null,
    authorized: socket.authorized,
    authorizationError,
    presentedChain: Object.freeze(presented),
    verifiedChain: verified,
    sessionReused: socket.isSessionReused(),
    get session(): Buffer | null {
      return latest();
    },
  });
}

// Node gives an error or its code, and null or undefined where there is none.
function errorName(error: unknown): string | null {
  if (error === null || error === undefined) return null;
  return typeof error === "string" ? error : ((error as { code?: string }).code ?? String(error));
}

// X509Certificate links the certificates in the order in which they were sent.
function presentedChain(socket: TLSSocket): Buffer[] {
  const chain: Buffer[] = [];
  let certificate = socket.getPeerX509Certificate();
  while (certificate !== undefined && chain.length < MAX_CHAIN_LENGTH) {
    chain.push(certificate.raw);
    certificate = certificate.issuerCertificate;
  }
  return chain;
}

// The older form follows issuers into the trusted store, up to a certificate that issued itself.
function verifiedChain(socket: TLSSocket): readonly Buffer[] | null {
  const chain: Buffer[] = [];
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (certificate?.raw !== undefined && chain.length < MAX_CHAIN_LENGTH) {
    chain.push(certificate.raw);
    const issuer: DetailedPeerCertificate | undefined = certificate.issuerCertificate;
    if (issuer === certificate) break;
    certificate = issuer;
  }
  return chain.length === 0 ? null : Object.freeze(chain);
}
