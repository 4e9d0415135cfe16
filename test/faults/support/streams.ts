// The byte streams that a scenario runs over, each behind the same few methods, and what each tells
// of its end. Used by the process on a host (driver.ts). Not here: commands, what is expected.

import { once } from "node:events";
import {
  type Connection,
  connect,
  type HawserError,
  listen,
  type WebSocketConnection,
} from "../../../lib/index.ts";
import type { CloseResult, ConnectOptions } from "../../../lib/net/types.ts";
import { toDuplex } from "../../../lib/streams.ts";

export type StreamKind = "connection" | "duplex" | "websocket";

/** What a scenario can ask of any of them. */
export interface DrivenStream {
  readonly kind: StreamKind;
  /** What it stands on. */
  readonly connection: Connection;
  /** Bytes of the application's, not of the frames around them. */
  readonly bytesWritten: number;
  readonly bufferedAmount: number;
  readonly state: string;
  write(bytes: Buffer): void;
  /** Resolves when there is room for more. */
  send(bytes: Buffer): Promise<unknown>;
  pause(): void;
  resume(): void;
  /** Ends the sending side; a WebSocket has no half of an end, and closes. */
  shutdown(): void;
  close(): void;
  abort(): void;
}

/** How it ended, in the words of that stream. */
export interface StreamEnding {
  readonly error: HawserError | null;
  readonly initiator: CloseResult["initiator"];
  /** Of a WebSocket. */
  readonly closeCode: number | null;
}

/** Who hears of a stream. */
export interface StreamEvents {
  opened(stream: DrivenStream): void;
  data(stream: DrivenStream, bytes: Buffer): void;
  end(stream: DrivenStream): void;
  ended(stream: DrivenStream, ending: StreamEnding): void;
}

class DrivenConnection implements DrivenStream {
  readonly kind = "connection";
  readonly connection: Connection;

  constructor(connection: Connection, events: StreamEvents) {
    this.connection = connection;
    void connection.closed.then(({ error, initiator }) =>
      events.ended(this, { error, initiator, closeCode: null }),
    );
  }

  get bytesWritten(): number {
    return this.connection.bytesWritten;
  }

  get bufferedAmount(): number {
    return this.connection.bufferedAmount;
  }

  get state(): string {
    return this.connection.state;
  }

  write(bytes: Buffer): void {
    this.connection.write(bytes);
  }

  send(bytes: Buffer): Promise<void> {
    return this.connection.send(bytes);
  }

  pause(): void {
    this.connection.pause();
  }

  resume(): void {
    this.connection.resume();
  }

  shutdown(): void {
    void this.connection.shutdown();
  }

  close(): void {
    void this.connection.close();
  }

  abort(): void {
    this.connection.abort();
  }
}

class DrivenDuplex implements DrivenStream {
  readonly kind = "duplex";
  readonly connection: Connection;
  readonly #duplex: ReturnType<typeof toDuplex>;
  #written = 0;

  constructor(connection: Connection, events: StreamEvents, options: ConnectOptions = {}) {
    this.connection = connection;
    this.#duplex = toDuplex(connection, { allowHalfOpen: options.allowHalfOpen ?? false });
    let error: HawserError | null = null;
    this.#duplex.on("data", (bytes: Buffer) => events.data(this, bytes));
    this.#duplex.on("end", () => events.end(this));
    this.#duplex.on("error", (told) => {
      error = told as HawserError;
    });
    this.#duplex.on("close", async () => {
      const { initiator } = await connection.closed;
      events.ended(this, { error, initiator, closeCode: null });
    });
  }

  get bytesWritten(): number {
    return this.#written;
  }

  get bufferedAmount(): number {
    return this.#duplex.writableLength;
  }

  get state(): string {
    return this.connection.state;
  }

  write(bytes: Buffer): void {
    this.#written += bytes.length;
    this.#duplex.write(bytes);
  }

  async send(bytes: Buffer): Promise<void> {
    this.#written += bytes.length;
    if (!this.#duplex.write(bytes)) await once(this.#duplex, "drain");
  }

  pause(): void {
    this.#duplex.pause();
  }

  resume(): void {
    this.#duplex.resume();
  }

  shutdown(): void {
    this.#duplex.end();
  }

  close(): void {
    this.#duplex.destroySoon();
  }

  abort(): void {
    this.connection.abort();
  }
}

class DrivenWebSocket implements DrivenStream {
  readonly kind = "websocket";
  readonly connection: Connection;
  readonly #socket: WebSocketConnection;
  #written = 0;

  constructor(socket: WebSocketConnection, events: StreamEvents) {
    this.#socket = socket;
    this.connection = socket.connection;
    void socket.closed.then(({ error, initiator, code }) => {
      events.ended(this, { error, initiator, closeCode: code ?? null });
    });
  }

  get bytesWritten(): number {
    return this.#written;
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  get state(): string {
    return this.#socket.state;
  }

  write(bytes: Buffer): void {
    this.#written += bytes.length;
    this.#socket.write(bytes);
  }

  send(bytes: Buffer): Promise<void> {
    this.#written += bytes.length;
    return this.#socket.send(bytes);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  shutdown(): void {
    this.close();
  }

  close(): void {
    void this.#socket.close();
  }

  abort(): void {
    this.#socket.abort();
  }
}

/** The callbacks that a kind needs, and how it becomes a driven stream. */
interface Driver {
  readonly handlers: object;
  drive(opened: never): DrivenStream;
}

function driverOf(kind: StreamKind, options: ConnectOptions, events: StreamEvents): Driver {
  // The callbacks get the library's object; the driven one stands in its own data.
  const drivenBy = (drive: (opened: never) => DrivenStream) => (opened: never) => {
    const holder = opened as { data: unknown };
    if (holder.data === undefined) {
      const driven = drive(opened);
      holder.data = driven;
      events.opened(driven);
    }
    return holder.data as DrivenStream;
  };
  if (kind === "duplex") {
    const drive = drivenBy((connection) => new DrivenDuplex(connection, events, options));
    return { handlers: {}, drive };
  }
  if (kind === "websocket") {
    const drive = drivenBy((socket) => new DrivenWebSocket(socket, events));
    const message = (socket: never, bytes: Buffer) => events.data(drive(socket), bytes);
    return { handlers: { message }, drive };
  }
  const drive = drivenBy((connection) => new DrivenConnection(connection, events));
  return {
    handlers: {
      data: (connection: never, bytes: Buffer) => events.data(drive(connection), bytes),
      end: (connection: never) => events.end(drive(connection)),
    },
    drive,
  };
}

/** Connects. Rejects with what `connect` rejects with. */
export async function connectStream(
  kind: StreamKind,
  endpoint: string,
  options: ConnectOptions,
  events: StreamEvents,
): Promise<DrivenStream> {
  const { handlers, drive } = driverOf(kind, options, events);
  return drive((await connect(endpoint as never, { ...handlers, ...options } as never)) as never);
}

/** What a scenario can ask of a listener. */
export interface DrivenListener {
  newConnectionLimit: number;
  close(options: object): Promise<unknown>;
}

/** Listens; `events.opened` hears of what is accepted. */
export async function listenForStreams(
  kind: StreamKind,
  endpoint: string,
  options: ConnectOptions,
  events: StreamEvents,
): Promise<DrivenListener> {
  const { handlers, drive } = driverOf(kind, options, events);
  const open = (opened: never) => void drive(opened);
  // A connection that a stream is to take may have no `data`, and needs some callback to be given.
  const listener = await listen(endpoint as never, { ...handlers, ...options, open } as never);
  return listener as unknown as DrivenListener;
}
