// One accepted stream until it is a WebSocket: the request, the application's decision, the answer.
// Not here: what a request must look like (protocol/server-handshake.ts), who listens
// (listener.ts).

import type { IncomingHttpHeaders, RequestListener } from "node:http";
import { nodeNet } from "../core/builtins.ts";
import { bytesOf } from "../core/byte-stream.ts";
import { Deadline } from "../core/deadlines.ts";
import { type HawserError, rejectUnknownKeys, requireObject } from "../errors/index.ts";
import { clearDeadline, type DeadlineOwner, setDeadline } from "../net/clock.ts";
import type { Ending } from "../net/connection-base.ts";
import { report } from "../socket/reactor.ts";
import type { Carrier, CarrierUser } from "./carrier.ts";
import type { WebSocketConnection } from "./connection.ts";
import { upgradeFailed } from "./errors.ts";
import { makeHttpStream } from "./http-stream.ts";
import type { Hub } from "./hub.ts";
import {
  type Accepted,
  type Refusal,
  type UpgradeRequest as RequestedUpgrade,
  ServerHandshake,
} from "./protocol/index.ts";
import { wallTime } from "./turn-clock.ts";
import type { HeadersInput, UpgradeRequest, UpgradeResult } from "./types.ts";

const EMPTY = Buffer.alloc(0);

const ACCEPTANCE_KEYS: ReadonlySet<string> = new Set(["protocol", "headers", "data"]);
const REFUSAL_KEYS: ReadonlySet<string> = new Set(["status", "statusText", "headers", "body"]);

type Acceptance = Exclude<UpgradeResult, undefined | Response | { readonly status: number }>;

export class ServerUpgrade implements CarrierUser, DeadlineOwner {
  readonly #carrier: Carrier;
  readonly #hub: Hub;
  readonly #scheme: "ws" | "wss";
  readonly #handshake: ServerHandshake;
  readonly #deadline = new Deadline<DeadlineOwner>(this);
  #abort: AbortController | null = null;
  /** What came behind the head while the application thinks. */
  #rest: Buffer = EMPTY;
  /** The head as it came, where an HTTP server may have to read it again. */
  #raw: Buffer[] | null;
  #isOver = false;

