// A stream that is being connected until it is a WebSocket: the request, the answer, the promise of
// connect(). Not here: what an answer must look like (protocol/client-handshake.ts).

import { Deadline } from "../core/deadlines.ts";
import { quiet } from "../core/send-waiters.ts";
import { HawserError } from "../errors/index.ts";
import { clearDeadline, type DeadlineOwner, setDeadline } from "../net/clock.ts";
import type { Ending } from "../net/connection-base.ts";
import { type Endpoint, formatEndpoint, formatHostHeader } from "../net/endpoint.ts";
import type { PathOptions, StreamHandlers } from "../net/types.ts";
import { Carrier, type CarrierUser, carrierDrained } from "./carrier.ts";
import { WebSocketConnection } from "./connection.ts";
import { upgradeFailed, upgradeRefused } from "./errors.ts";
import type { ClientParameters } from "./options.ts";
import { type AcceptedByServer, ClientHandshake } from "./protocol/index.ts";
import type { HeadersInput } from "./types.ts";

const LATE = "CONNECT_TIMEOUT";

export class ClientUpgrade<T = unknown> implements CarrierUser, DeadlineOwner {
  readonly #parameters: ClientParameters;
  readonly #carrier: Carrier;
  readonly #handshake: ClientHandshake;
  #deadline: Deadline<DeadlineOwner> | null = null;
  #refusal: { readonly reason: unknown } | null = null;
  #stopWatching: (() => void) | null = null;
  /** The application may have it already, from its `state` callback. */
  readonly #socket: WebSocketConnection<T>;
  /** Changes of the path since the stream is there, for when `open` has been told. */
  #untold: (() => void)[] | null = [];
  #resolve: (socket: WebSocketConnection<T>) => void = () => {};
  #reject: (reason: unknown) => void = () => {};

  /** Settles when it is a WebSocket, or known that it will be none. */
  readonly ready: Promise<WebSocketConnection<T>>;

