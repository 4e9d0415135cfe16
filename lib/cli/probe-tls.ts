// What `hawser probe --tls` finds: what was negotiated, and the certificates that the server sent.
// Not here: the connection (probe.ts), whether a certificate is accepted (lib/tls).

import { X509Certificate } from "node:crypto";
import type { TlsInfo } from "../net/types.ts";
import { type Palette, table } from "./terminal.ts";

/** One certificate of the chain. */
export interface CertificateFacts {
  /** Distinguished names, in the order of the certificate: `C=US, O=Example, CN=example.com`. */
  readonly subject: string;
  readonly issuer: string;
  /** The names it is good for (RFC 5280 section 4.2.1.6); null where it has none. */
  readonly subjectAltName: string | null;
  readonly selfSigned: boolean;
  readonly serialNumber: string;
  readonly fingerprint256: string;
  /** ISO 8601. */
  readonly validFrom: string;
  readonly validTo: string;
  /** Whole days left; negative where it has expired. */
  readonly expiresInDays: number;
}

export interface TlsFindings {
  readonly protocol: string;
  readonly cipher: string;
  readonly alpnProtocol: string | null;
  readonly servername: string | null;
  readonly authorized: boolean;
  readonly authorizationError: string | null;
  /** What the server sent, leaf first. */
  readonly chain: readonly CertificateFacts[];
  /** The root that the chain was verified with; null where it was not. */
  readonly root: string | null;
}

const DAY_MS = 86_400_000;

export function lookAtTls(tls: TlsInfo, nowMs = Date.now()): TlsFindings {
  const { protocol, cipher, alpnProtocol, servername, authorized, authorizationError } = tls;
  const root = tls.verifiedChain?.at(-1);
  return {
    protocol,
    cipher,
    alpnProtocol,
    servername,
    authorized,
    authorizationError,
    chain: tls.presentedChain.map((der) => factsOf(der, nowMs)),
    root: root === undefined ? null : oneLine(new X509Certificate(root).subject),
  };
}

function factsOf(der: Buffer, nowMs: number): CertificateFacts {
  const certificate = new X509Certificate(der);
  const until = Date.parse(certificate.validTo);
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    subjectAltName:
      certificate.subjectAltName === undefined ? null : oneLine(certificate.subjectAltName),
    selfSigned: certificate.checkIssued(certificate),
    serialNumber: certificate.serialNumber,
    fingerprint256: certificate.fingerprint256,
    validFrom: new Date(certificate.validFrom).toISOString(),
    validTo: new Date(until).toISOString(),
    expiresInDays: Math.floor((until - nowMs) / DAY_MS),
  };
}

// Node gives one attribute a line. Whoever made the certificate chose them: no control characters.
function oneLine(name: string | undefined): string {
  return (name ?? "")
    .split("\n")
    .join(", ")
    .replace(/\p{Cc}/gu, "?");
}

/** The common name, which is what people know a certificate by, or all of it. */
function shortName(name: string): string {
  return /(?:^|, )CN=(.*?)(?:, [A-Za-z.\d]+=|$)/.exec(name)?.[1] ?? (name === "" ? "(none)" : name);
}

/** The findings as a person reads them. */
export function showTls(found: TlsFindings, colours: Palette, nowMs = Date.now()): string {
  const { authorized, authorizationError, root } = found;
  const verdict = authorized
    ? `yes${root === null ? "" : `, by ${shortName(root)}`}`
    : `no: ${authorizationError ?? "no certificate"}`;
  const facts = table([
    ["protocol", found.protocol],
    ["cipher", found.cipher],
    ["ALPN", found.alpnProtocol ?? "none"],
    ["name", found.servername ?? "none"],
    ["verified", verdict],
  ]).split("\n");
  if (!authorized) facts.push(colours.bad(facts.pop() as string));
  return [facts.join("\n"), chain(found.chain, colours, nowMs)].filter(Boolean).join("\n\n");
}

function chain(certificates: readonly CertificateFacts[], colours: Palette, nowMs: number): string {
  if (certificates.length === 0) return "";
  const rows = certificates.map((one) => [
    shortName(one.subject),
    one.selfSigned ? "itself" : shortName(one.issuer),
    expiry(one, nowMs),
  ]);
  const [head, ...lines] = table([["certificate", "issued by", "expires"], ...rows]).split("\n");
  const coloured = lines.map((line, index) =>
    isInTime(certificates[index] as CertificateFacts, nowMs) ? line : colours.bad(line),
  );
  return [colours.bold(head as string), ...coloured].join("\n");
}

function isInTime({ validFrom, validTo }: CertificateFacts, nowMs: number): boolean {
  return Date.parse(validFrom) <= nowMs && nowMs <= Date.parse(validTo);
}

function expiry({ validFrom, validTo }: CertificateFacts, nowMs: number): string {
  const from = Date.parse(validFrom);
  if (from > nowMs) return `not valid before ${day(validFrom)}`;
  const left = Date.parse(validTo) - nowMs;
  const days = Math.floor(Math.abs(left) / DAY_MS);
  const amount = days === 0 ? "less than a day" : days === 1 ? "1 day" : `${days} days`;
  return left < 0 ? `expired ${amount} ago, ${day(validTo)}` : `in ${amount}, ${day(validTo)}`;
}

const day = (iso: string) => iso.slice(0, "2026-01-01".length);