  constructor(carrier: Carrier, hub: Hub, scheme: "ws" | "wss") {
    const { handshake } = hub.parameters.shared;
    this.#carrier = carrier;
    this.#hub = hub;
    this.#scheme = scheme;
    this.#raw = hub.parameters.own.http === undefined ? null : [];
    this.#handshake = new ServerHandshake(handshake, wallTime());
    carrier.user = this;
    setDeadline(this.#deadline, handshake.handshakeTimeout);
  }

  opened(): void {}
  flushed(): void {}
  drained(): void {}

  received(chunk: Buffer, start: number, end: number): void {
    const handshake = this.#handshake;
    if (handshake.state !== "reading" || this.#isOver) {
      this.#keep(chunk, start, end);
      return;
    }
    this.#raw?.push(Buffer.from(chunk.subarray(start, end)));
    const at = handshake.receive(chunk, start, end);
    if (handshake.state === "reading") return;
    if (handshake.request === null) this.#refuse();
    else this.#decide(handshake.request, chunk, at, end);
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    if (this.#isOver || start === end) return;
    this.#rest = Buffer.concat([this.#rest, chunk.subarray(start, end)]);
    this.#carrier.hold(true);
  }

  #takeRest(): Buffer {
    const rest = this.#rest;
    this.#rest = EMPTY;
    return rest;
  }

  // ----------------------------------------------------------------------------------- deciding

  #decide(request: RequestedUpgrade, chunk: Buffer, at: number, end: number): void {
    const { path, parameters } = this.#hub;
    const { upgrade } = parameters.own;
    this.#raw = null;
    if (path !== null && path !== request.path) {
      this.#refuse({ status: 404, body: "Not Found" });
      return;
    }
    if (upgrade === undefined) {
      const protocol = request.protocols[0];
      this.#accept(request, protocol === undefined ? {} : { protocol }, chunk, at, end);
      return;
    }
    let result: unknown;
    try {
      result = upgrade(this.#infoOf(request));
    } catch (error) {
      this.#handlerFailed(error);
      return;
    }
    if (typeof (result as PromiseLike<unknown>)?.then !== "function") {
      this.#settle(request, result as UpgradeResult, chunk, at, end);
      return;
    }
    // Nothing more is read while the application thinks, but for the end.
    this.#keep(chunk, at, end);
    (result as PromiseLike<UpgradeResult>).then(
      (settled) => this.#settleLater(request, settled),
      (error) => {
        if (!this.#isOver) this.#handlerFailed(error);
        else if (this.#abort?.signal.reason !== error) report(error);
      },
    );
  }

  #settleLater(request: RequestedUpgrade, result: UpgradeResult): void {
    if (this.#isOver) return;
    const rest = this.#takeRest();
    this.#settle(request, result, rest, 0, rest.length);
    this.#carrier.hold(false);
  }

  #settle(
    request: RequestedUpgrade,
    result: UpgradeResult,
    chunk: Buffer,
    at: number,
    end: number,
  ): void {
    if (result instanceof Response) {
      void this.#refuseWith(result);
      return;
    }
    let refusal: Refusal | null = null;
    try {
      if (result !== undefined) refusal = refusalOf(requireObject(result, "what upgrade() gives"));
    } catch (error) {
      this.#handlerFailed(error);
      return;
    }
    if (refusal !== null) this.#refuse(refusal);
    else this.#accept(request, (result ?? {}) as Acceptance, chunk, at, end);
  }

  #infoOf(request: RequestedUpgrade): UpgradeRequest {
    const { headers, rawHeaders, protocols, origin, url: target } = request;
    this.#abort = new AbortController();
    return {
      url: this.#urlOf(request),
      path: target,
      headers: headers as IncomingHttpHeaders,
      rawHeaders,
      protocols,
      origin,
      remoteAddress: this.#carrier.remoteAddress ?? "",
      signal: this.#abort.signal,
    };
  }

  #urlOf({ url, headers }: RequestedUpgrade): string {
    return url.startsWith("/") ? `${this.#scheme}://${headers["host"] ?? ""}${url}` : url;
  }

