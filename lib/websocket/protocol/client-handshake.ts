// The client's side of the opening handshake (RFC 6455 section 4.1): the request, and the verdict
// on the answer. Pure; bytes behind a 101 are left to the frames.

import {
  invalidArgValue,
  requireDuration,
  requireObject,
  requireString,
} from "../../errors/arguments.ts";
import {
  checkDeflateAnswer,
  type DeflateParameters,
  type DeflateSettings,
  offerDeflate,
  PERMESSAGE_DEFLATE,
} from "./deflate-negotiation.ts";
import { acceptFor, createKey, isKey } from "./handshake-key.ts";
import { isToken, listHasToken, parseExtensions } from "./header-values.ts";
import { BodyReader, framingOf } from "./http-body.ts";
import {
  countHeader,
  type Headers,
  type HeadLimits,
  HeadReader,
  joinHeaders,
  parseStatusLine,
  resolveHeadLimits,
  type StatusLine,
} from "./http-head.ts";
import { HANDSHAKE_TIMEOUT_MS, MAX_INTERIM_RESPONSES } from "./limits.ts";
import { writeFields } from "./responses.ts";

export interface ClientHandshakeOptions extends Partial<HeadLimits> {
  /** The Host field: name and, where it is not the scheme's own, port. */
  readonly host: string;
  /** The request target: path and query. Default "/". */
  readonly target?: string;
  /** Subprotocols in order of preference. The server must choose one where any is named. */
  readonly protocols?: readonly string[];
  /** Further request fields (Origin, Cookie, Authorization, ...). */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** What to offer; null for no compression. */
  readonly deflate?: DeflateSettings | null;
  /** For tests: 16 bytes in base64. Default random. */
  readonly key?: string;
  /** Milliseconds from the request to the verdict. Default 10,000. */
  readonly handshakeTimeout?: number;
}

export interface AcceptedByServer {
  /** "" when none was asked for. */
  readonly protocol: string;
  /** The value of Sec-WebSocket-Extensions, "" for none. */
  readonly extensions: string;
  /** For {@link WebSocketProtocol}. */
  readonly deflate: DeflateParameters | null;
  readonly headers: Headers;
  readonly rawHeaders: readonly string[];
}

/** B43: the server answered, but not with a WebSocket. */
export interface RefusedByServer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  readonly rawHeaders: readonly string[];
  /** Up to 65,536 bytes. */
  readonly body: Buffer;
  /** The body was longer, or was cut off or malformed. */
  readonly truncated: boolean;
}

export type ClientHandshakeState =
  /** The answer is awaited, or the body of a refusal. */
  | "reading"
  /** `accepted` is there. */
  | "accepted"
  /** `refused` is there. */
  | "refused"
  /** `failure` is there: the answer is no handshake of this protocol. */
  | "failed";

const OWN_FIELDS = new Set([
  "connection",
  "content-length",
  "sec-websocket-extensions",
  "sec-websocket-key",
  "sec-websocket-protocol",
  "sec-websocket-version",
  "transfer-encoding",
  "upgrade",
]);

export class ClientHandshake {
  state: ClientHandshakeState = "reading";
  accepted: AcceptedByServer | null = null;
  refused: RefusedByServer | null = null;
  /** One sentence. */
  failure: string | null = null;
  /** The bytes to send first. */
  readonly request: Buffer;
  /** The moment at which tick() is due. */
  readonly deadline: number;
  private readonly key: string;
  private readonly protocols: readonly string[];
  private readonly deflate: DeflateSettings | null;
  private readonly limits: HeadLimits;
  private reader: HeadReader;
  private interim = 0;
  private status: StatusLine | null = null;
  private rawHeaders: readonly string[] = [];
  private body: BodyReader | null = null;

  /** Throws TypeError or RangeError (ERR_INVALID_ARG_*) for what cannot stand in a request. */
  constructor(options: ClientHandshakeOptions, now: number) {
    requireObject(options, "options");
    const { protocols = [], deflate = null, key = createKey() } = options;
    if (!isKey(key)) throw invalidArgValue("key", "must be 16 bytes in base64", key);
    if (!protocols.every(isToken) || new Set(protocols).size !== protocols.length) {
      throw invalidArgValue("protocols", "must be distinct tokens", protocols);
    }
    this.key = key;
    this.protocols = protocols;
    this.deflate = deflate;
    this.limits = resolveHeadLimits(options);
    this.reader = new HeadReader(this.limits);
    this.request = this.writeRequest(options);
    const { handshakeTimeout = HANDSHAKE_TIMEOUT_MS } = options;
    requireDuration(handshakeTimeout, "handshakeTimeout");
    this.deadline = now + handshakeTimeout;
  }

