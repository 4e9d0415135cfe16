// What `npm start` serves: the page and the WebSocket echo on one port, a TCP echo on another, the
// wire to the page, and clients of its own on demand. Not here: arguments, printing, signals
// (../start.ts), what is known of a connection (track.ts).

import {
  type Connection,
  connect,
  type HawserError,
  type Listener,
  listen,
  type UpgradeRequest,
  type UpgradeResult,
  type WebSocketConnection,
  type WebSocketConnectOptions,
  type WebSocketListener,
  type WebSocketListenOptions,
} from "../../index.ts";
import { hostToShow, type StartOptions, tcpEndpoint, webSocketEndpoint } from "./arguments.ts";
import { type Certificate, certificateFor } from "./certificate.ts";
import { Meter } from "./meter.ts";
import { isForMonitor, isOurPage, labelOf, readCommand } from "./monitor.ts";
import { pageHandler } from "./page.ts";
import type { Track } from "./track.ts";
import { Tracks } from "./tracks.ts";

/** How often the page hears of its connections; its plot has a sample of each. */
const REPORT_MS = 500;
/** How soon it hears of one that begins or ends: many at once are one report. */
const NEWS_MS = 40;
/** Clients of our own that are open at once. */
const MAX_CLIENTS = 4;
/** Theirs: it is short, for somebody is watching. */
const CLIENT_HEARTBEAT = { interval: 1_000, timeout: 2_000 } as const;
/** The topic that the pages listen to. */
const REPORTS = "reports";

/** What a WebSocket is for: null on the wire to a page. */
type Role = Track | null;

export interface Addresses {
  readonly page: string;
  readonly webSocket: string;
  readonly tcp: string;
}

export class EchoService {
  readonly #options: StartOptions;
  readonly #names: readonly string[];
  readonly #tracks = new Tracks();
  readonly #meter = new Meter();
  /** Clients of our own: those that there are, and have been. */
  #clients = 0;
  #clientsMade = 0;
  #webSockets: WebSocketListener<Role> | null = null;
  #streams: Listener<Track> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #news: NodeJS.Timeout | null = null;
  /** A command that connects to the TCP echo. */
  #tryIt = "";

  /** @param names of this machine, by which a browser may have come here */
  constructor(options: StartOptions, names: readonly string[]) {
    this.#options = options;
    this.#names = options.host === "" ? names : [...names, options.host.toLowerCase()];
  }

  /** @throws (as a rejection) what `listen` rejects with; nothing listens then */
  async start(): Promise<Addresses> {
    const tls = this.#options.tls ? await certificateFor(this.#options) : null;
    try {
      this.#webSockets = await this.#listenWebSockets(tls);
      this.#streams = await this.#listenStreams(tls);
    } catch (error) {
      await this.#webSockets?.close({ timeout: 0 });
      throw error;
    }
    this.#timer = setInterval(() => this.#tellPages(true), REPORT_MS);
    return this.#addresses(this.#webSockets, this.#streams);
  }

  async #listenWebSockets(tls: Certificate | null): Promise<WebSocketListener<Role>> {
    const options: WebSocketListenOptions<Role> = {
      ...(tls === null ? {} : { tls }),
      http: await pageHandler(),
      upgrade: (request) => this.#admit(request),
      open: (socket) => this.#opened(socket),
      message: (socket, message) => this.#received(socket, message),
      drain: ({ data }) => data?.drained(),
      close: ({ data }, code, reason, error) => {
        if (data !== null)
          this.#ended(data, error, reason === "" ? `${code}` : `${code} ${reason}`);
      },
    };
    return await listen(webSocketEndpoint(this.#options), options);
  }

  #listenStreams(tls: Certificate | null): Promise<Listener<Track>> {
    const kind = tls === null ? "tcp" : "tls";
    const callbacks = {
      lend: true,
      open: (connection: Connection<Track>) => {
        connection.data = this.#tracks.begin(kind, "", performance.now());
        this.#show(connection.data, connection, connection);
      },
      data: (connection: Connection<Track>, bytes: Buffer) => {
        this.#meter.add(bytes.length);
        // A peer that sends and does not read must not fill our memory.
        if (!connection.write(bytes)) connection.pause();
      },
      drain: ({ data }: Connection<Track>) => data.drained(),
      close: ({ data }: Connection<Track>, error: HawserError | null) => {
        this.#ended(data, error, "");
      },
    };
    const endpoint = tcpEndpoint(this.#options);
    return tls === null
      ? listen<Track>(endpoint, callbacks)
      : listen<Track>({ ...endpoint, transport: "tls" }, { ...callbacks, tls });
  }

  #addresses(webSockets: WebSocketListener<Role>, streams: Listener<Track>): Addresses {
    const s = this.#options.tls ? "s" : "";
    const host = hostToShow(this.#options);
    this.#tryIt = this.#options.tls
      ? `openssl s_client -connect ${host}:${streams.port}`
      : `nc ${host.replace(/^\[|\]$/g, "")} ${streams.port}`;
    return {
      page: `http${s}://${host}:${webSockets.port}/`,
      webSocket: `ws${s}://${host}:${webSockets.port}/`,
      tcp: `${this.#options.tls ? "tls" : "tcp"}://${host}:${streams.port}`,
    };
  }

  get isListening(): boolean {
    return [this.#webSockets, this.#streams].some((listener) => listener?.state === "ready");
  }

  /** Where the page and the WebSocket echo listen, as the system says it. */
  get bound(): readonly string[] {
    return (this.#webSockets?.addresses ?? []).map(({ address }) => address);
  }

  // -------------------------------------------------------------------------------- WebSockets

  #admit(request: UpgradeRequest): UpgradeResult<Role> {
    const { path, protocols } = request;
    if (isForMonitor(path)) {
      return isOurPage(request, this.#names)
        ? { data: null }
        : { status: 403, body: "This is for the page of this service only.\n" };
    }
    const kind = this.#options.tls ? "wss" : "ws";
    const track = this.#tracks.begin(kind, labelOf(path), performance.now());
    const [protocol] = protocols;
    return protocol === undefined ? { data: track } : { data: track, protocol };
  }

  #opened(socket: WebSocketConnection<Role>): void {
    if (socket.data !== null) this.#show(socket.data, socket, socket.connection);
    else {
      socket.subscribe(REPORTS);
      socket.write(this.#report(false));
    }
  }

  #received(socket: WebSocketConnection<Role>, message: string | Buffer): void {
    if (socket.data === null) {
      this.#obey(message);
      return;
    }
    this.#meter.add(typeof message === "string" ? Buffer.byteLength(message) : message.length);
    if (!socket.write(message)) socket.pause();
  }

  // -------------------------------------------------------------------------------- connections

  #show(
    track: Track,
    subject: Parameters<Track["opened"]>[0],
    connection: Connection<never> | Connection,
  ): void {
    track.opened(subject, connection as Connection<never>, performance.now());
    this.#tracks.opened(track);
    this.#tellNews();
  }

  #ended(track: Track, error: HawserError | null, why: string): void {
    const note = error === null ? why : (error.reason ?? error.code);
    track.ended(error === null ? "closed" : "failed", note, performance.now());
    this.#tracks.ended(track);
    this.#tellNews();
  }

