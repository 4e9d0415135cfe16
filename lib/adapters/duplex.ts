// A connection as a Node stream: a Duplex with what programs look for on a net.Socket.
// Not here: Web Streams (web.ts), HTTP (http.ts, undici.ts), what a connection does by itself.

import {
  codeError,
  type HawserError,
  invalidState,
  rejectUnknownKeys,
  requireBoolean,
  requireFunction,
  requireObject,
} from "../errors/index.ts";
import { Connection } from "../net/connection.ts";
import { parseConnectOptions } from "../net/parameters.ts";
import type { ConnectOptions, StreamEndpoint } from "../net/types.ts";
import { claim, refuseData } from "./claim.ts";
import { DescribedDuplex } from "./described-duplex.ts";
import { InactivityTimer } from "./inactivity-timer.ts";
import { closedBeforeConnect, letGo, socketClosed } from "./leaving.ts";
import { connectOptionsOf, endpointOf } from "./node-arguments.ts";
import { readKeepAlive, setKeepAlive, setNoDelay } from "./socket-options.ts";

export interface DuplexOptions {
  /**
   * As in node:net: false, the default, ends the sending side when the peer has ended and
   * everything was read; true leaves it open. Default: the connection's own `allowHalfOpen`.
   */
  readonly allowHalfOpen?: boolean | undefined;
}

const DUPLEX_KEYS: ReadonlySet<string> = new Set(["allowHalfOpen"]);

type Done = (error?: Error | null | undefined) => void;

/** What is to be done when there is a connection, or else told that there will be none. */
interface Deferred {
  readonly run: () => void;
  readonly cancel?: Done;
}

/**
 * A Node stream over a connection. Made by `toDuplex` and `createSocket`.
 *
 * Bytes are handed on without another copy in both directions, and back-pressure holds both ways:
 * a stream that is not read closes the TCP window, a peer that does not read makes `write` return
 * false.
 *
 * Events and properties are those of `net.Socket`: `connect`, `ready`, `data`, `end`, `drain`,
 * `timeout`, `error`, `close` (with `hadError`). Errors are the connection's, with `code`.
 */
export class ConnectionDuplex extends DescribedDuplex {
  /** For the connections that it makes itself; null where it was made over one. */
  readonly #options: ConnectOptions | null;
  #connection: Connection<never> | null = null;
  #isConnecting = false;
  #isReading = false;
  #takenBytes = 0;
  /** What it ends with when everything before it is read. */
  #failure: Error | null = null;
  /** Bytes given to the connection in the write that is under way. */
  #inFlight = 0;
  #timer: InactivityTimer | null = null;
  #deferred: Deferred[] = [];
  #isReferenced = true;

  /** @internal Made by `toDuplex` and `createSocket`. */
  constructor(
    connection: Connection<never> | null,
    options: ConnectOptions | null,
    halfOpen: boolean,
  ) {
    super({
      allowHalfOpen: halfOpen,
      // `close` tells whether there was an error, as on net.Socket; a plain stream's does not.
      emitClose: false,
      autoDestroy: true,
    });
    this.#options = options;
    if (connection !== null) this.#adopt(connection);
  }

  /** The connection underneath; null before `connect()`. */
  get connection(): Connection<never> | null {
    return this.#connection;
  }

  #adopt(connection: Connection<never>): void {
    this.#connection = connection;
    this.#takenBytes = connection.bytesRead - connection.heldBytes;
    connection.holdEnd();
    const { state } = connection;
    if (state === "preparing" || state === "waiting") this.#awaitReady(connection);
    // As in node:net, an open one is read as far as its buffer holds, so that its end is seen.
    else if (state !== "setup") this.read(0);
    void connection.closed.then(({ error, initiator }) => {
      if (connection === this.#connection) this.#over(error, initiator);
    });
  }

