// The server's side of the opening handshake (RFC 6455 section 4.2): a request head is judged, and
// an answer is made from what the application decides. Pure; the clock is a deadline to compare.

import {
  invalidArgValue,
  invalidState,
  requireDuration,
  requireObject,
  requireString,
} from "../../errors/arguments.ts";
import {
  acceptDeflate,
  type DeflateParameters,
  type DeflateSettings,
} from "./deflate-negotiation.ts";
import { acceptFor, isKey } from "./handshake-key.ts";
import { isToken, listHasToken, parseExtensions, parseTokenList } from "./header-values.ts";
import {
  countHeader,
  type Headers,
  type HeadLimits,
  HeadReader,
  joinHeaders,
  parseRequestLine,
  resolveHeadLimits,
} from "./http-head.ts";
import { HANDSHAKE_TIMEOUT_MS } from "./limits.ts";
import { type Refusal, responseHead, writeRefusal } from "./responses.ts";

/** A request head, from {@link ServerHandshake} or from node:http. */
export interface RequestHead {
  readonly method: string;
  /** The request target as it stands in the request line. */
  readonly url: string;
  readonly rawHeaders: readonly string[];
}

/** A request that may become a WebSocket. */
export interface UpgradeRequest extends RequestHead {
  /** The target without its query. */
  readonly path: string;
  readonly headers: Headers;
  /** Subprotocols that the client offers, in its order of preference. */
  readonly protocols: readonly string[];
  readonly origin: string | undefined;
  readonly key: string;
  /** Sec-WebSocket-Extensions as it stands, "" where absent. */
  readonly extensions: string;
}

/** A field that may stand once at most: parsers that take the first or the last would differ. */
const SINGLE_FIELDS = [
  "host",
  "origin",
  "sec-websocket-key",
  "sec-websocket-version",
  "content-length",
] as const;

function refuse(status: number, body: string, headers: Refusal["headers"] = {}): Refusal {
  return { status, headers: { "Content-Type": "text/plain; charset=utf-8", ...headers }, body };
}

const UPGRADE_WANTED = { Upgrade: "websocket", "Sec-WebSocket-Version": "13" } as const;

/** Section 4.2.1: the request as an upgrade, or what to answer instead. */
export function readUpgradeRequest(head: RequestHead): UpgradeRequest | Refusal {
  const { method, rawHeaders, url } = head;
  const headers = joinHeaders(rawHeaders);
  for (const name of SINGLE_FIELDS) {
    if (countHeader(rawHeaders, name) > 1) return refuse(400, `${name} stands twice`);
  }
  if (headers.host === undefined) return refuse(400, "Host is missing");
  if (headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0") {
    return refuse(400, "An upgrade request has no body");
  }
  const upgrade = headers.upgrade;
  if (upgrade === undefined || !listHasToken(upgrade, "websocket")) {
    return refuse(426, "A WebSocket handshake is needed", {
      ...UPGRADE_WANTED,
      Connection: "Upgrade",
    });
  }
  if (method !== "GET") return refuse(405, "The method must be GET", { Allow: "GET" });
  if (!listHasToken(headers.connection ?? "", "upgrade")) {
    return refuse(400, "Connection does not name upgrade");
  }
  if (headers["sec-websocket-version"] !== "13") {
    return refuse(426, "The version must be 13", { ...UPGRADE_WANTED, Connection: "Upgrade" });
  }
  const key = headers["sec-websocket-key"] ?? "";
  if (!isKey(key)) return refuse(400, "Sec-WebSocket-Key is not 16 bytes in base64");
  const list = headers["sec-websocket-protocol"];
  const protocols = list === undefined ? [] : parseTokenList(list);
  if (protocols === null) return refuse(400, "Sec-WebSocket-Protocol is malformed");
  const extensions = headers["sec-websocket-extensions"] ?? "";
  if (extensions !== "" && parseExtensions(extensions) === null) {
    return refuse(400, "Sec-WebSocket-Extensions is malformed");
  }
  const path = pathOf(url);
  if (path === null) return refuse(400, "The request target is neither a path nor a URL");
  return {
    method,
    url,
    path,
    rawHeaders,
    headers,
    protocols,
    origin: headers.origin,
    key,
    extensions,
  };
}