  /** @throws TypeError or RangeError for what cannot stand in a request */
  constructor(endpoint: Endpoint, input: URL | string, parameters: ClientParameters) {
    const { own, shared, stream } = parameters;
    this.#parameters = parameters;
    this.#handshake = new ClientHandshake(
      {
        ...shared.handshake,
        host: formatHostHeader(endpoint),
        target: endpoint.target ?? "/",
        protocols: own.protocols,
        headers: withAuthorization(own.headers, endpoint.auth),
        deflate: shared.settings.deflate,
      },
      Number.POSITIVE_INFINITY,
    );
    const callbacks = {
      drain: carrierDrained,
      ...this.#pathCallbacks(),
      ...this.#stateCallback(),
    };
    this.#carrier = new Carrier(input as never, { ...stream, ...callbacks });
    const url = formatEndpoint(endpoint);
    const nothing = { url, protocol: "", extensions: "", deflate: null, owner: null };
    this.#socket = new WebSocketConnection<T>(this.#carrier, shared, nothing).opening();
    this.#carrier.user = this;
    this.ready = quiet(
      new Promise((resolve, reject) => {
        this.#resolve = resolve;
        this.#reject = reject;
      }),
    );
  }

  // Given only where they were asked for, since the stream watches its path for them.
  #pathCallbacks(): PathOptions {
    const { viable, betterPath } = this.#parameters.own;
    return {
      ...(viable === undefined ? {} : { viable: (_stream, now) => this.#tell(viable, now) }),
      ...(betterPath === undefined
        ? {}
        : { betterPath: (_stream, path) => this.#tell(betterPath, path) }),
    };
  }

  // What a handler of the WebSocket's throws ends it as a WebSocket.
  #tell<V>(callback: (socket: never, value: V) => unknown, value: V): void {
    const socket = this.#socket;
    if (this.#untold !== null) {
      this.#untold.push(() => this.#tell(callback, value));
      return;
    }
    try {
      const result = callback(socket as never, value) as PromiseLike<unknown> | undefined;
      if (typeof result?.then !== "function") return;
      result.then(undefined, (error: unknown) => socket.handlerFailed(error));
    } catch (error) {
      socket.handlerFailed(error);
    }
  }

  #stateCallback(): Pick<StreamHandlers, "state"> {
    if (this.#parameters.shared.handlers.state === undefined) return {};
    return {
      state: (_stream, state, reason) => {
        // What else becomes of the stream is not what becomes of the WebSocket.
        const isOpening = state === "preparing" || state === "waiting";
        if (isOpening) this.#socket.stateChanged(state, reason);
      },
    };
  }

  /** The stream beneath. */
  get carrier(): Carrier {
    return this.#carrier;
  }

  /** What the server said, once it has accepted. */
  get answer(): AcceptedByServer | null {
    return this.#handshake.accepted;
  }

  start(): Promise<WebSocketConnection<T>> {
    const { signal } = this.#parameters.own;
    if (signal?.aborted) return quiet(Promise.reject(signal.reason));
    if (signal !== undefined) this.#watch(signal);
    this.#carrier.start();
    return this.ready;
  }

  #watch(signal: AbortSignal): void {
    const abort = () => this.cancel(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    this.#stopWatching = () => signal.removeEventListener("abort", abort);
  }

  /** Ends it, wherever it is; the promise rejects with `reason`. */
  cancel(reason: unknown): void {
    this.#refusal ??= { reason };
    this.#carrier.abort();
  }

  opened(): void {
    const { connectTimeout } = this.#parameters.own;
    const { handshakeTimeout } = this.#parameters.shared.handshake;
    const left = connectTimeout === 0 ? Number.POSITIVE_INFINITY : connectTimeout - this.#spentMs;
    this.#deadline = new Deadline<DeadlineOwner>(this);
    setDeadline(this.#deadline, Math.max(0, Math.min(left, handshakeTimeout)));
    this.#carrier.write(this.#handshake.request);
  }

  // By the try that led here: those before a wait had a time of their own.
  get #spentMs(): number {
    const { durationMs = 0, phases = [] } = this.#carrier.establishmentReport ?? {};
    return durationMs - (phases[0]?.startMs ?? 0);
  }

  received(chunk: Buffer, start: number, end: number): void {
    const at = this.#handshake.receive(chunk, start, end);
    const { accepted } = this.#handshake;
    if (accepted !== null) this.#accept(accepted, chunk, at, end);
    else this.#judge();
  }

  ended(): void {
    this.#handshake.end();
    this.#judge();
  }

  expired(): void {
    const handshake = this.#handshake;
    handshake.tick(Number.POSITIVE_INFINITY);
    if (handshake.refused !== null) {
      this.#judge();
      return;
    }
    const context = { phase: "upgrade", reason: LATE } as const;
    this.#carrier.failWith(this.#carrier.errorOf("ETIMEDOUT", "connect", context), "local");
  }

  #judge(): void {
    const { refused, failure } = this.#handshake;
    const place = this.#carrier.whereabouts;
    if (refused !== null) this.#drop(upgradeRefused(refused, place));
    else if (failure !== null) this.#drop(upgradeFailed(failure, place));
  }

  // Without a reset: whoever has answered need not hear of an error.
  #drop(reason: HawserError): void {
    this.#refusal ??= { reason };
    this.#carrier.drop();
  }

  #accept(accepted: AcceptedByServer, chunk: Buffer, at: number, end: number): void {
    this.#settle();
    const { protocol, extensions, deflate } = accepted;
    const socket = this.#socket;
    socket.accepted({ url: socket.url, protocol, extensions, deflate, owner: null });
    socket.announce();
    this.#resolve(socket);
    this.#tellUntold();
    if (at < end) socket.received(chunk, at, end);
  }

  #tellUntold(): void {
    const untold = this.#untold ?? [];
    this.#untold = null;
    for (const tell of untold) tell();
  }

  flushed(): void {}
  drained(): void {}

  concluded(): void {
    this.#carrier.drop();
  }

  over(ending: Ending): void {
    this.#settle();
    const { error } = ending;
    const refusal = this.#refusal;
    this.#socket.neverOpened(ending, refusal === null ? error : this.#failureOf(refusal.reason));
    if (refusal !== null) this.#reject(refusal.reason);
    else this.#reject(error ?? this.#cancelled());
  }

  #failureOf(reason: unknown): HawserError {
    return reason instanceof HawserError ? reason : this.#cancelled(reason);
  }

  #cancelled(cause?: unknown): HawserError {
    return this.#carrier.errorOf("ECANCELED", "connect", { phase: "upgrade", cause });
  }

  #settle(): void {
    this.#stopWatching?.();
    this.#stopWatching = null;
    if (this.#deadline !== null) clearDeadline(this.#deadline);
  }
}

function withAuthorization(headers: HeadersInput, auth: string | undefined): HeadersInput {
  if (auth === undefined) return headers;
  const isGiven = Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
  if (isGiven) return headers;
  // RFC 7617 section 2.
  return { ...headers, Authorization: `Basic ${Buffer.from(auth).toString("base64")}` };
}