  #awaitReady(connection: Connection<never>): void {
    this.#isConnecting = true;
    connection.ready.then(
      () => {
        if (connection === this.#connection) this.#connected();
      },
      (error) => {
        if (connection === this.#connection) this.destroy(error);
      },
    );
  }

  #connected(): void {
    this.#isConnecting = false;
    if (this.destroyed) return;
    for (const { run } of this.#deferred.splice(0)) run();
    this.#timer?.touch();
    this.emit("connect");
    this.emit("ready");
    // As in node:net, whoever listened to a connection before this one reads on.
    if (this.readable && !this.isPaused()) this.read(0);
  }

  // The connection ended in some other way than through this stream. After a failure the data that
  // came before it is still read, and reading meets the error; so it is read where nobody does.
  #over(error: HawserError | null, initiator: "local" | "peer" | "network"): void {
    if (this.destroyed) return;
    if (error !== null) this.read(0);
    else if (initiator === "local") this.destroy();
  }

  // --------------------------------------------------------------------------------- connecting

  /**
   * Connects, as `net.Socket.connect`: `(port, host?)`, `(path)`, or `({ port, host })` and
   * `({ path })`, each with a function for `connect` at the end; an object may also have
   * `localAddress`, `localPort`, `family` and `lookup`. After `close` it may be called again, as in
   * node:net. On a stream over a connection that was made and not started, starts that one; its own
   * endpoint holds, not the arguments.
   *
   * @throws TypeError for wrong arguments, or with ERR_INVALID_STATE where it is connected already
   */
  connect(...args: unknown[]): this {
    const callback = args.at(-1);
    if (this.destroyed && this.#options !== null) this.#revive();
    const connection = this.#connection;
    if (connection === null) {
      const endpoint = endpointOf(args) as StreamEndpoint;
      const options = { ...this.#options, ...connectOptionsOf(args[0]) };
      const made = new Connection<never>(endpoint, options as ConnectOptions<never>);
      if (!this.#isReferenced) made.unref();
      made.start();
      this.#adopt(made);
    } else if (connection.state === "setup") {
      connection.start();
      this.#awaitReady(connection);
    } else {
      throw invalidState("connect() on a socket that is connected or was");
    }
    this.#timer?.touch();
    if (typeof callback === "function") this.once("connect", callback as () => void);
    return this;
  }

  // Programs that connect again when it is closed keep the socket, and their listeners on it.
  #revive(): void {
    // Node's own sockets do it by this method, which every stream has and no type mentions.
    (this as unknown as { _undestroy(): void })._undestroy();
    this.#connection = null;
    this.#isReading = false;
    this.#inFlight = 0;
    this.#failure = null;
    this.forgetPeer();
  }

  /** As in node:net: between `connect()` and the event `connect`. */
  get connecting(): boolean {
    return this.#isConnecting && !this.destroyed;
  }

  /** As in node:net: not connected yet, or not any more. */
  get pending(): boolean {
    return this.destroyed || this.#isUnconnected;
  }

  get #isUnconnected(): boolean {
    const connection = this.#connection;
    return connection === null || connection.state === "setup" || this.#isConnecting;
  }

  #defer(run: () => void, cancel?: Done): void {
    if (cancel !== undefined && this.#connection === null) cancel(socketClosed());
    else this.#deferred.push(cancel === undefined ? { run } : { run, cancel });
  }

  // ------------------------------------------------------------------------------------ reading

  override _read(): void {
    if (this.#isUnconnected) this.#defer(() => this._read());
    else if (!this.#isReading) this.#receive(this.#connection as Connection<never>);
  }

  #receive(connection: Connection<never>): void {
    this.#isReading = true;
    connection.receive().then(
      (bytes) => {
        if (connection !== this.#connection) return;
        this.#isReading = false;
        if (this.destroyed) return;
        if (bytes !== null) {
          this.#takenBytes += bytes.length;
          this.#timer?.touch();
        }
        this.push(bytes);
        // As in node:net, an end that nothing stands before is told where nobody reads as well.
        if (bytes === null) this.read(0);
      },
      (error) => {
        if (connection !== this.#connection) return;
        this.#isReading = false;
        // A local end of the connection is no failure of the stream's.
        this.#fail(error === connection.stateReason ? error : undefined);
      },
    );
  }

  // What came before a failure is read before it is told (B22), by those who read.
  #fail(error: Error | undefined): void {
    const isRead = this.readableFlowing !== null || this.listenerCount("readable") > 0;
    if (error !== undefined && isRead && this.readableLength > 0) this.#failure = error;
    else this.destroy(error);
  }

  override read(size?: number): unknown {
    const bytes = super.read(size);
    if (this.#failure !== null && this.readableLength === 0) this.destroy(this.#failure);
    return bytes;
  }

  // ------------------------------------------------------------------------------------ writing

  /** As in node:net, also after the peer's end: EPIPE where our own has followed that. */
  override write(chunk: unknown, encoding?: BufferEncoding, callback?: Done): boolean;
  override write(chunk: unknown, callback?: Done): boolean;
  override write(...args: unknown[]): boolean {
    if (!this.readableEnded || !this.writableEnded || this.allowHalfOpen) {
      return super.write(...(args as [chunk: unknown]));
    }
    const callback = args.at(-1);
    const error = codeError("EPIPE", "write");
    if (typeof callback === "function") process.nextTick(callback as Done, error);
    this.destroy(error);
    return false;
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: Done): void {
    if (this.#isUnconnected) {
      this.#defer(() => this._write(chunk, encoding, done), done);
      return;
    }
    const connection = this.#connection as Connection<never>;
    this.#inFlight = chunk.length;
    this.#settle(connection.send(chunk), done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    if (this.#isUnconnected) {
      this.#defer(() => this._writev(chunks, done), done);
      return;
    }
    const connection = this.#connection as Connection<never>;
    this.#inFlight = chunks.reduce((sum, { chunk }) => sum + chunk.length, 0);
    // All of one turn leave in one system call. Each may be kept by reference, and is given back
    // to its writer only when all are taken.
    const sent = chunks.map(({ chunk }) => connection.send(chunk));
    this.#settle(sent.length === 1 ? (sent[0] as Promise<void>) : Promise.all(sent), done);
  }

  #settle(sent: Promise<unknown>, done: Done): void {
    this.#timer?.touch();
    sent.then(
      () => {
        this.#inFlight = 0;
        this.#timer?.touch();
        done();
      },
      (error) => {
        this.#inFlight = 0;
        done(error);
      },
    );
  }

  override _final(done: Done): void {
    const connection = this.#connection;
    // As in node:net, a socket that was never connected ends without ado.
    if (connection === null || connection.state === "setup") done();
    else if (this.connecting) this.#defer(() => this._final(done), done);
    else this.#shutDown(connection, done);
  }

  #shutDown(connection: Connection<never>, done: Done): void {
    const flushed = connection.shutdown();
    // At once where that is so: `finish` then comes before what follows `end`, as in node:net.
    if (connection.bufferedAmount === 0) done();
    else flushed.then(() => done(), done);
  }

  // ------------------------------------------------------------------------------------- ending

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#timer?.stop();
    const connection = this.#connection;
    if (connection !== null) {
      const loses = this.writableLength > this.#inFlight || connection.writableNeedDrain;
      const isCut = loses || this.#isUnconnected;
      letGo(connection, isCut, this.writableFinished, this.#takenBytes);
    }
    for (const { cancel } of this.#deferred.splice(0)) cancel?.(error ?? closedBeforeConnect());
    done(error);
    // As in node:net in a later phase of the loop: who awaits `error` can still await `close`.
    setImmediate(() => this.emit("close", error !== null));
  }

  /** As in node:net: ends, and destroys when everything is written. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  /** As in node:net: RST, and `close`. While connecting, when it is connected. */
  resetAndDestroy(): this {
    if (this.connecting) {
      this.#defer(() => this.resetAndDestroy());
    } else if (this.#connection === null) {
      this.destroy(socketClosed());
    } else {
      this.#connection.abort();
      this.destroy();
    }
    return this;
  }

  // ------------------------------------------------------------------------- timers and options

  /**
   * As in node:net: `timeout` is emitted when nothing came or went for `ms` milliseconds; it ends
   * nothing by itself. 0 turns it off. See the connection's `idleTimeout` for one that ends it.
   */
  setTimeout(ms: number, callback?: () => void): this {
    if (this.destroyed) return this;
    this.#timer ??= new InactivityTimer(
      () => this.bytesRead + (this.#connection?.bytesWritten ?? 0) - this.#unsent(),
      () => this.emit("timeout"),
    );
    this.#timer.set(ms);
    if (callback === undefined) return this;
    requireFunction(callback, "callback");
    if (ms === 0) this.removeListener("timeout", callback);
    else this.once("timeout", callback);
    return this;
  }

  /** Milliseconds; undefined where `setTimeout` was never called. */
  get timeout(): number | undefined {
    return this.#timer?.ms;
  }

  /** TCP_NODELAY (tcp(7)); on by default, unlike on net.Socket. Ignored on Unix sockets. */
  setNoDelay(enable: unknown = true): this {
    return this.#whenThereIsADescriptor((connection) => setNoDelay(connection, Boolean(enable)));
  }

  /**
   * SO_KEEPALIVE (socket(7)), and with `initialDelay` in milliseconds TCP_KEEPIDLE, rounded up to
   * seconds; 0 leaves it. Interval and count stay the connection's own, so that a dead peer is
   * found as soon as its `keepAlive` says, unless they are given as in Node 24 and later: behind
   * the delay, or all in one object. Ignored on Unix sockets.
   */
  setKeepAlive(enable: unknown = false, ...more: unknown[]): this {
    const request = readKeepAlive([enable, ...more]);
    return this.#whenThereIsADescriptor((connection) => setKeepAlive(connection, request));
  }

  #whenThereIsADescriptor(apply: (connection: Connection<never>) => void): this {
    const connection = this.#connection;
    if (this.#isUnconnected) this.#defer(() => apply(this.#connection as Connection<never>));
    else if (connection !== null && connection.fd >= 0) apply(connection);
    return this;
  }

  ref(): this {
    this.#isReferenced = true;
    this.#connection?.ref();
    return this;
  }

  unref(): this {
    this.#isReferenced = false;
    this.#connection?.unref();
    return this;
  }

  // ------------------------------------------------------------------------------------- counts

  /** Bytes written, those still queued in this stream included, as in node:net. */
  get bytesWritten(): number {
    return (this.#connection?.bytesWritten ?? 0) + this.writableLength - this.#inFlight;
  }

  #unsent(): number {
    return this.#connection?.bufferedAmount ?? 0;
  }
}

/**
 * A Node stream over a connection: an accepted one, one that is connected or connecting, or one
 * that was made with `new Connection` and not started, whose `connect()` then starts it.
 *
 * The connection belongs to the stream from now on. `end()` is `shutdown()`; `destroy()` is
 * `close()` where what was written still goes out, and `abort()` where more than
 * `sendHighWaterMark` waits, or, before its own end, where the peer's bytes are unread or go on.
 *
 * @throws TypeError for wrong arguments, with ERR_INVALID_STATE where a `data` callback or another
 *   stream takes what this one would read
 */
export function toDuplex(connection: Connection<never>, options?: DuplexOptions): ConnectionDuplex;
export function toDuplex<T>(connection: Connection<T>, options?: DuplexOptions): ConnectionDuplex;
export function toDuplex<T>(
  connection: Connection<T>,
  options: DuplexOptions = {},
): ConnectionDuplex {
  rejectUnknownKeys(requireObject(options, "options"), DUPLEX_KEYS, "toDuplex()");
  const { allowHalfOpen } = options;
  if (allowHalfOpen !== undefined) requireBoolean(allowHalfOpen, "allowHalfOpen");
  const own = claim(connection);
  return new ConnectionDuplex(own, null, allowHalfOpen ?? own.options.allowHalfOpen === true);
}

/**
 * A socket that is not connected yet, as `new net.Socket()`: for programs that call
 * `connect(port, host)` themselves. `options` are those of hawser's `connect`, without `data`.
 *
 * @throws TypeError or RangeError for wrong options
 */
export function createSocket(options: ConnectOptions = {}): ConnectionDuplex {
  parseConnectOptions(options);
  refuseData(options);
  return new ConnectionDuplex(null, options, options.allowHalfOpen === true);
}