  /** Takes bytes and gives the index of the first that does not belong to the handshake. */
  receive(chunk: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && this.state === "reading") {
      if (this.body !== null) {
        this.body.push(chunk, at, end);
        at = end;
        if (this.body.done) this.refuse(this.body);
      } else {
        at = this.reader.push(chunk, at, end);
        if (this.reader.error !== null) this.fail(`the answer's ${this.reader.error.message}`);
        else if (this.reader.head !== null) this.judge();
      }
    }
    return at;
  }

  /** The transport has ended: the end of a body, or of all hope. */
  end(): void {
    if (this.state !== "reading") return;
    if (this.body === null) {
      this.fail("the server closed the connection before it answered");
      return;
    }
    this.body.end();
    this.refuse(this.body);
  }

  /** At the deadline a refusal is given with the body that has come, or the handshake fails. */
  tick(now: number): void {
    if (now < this.deadline || this.state !== "reading") return;
    if (this.body === null) {
      this.fail("the server did not answer in time");
      return;
    }
    this.body.truncated = true;
    this.refuse(this.body);
  }

  private writeRequest(options: ClientHandshakeOptions): Buffer {
    const { host, target = "/", headers = {} } = options;
    requireString(host, "host");
    requireString(target, "target");
    if (!/^[\x21-\x7e]+$/.test(target)) {
      throw invalidArgValue("target", "must have no spaces or control characters", target);
    }
    const fields: Record<string, string | readonly string[]> = {
      Host: host,
      Upgrade: "websocket",
      Connection: "Upgrade",
      "Sec-WebSocket-Key": this.key,
      "Sec-WebSocket-Version": "13",
    };
    if (this.protocols.length > 0) fields["Sec-WebSocket-Protocol"] = this.protocols.join(", ");
    if (this.deflate !== null) fields["Sec-WebSocket-Extensions"] = offerDeflate(this.deflate);
    for (const [name, value] of Object.entries(headers)) {
      const lower = name.toLowerCase();
      if (OWN_FIELDS.has(lower)) {
        throw invalidArgValue("headers", "must leave the handshake's fields alone", name);
      }
      // An application may send another Host than it connects to, never two.
      if (lower === "host") fields.Host = value;
      else fields[name] = value;
    }
    return Buffer.from(`GET ${target} HTTP/1.1\r\n${writeFields(fields)}\r\n`, "latin1");
  }

  private judge(): void {
    const { head } = this.reader;
    if (head === null) return;
    const status = parseStatusLine(head.startLine);
    if (status === null || (status.status === 101 && status.minor === 0)) {
      this.fail("the answer is not HTTP/1.1");
      return;
    }
    this.status = status;
    this.rawHeaders = head.rawHeaders;
    if (status.status === 101) {
      this.judgeUpgrade(head.rawHeaders);
    } else if (status.status < 200) {
      if (++this.interim > MAX_INTERIM_RESPONSES) this.fail("too many informational responses");
      this.reader = new HeadReader(this.limits);
    } else {
      this.beginBody(status.status, head.rawHeaders);
    }
  }

  private beginBody(status: number, rawHeaders: readonly string[]): void {
    const framing = framingOf(status, rawHeaders);
    if (framing === null) {
      this.fail("the answer contradicts itself about its length");
      return;
    }
    this.body = new BodyReader(framing);
    if (this.body.done) this.refuse(this.body);
  }

  /** Section 4.1, the numbered list at its end. */
  private judgeUpgrade(rawHeaders: readonly string[]): void {
    const headers = joinHeaders(rawHeaders);
    if (headers.upgrade?.toLowerCase() !== "websocket") {
      this.fail("the answer's Upgrade is not websocket");
    } else if (!listHasToken(headers.connection ?? "", "upgrade")) {
      this.fail("the answer's Connection does not name upgrade");
    } else if (headers["sec-websocket-accept"] !== acceptFor(this.key)) {
      this.fail("the answer's Sec-WebSocket-Accept is wrong");
    } else if (
      headers["transfer-encoding"] !== undefined ||
      (headers["content-length"] ?? "0") !== "0"
    ) {
      this.fail("the answer has a body");
    } else {
      this.judgeNegotiation(headers, rawHeaders);
    }
  }

  private judgeNegotiation(headers: Headers, rawHeaders: readonly string[]): void {
    const protocol = headers["sec-websocket-protocol"] ?? "";
    const { protocols } = this;
    if (countHeader(rawHeaders, "sec-websocket-protocol") > 1 || !this.isOffered(protocol)) {
      this.fail("the server chose a subprotocol that was not offered");
      return;
    }
    if (protocol === "" && protocols.length > 0) {
      this.fail("the server chose none of the subprotocols");
      return;
    }
    const extensions = headers["sec-websocket-extensions"] ?? "";
    const deflate = this.judgeExtensions(extensions);
    if (deflate === undefined) {
      this.fail("the server chose extensions that were not offered");
      return;
    }
    this.accepted = { protocol, extensions, deflate, headers, rawHeaders };
    this.state = "accepted";
  }

  private isOffered(protocol: string): boolean {
    return protocol === "" || this.protocols.includes(protocol);
  }

  /** Undefined: the connection must fail. */
  private judgeExtensions(value: string): DeflateParameters | null | undefined {
    if (value === "") return null;
    const answers = parseExtensions(value);
    const answer = answers?.[0];
    if (answer === undefined || answers?.length !== 1 || this.deflate === null) return undefined;
    if (answer.name !== PERMESSAGE_DEFLATE) return undefined;
    return checkDeflateAnswer(answer, this.deflate) ?? undefined;
  }

  private refuse(body: BodyReader): void {
    const { rawHeaders, status } = this;
    this.refused = {
      status: status?.status ?? 0,
      statusText: status?.statusText ?? "",
      headers: joinHeaders(rawHeaders),
      rawHeaders,
      body: body.body,
      truncated: body.truncated,
    };
    this.state = "refused";
  }

  private fail(failure: string): void {
    this.failure = failure;
    this.state = "failed";
  }
}