  #accept(
    request: RequestedUpgrade,
    acceptance: Acceptance,
    chunk: Buffer,
    at: number,
    end: number,
  ): void {
    if (this.#hub.admits(() => this.#openLater(request, acceptance))) {
      this.#open(request, acceptance, chunk, at, end);
    } else {
      this.#keep(chunk, at, end);
    }
  }

  #openLater(request: RequestedUpgrade, acceptance: Acceptance): void {
    if (this.#isOver) return;
    const rest = this.#takeRest();
    this.#open(request, acceptance, rest, 0, rest.length);
    this.#carrier.hold(false);
  }

  #open(
    request: RequestedUpgrade,
    { protocol, headers, data }: Acceptance,
    chunk: Buffer,
    at: number,
    end: number,
  ): void {
    let accepted: Accepted;
    try {
      accepted = this.#handshake.accept({
        ...(protocol === undefined ? {} : { protocol }),
        ...(headers === undefined ? {} : { headers }),
        deflate: this.#hub.parameters.shared.settings.deflate,
      });
    } catch (error) {
      this.#handlerFailed(error);
      return;
    }
    this.#finish();
    const carrier = this.#carrier;
    carrier.write(accepted.response);
    const { extensions, deflate } = accepted;
    const agreed = { url: this.#urlOf(request), protocol: accepted.protocol, extensions, deflate };
    const socket = this.#hub.open(carrier, agreed, data) as WebSocketConnection;
    this.#hub.announce(socket);
    if (at < end) socket.received(chunk, at, end);
  }

  // ----------------------------------------------------------------------------------- refusing

  #handlerFailed(error: unknown): void {
    report(error);
    this.#refuse({ status: 500, body: "Internal Server Error" });
  }

  async #refuseWith(response: Response): Promise<void> {
    try {
      const headers: Record<string, string | string[]> = {};
      for (const [name, value] of response.headers) headers[name] = value;
      const cookies = response.headers.getSetCookie();
      if (cookies.length > 0) headers["set-cookie"] = cookies;
      const body = new Uint8Array(await response.arrayBuffer());
      const { status, statusText } = response;
      if (this.#isOver) return;
      this.#refuse({ status, ...(statusText === "" ? {} : { statusText }), headers, body });
    } catch (error) {
      if (!this.#isOver) this.#handlerFailed(error);
    }
  }

  // Without a refusal: the one that the RFCs ask for.
  #refuse(refusal?: Refusal): void {
    const { head, refusal: own } = this.#handshake;
    const { http } = this.#hub.parameters.own;
    const raw = this.#raw;
    if (refusal === undefined && http !== undefined && raw !== null && head !== null) {
      if (!isUpgrade(head.rawHeaders)) {
        this.#giveToHttp(http, raw);
        return;
      }
    }
    let answer: Buffer;
    try {
      answer = this.#handshake.refuse(refusal ?? own);
    } catch (error) {
      report(error);
      answer = this.#handshake.refuse({ status: 500 });
    }
    if (refusal === undefined && own !== null) this.#tell(own);
    else this.#hub.upgradeDropped(`refused with ${refusal?.status ?? 403}`);
    this.#finish();
    this.#carrier.user = null;
    this.#carrier.write(answer);
    this.#carrier.finish();
  }

  #tell({ status, body = "" }: Refusal): void {
    const why = `${status} ${String(body)}`;
    this.#hub.upgradeFailed(upgradeFailed(why, this.#carrier.whereabouts));
  }

  // Node's own server goes on with the descriptor, and reads the head again; over TLS, where none
  // can be given away, with a stream.
  #giveToHttp(listener: RequestListener, raw: readonly Buffer[]): void {
    const carrier = this.#carrier;
    const fd = carrier.release();
    this.#finish();
    const server = this.#hub.serverFor(listener);
    const socket =
      fd < 0
        ? makeHttpStream(carrier, () => this.#hub.endHttp("idle"))
        : new (nodeNet().Socket)({ fd, readable: true, writable: true });
    server.emit("connection", socket);
    socket.emit("data", Buffer.concat(raw));
  }

  // --------------------------------------------------------------------------------------- ends

  expired(): void {
    const handshake = this.#handshake;
    handshake.tick(wallTime());
    // Who has sent nothing is owed no answer.
    if (!handshake.begun) this.#giveUp(null);
    else if (handshake.state === "refused") this.#refuse();
    else setDeadline(this.#deadline, Math.max(0, handshake.deadline - wallTime()));
  }

  ended(): void {
    const { begun, state } = this.#handshake;
    const isCut = begun && state === "reading";
    this.#giveUp(isCut ? "the client ended the connection before its request was whole" : null);
  }

  concluded(): void {
    this.#giveUp(null);
  }

  #giveUp(why: string | null): void {
    const carrier = this.#carrier;
    if (why !== null) this.#hub.upgradeFailed(upgradeFailed(why, carrier.whereabouts));
    else this.#hub.upgradeDropped("ended before it was answered");
    this.#finish();
    carrier.user = null;
    carrier.finish();
  }

  over({ error }: Ending): void {
    if (error !== null) this.#hub.upgradeFailed(withPhase(error, this.#carrier));
    this.#finish();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearDeadline(this.#deadline);
    if (this.#handshake.state === "request") this.#abort?.abort();
  }
}

function withPhase(error: HawserError, carrier: Carrier): HawserError {
  return upgradeFailed(error.message, carrier.whereabouts, error);
}

function isUpgrade(rawHeaders: readonly string[]): boolean {
  return rawHeaders.some((name, index) => index % 2 === 0 && name.toLowerCase() === "upgrade");
}

// Null for what accepts. A key that is misspelled must not let in who was to be refused.
function refusalOf(result: Record<string, unknown>): Refusal | null {
  const isRefusal = "status" in result;
  rejectUnknownKeys(result, isRefusal ? REFUSAL_KEYS : ACCEPTANCE_KEYS, "upgrade()'s answer");
  if (!isRefusal) return null;
  const { status, statusText, headers, body } = result as unknown as {
    status: number;
    statusText?: string;
    headers?: HeadersInput;
    body?: Parameters<typeof bytesOf>[0];
  };
  return {
    status,
    ...(statusText === undefined ? {} : { statusText }),
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : bytesOf(body) }),
  };
}