/** RFC 9112 section 3.2: origin form, or absolute form whose authority is dropped. */
function pathOf(target: string): string | null {
  const origin = target.replace(/^https?:\/\/[^/?#]+/i, "");
  if (origin === target && !target.startsWith("/")) return null;
  const query = origin.indexOf("?");
  return (query < 0 ? origin : origin.slice(0, query)) || "/";
}

/** What the application adds to an accepted upgrade. */
export interface AcceptOptions {
  /** One of the client's subprotocols; none when absent. */
  readonly protocol?: string;
  /** Further response fields. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Willing to compress; null for no. */
  readonly deflate?: DeflateSettings | null;
}

export interface Accepted {
  /** The response, to be sent before any frame. */
  readonly response: Buffer;
  readonly protocol: string;
  /** The value of Sec-WebSocket-Extensions, "" for none. */
  readonly extensions: string;
  /** For {@link WebSocketProtocol}. */
  readonly deflate: DeflateParameters | null;
}

/** Fields of the handshake itself; an application may not set them. */
const OWN_FIELDS = new Set([
  "connection",
  "content-length",
  "sec-websocket-accept",
  "sec-websocket-extensions",
  "sec-websocket-protocol",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Section 4.2.2: the 101 answer. Throws TypeError or RangeError (ERR_INVALID_ARG_*) for a
 * subprotocol that the client did not offer and for malformed or reserved headers.
 */
export function acceptUpgrade(request: UpgradeRequest, options: AcceptOptions = {}): Accepted {
  requireObject(options, "options");
  const { protocol = "", headers = {}, deflate = null } = options;
  requireString(protocol, "protocol");
  if (protocol !== "" && !(isToken(protocol) && request.protocols.includes(protocol))) {
    throw invalidArgValue("protocol", "must be one that the client offered", protocol);
  }
  for (const name of Object.keys(headers)) {
    if (OWN_FIELDS.has(name.toLowerCase())) {
      throw invalidArgValue("headers", "must leave the handshake's fields alone", name);
    }
  }
  const offers = request.extensions === "" ? null : parseExtensions(request.extensions);
  const agreed = deflate === null || offers === null ? null : acceptDeflate(offers, deflate);
  const own: Record<string, string> = {
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Accept": acceptFor(request.key),
  };
  if (protocol !== "") own["Sec-WebSocket-Protocol"] = protocol;
  if (agreed !== null) own["Sec-WebSocket-Extensions"] = agreed.answer;
  return {
    response: responseHead(101, undefined, { ...own, ...headers }),
    protocol,
    extensions: agreed?.answer ?? "",
    deflate: agreed?.parameters ?? null,
  };
}

export interface ServerHandshakeOptions extends Partial<HeadLimits> {
  /** Milliseconds for the whole handshake, the application's decision included. Default 10,000. */
  readonly handshakeTimeout?: number;
}

/** What has become of a handshake so far. */
export type ServerHandshakeState =
  /** Bytes of the head are awaited. */
  | "reading"
  /** `request` is there: accept() or refuse(). */
  | "request"
  /** `refusal` is there, and `head` where it was plain HTTP: send it with refuse(). */
  | "refused"
  /** Answered. */
  | "done";

/** One request on one connection. Bytes behind the head are not taken: they are frames. */
export class ServerHandshake {
  state: ServerHandshakeState = "reading";
  /** The head as it came, once it is complete. */
  head: RequestHead | null = null;
  request: UpgradeRequest | null = null;
  /** Why there is no request; the answer that the RFCs ask for. */
  refusal: Refusal | null = null;
  /** The moment at which tick() is due. */
  readonly deadline: number;
  private readonly reader: HeadReader;

  constructor(options: ServerHandshakeOptions, now: number) {
    this.reader = new HeadReader(resolveHeadLimits(options));
    const { handshakeTimeout = HANDSHAKE_TIMEOUT_MS } = options;
    requireDuration(handshakeTimeout, "handshakeTimeout");
    this.deadline = now + handshakeTimeout;
  }

  /** True when the peer has sent something: otherwise it is owed no answer at a time-out. */
  get begun(): boolean {
    return this.reader.begun;
  }

  /** Takes bytes and gives the index of the first that does not belong to the head. */
  receive(chunk: Buffer, start: number, end: number): number {
    if (this.state !== "reading") return start;
    const at = this.reader.push(chunk, start, end);
    const { error, head } = this.reader;
    if (error !== null) this.deny(refuse(error.status, error.message));
    else if (head !== null) this.judge(head.startLine, head.rawHeaders);
    return at;
  }

  /** At the deadline: 408 for a head without end, 503 for an application without an answer. */
  tick(now: number): void {
    if (now < this.deadline || this.state === "done" || this.state === "refused") return;
    if (this.state === "reading") this.deny(refuse(408, "The request took too long"));
    else this.deny(refuse(503, "The decision took too long"));
  }

  /** The 101 answer; see {@link acceptUpgrade}. */
  accept(options: AcceptOptions = {}): Accepted {
    const { request } = this;
    if (this.state !== "request" || request === null) {
      throw invalidState(`There is no request to accept: the handshake is "${this.state}"`);
    }
    const accepted = acceptUpgrade(request, options);
    this.state = "done";
    return accepted;
  }

  /** Any other answer (B44), the one in `refusal` by default; the connection ends after it. */
  refuse(refusal: Refusal | null = this.refusal): Buffer {
    const response = writeRefusal(refusal ?? refuse(403, "Refused"), this.head?.method === "HEAD");
    this.state = "done";
    return response;
  }

  private judge(startLine: string, rawHeaders: readonly string[]): void {
    const line = parseRequestLine(startLine);
    if ("status" in line) {
      this.deny(refuse(line.status, line.message));
      return;
    }
    this.head = { method: line.method, url: line.target, rawHeaders };
    const result = readUpgradeRequest(this.head);
    if ("status" in result) {
      this.deny(result);
      return;
    }
    this.request = result;
    this.state = "request";
  }

  private deny(refusal: Refusal): void {
    this.refusal = refusal;
    this.state = "refused";
  }
}