  /** Connections that others have made to this service. */
  get #served(): Track[] {
    return [...this.#tracks.all].filter(({ kind }) => kind !== "client");
  }

  /** A line about them; null where there are none. */
  line(): string | null {
    const tracks = this.#served;
    if (tracks.length === 0) return null;
    const times = tracks.map((track) => track.roundTripMs()).filter((time) => time !== null);
    return this.#meter.line(tracks.length, times);
  }

  // --------------------------------------------------------------------------------- the page's

  /** @param isSample for the plot, whose samples are as far apart as the others */
  #report(isSample: boolean): string {
    const report = this.#tracks.report(performance.now());
    return JSON.stringify({ ...report, tcp: this.#tryIt, isSample });
  }

  #tellPages(isSample: boolean): void {
    const listener = this.#webSockets;
    if (listener === null) return;
    for (const { data } of listener.connections) {
      // Somebody looks at it.
      if (data === null) {
        listener.publish(REPORTS, this.#report(isSample));
        return;
      }
    }
  }

  #tellNews(): void {
    this.#news ??= setTimeout(() => {
      this.#news = null;
      this.#tellPages(false);
    }, NEWS_MS);
  }

  #obey(message: string | Buffer): void {
    const command = readCommand(message);
    if (command === null) return;
    if (command.do === "client") void this.#addClient();
    else if (command.do === "close") this.#tracks.find(command.id)?.close();
    else this.#tracks.find(command.id)?.silence(command.on, performance.now());
    this.#tellNews();
  }

  // A client of hawser's own, so that the page shows how one notices a peer that is dead.
  async #addClient(): Promise<void> {
    if (this.#clients >= MAX_CLIENTS || this.#webSockets === null) return;
    this.#clients++;
    const label = `client-${++this.#clientsMade}`;
    const track = this.#tracks.begin("client", label, performance.now(), CLIENT_HEARTBEAT);
    const options: WebSocketConnectOptions = {
      heartbeat: CLIENT_HEARTBEAT,
      // The other end is this process.
      ...(this.#options.tls ? { tls: { rejectUnauthorized: false } } : {}),
      message() {},
      close: (_socket, code, _reason, error) => {
        this.#clients--;
        this.#ended(track, error, `${code}`);
        if (error !== null) this.#hangUp(label);
      },
    };
    try {
      const client = await connect(this.#urlOfOurs(this.#webSockets, label), options);
      this.#show(track, client, client.connection);
    } catch (error) {
      this.#clients--;
      // The listener is closing, or out of descriptors: the page shows that none has come.
      console.error(`hawser: ${(error as Error).message}`);
    }
  }

  #urlOfOurs({ address, port }: WebSocketListener<Role>, label: string): `ws://${string}` {
    const isAny = address.address === "::" || address.address === "0.0.0.0";
    const host = isAny
      ? "localhost"
      : address.family === "IPv6"
        ? `[${address.address}]`
        : address.address;
    const scheme = this.#options.tls ? "wss" : "ws";
    return `${scheme}://${host}:${port}/?as=${label}` as `ws://${string}`;
  }

  // The end that was silent is of no use any more: it would wait for nobody.
  #hangUp(label: string): void {
    for (const track of this.#served) {
      if (track.label === label) track.silence(false, performance.now());
    }
  }

  // ------------------------------------------------------------------------------------- ending

  /** Closes every WebSocket with 1001 and every connection. Resolves to how many were aborted. */
  async close(timeoutMs: number): Promise<number> {
    clearInterval(this.#timer);
    if (this.#news !== null) clearTimeout(this.#news);
    const listeners = [this.#webSockets, this.#streams];
    const results = await Promise.all(
      listeners.map((listener) => listener?.close({ timeout: timeoutMs })),
    );
    return results.reduce((sum, result) => sum + (result?.aborted ?? 0), 0);
  }
}
