// One step of a soak over a byte stream: connect, exchange checked bytes, end as the plan says, and
// look at what each side has seen. Not here: the plan (plan.ts), datagrams (datagrams.ts).

import { connect, listen } from "../../lib/index.ts";
import { pattern } from "../support/bytes.ts";
import { clientCallbacks, End, headOf, type Outcome, serverCallbacks } from "./ends.ts";
import { Meddler } from "./meddler.ts";
import type { Step, Transport } from "./plan.ts";

export type StreamTransport = Exclude<Transport, "udp">;

/** How a peer that goes without a word is told of, by the system and by TLS. */
const CUT_CODES = new Set(["ECONNRESET", "EPIPE", "ERR_HAWSER_TLS_TRUNCATED"]);
const STALL_MS = 150;
const SLOW_MS = 5;

/** What the certificates of the caller give. */
export interface Secrets {
  readonly ca: string;
  readonly server: { readonly key: string; readonly cert: string };
}

interface Service {
  readonly endpoint: string;
  /** Through the meddler; undefined where nobody can stand between. */
  readonly meddled: string | undefined;
  readonly meddler: Meddler | undefined;
  close(): Promise<unknown>;
}

interface Exchange {
  readonly step: Step;
  readonly up: Buffer;
  readonly down: Buffer;
  opened(end: End): void;
  /** Those that are there. */
  readonly ends: End[];
}

/** The servers of a soak, one for each transport, and the steps that are under way. */
export class Streams {
  readonly #services = new Map<StreamTransport, Service>();
  readonly #exchanges = new Map<number, Exchange>();
  readonly #secrets: Secrets;

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  async start(folder: string): Promise<void> {
    const { key, cert } = this.#secrets.server;
    const opened = (end: End, index: number) => {
      const exchange = this.#exchanges.get(index);
      if (exchange === undefined) throw new Error(`nobody has asked for step ${index}`);
      end.expected = exchange.up;
      exchange.ends.push(end);
      exchange.opened(end);
    };
    const serve = async (transport: StreamTransport, at: string, options: object = {}) => {
      const callbacks = serverCallbacks(transport === "ws", opened);
      const listener = await listen(at as never, { ...callbacks, ...options } as never);
      const { port } = listener as { port?: number };
      const close = () => (listener as { close(): Promise<unknown> }).close();
      if (port === undefined) {
        this.#services.set(transport, {
          endpoint: at,
          meddled: undefined,
          meddler: undefined,
          close,
        });
        return;
      }
      const meddler = new Meddler({ port, host: "127.0.0.1" });
      const where = (of: number) => `${at.slice(0, at.lastIndexOf(":"))}:${of}`;
      const meddled = where(await meddler.start());
      this.#services.set(transport, { endpoint: where(port), meddled, meddler, close });
    };
    await serve("tcp", "tcp://127.0.0.1:0");
    await serve("unix", `unix:${folder}/soak.sock`);
    await serve("tls", "tls://127.0.0.1:0", { tls: { key, cert } });
    await serve("ws", "ws://127.0.0.1:0", { perMessageDeflate: true });
  }

  async stop(): Promise<void> {
    for (const { meddler, close } of this.#services.values()) {
      await meddler?.stop();
      await close();
    }
  }

  /** Carries a step out. @throws an Error that says what was not as it must be */
  async run(step: Step): Promise<void> {
    const service = this.#services.get(step.transport as StreamTransport) as Service;
    const isMeddled = step.ending === "cut" || step.hindrance === "stall";
    if (isMeddled) {
      const cutAfter = step.ending === "cut" ? 1 + Math.floor(step.cutAt * step.upBytes) : Infinity;
      service.meddler?.expect({ cutAfter, stallMs: step.hindrance === "stall" ? STALL_MS : 0 });
    }
    const opened = new Promise<End>((resolve) => {
      this.#exchanges.set(step.index, {
        step,
        up: pattern(step.upBytes, step.patternSeed),
        down: pattern(step.downBytes, step.patternSeed + 1),
        opened: resolve,
        ends: [],
      });
    });
    try {
      const endpoint = isMeddled ? (service.meddled as string) : service.endpoint;
      await this.#exchange(this.#exchanges.get(step.index) as Exchange, endpoint, opened);
    } finally {
      this.#exchanges.delete(step.index);
    }
  }

  /** How far a step that is under way has come: bytes received at its ends, of those expected. */
  progressOf({ index }: Step): string {
    const ends = this.#exchanges.get(index)?.ends ?? [];
    return ends.map((end) => `${end.receivedBytes} of ${end.expected.length} bytes`).join(", ");
  }

  async #exchange(exchange: Exchange, endpoint: string, opened: Promise<End>): Promise<void> {
    const { step, up, down } = exchange;
    const tls = step.transport === "tls" ? { tls: { ca: this.#secrets.ca } } : {};
    const options = { ...clientCallbacks(step.transport === "ws"), ...tls };
    const stream = await connect(endpoint as never, options as never).catch((error) => {
      // A cut may come before the end of the handshake.
      if (step.ending === "cut" && CUT_CODES.has(error.code)) return null;
      throw error;
    });
    if (stream === null) return;
    const client = new End(stream as never);
    client.stream.data = client;
    client.expected = down;
    exchange.ends.push(client);
    client.stream.write(headOf(step.index));
    if (step.ending === "cut") {
      await cut(client, up, step, opened);
      return;
    }
    const server = await opened;
    if (step.hindrance === "slow client") slow(client);
    if (step.hindrance === "slow server") slow(server);
    await endings[step.ending](client, server, exchange);
  }
}

/** Reads a piece, and rests. */
function slow(end: End): void {
  const { stream } = end;
  const before = end.heard;
  end.heard = () => {
    before();
    stream.pause();
    setTimeout(() => stream.resume(), SLOW_MS);
  };
}

/** Resolves when it has everything that it expects. */
function all(end: End): Promise<void> {
  if (end.hasAll) return Promise.resolve();
  return new Promise((resolve) => {
    const before = end.heard;
    end.heard = () => {
      before();
      if (end.hasAll) resolve();
    };
  });
}

/** Resolves when it has that share, or has ended. */
function some(end: End, share: number): Promise<unknown> {
  const enough = Math.floor(end.expected.length * share);
  if (end.receivedBytes >= enough) return Promise.resolve();
  const heard = new Promise<void>((resolve) => {
    const before = end.heard;
    end.heard = () => {
      before();
      if (end.receivedBytes >= enough) resolve();
    };
  });
  return Promise.race([heard, end.ended]);
}

type Run = (client: End, server: End, exchange: Exchange) => Promise<void>;

async function both(client: End, server: End, { step, up, down }: Exchange): Promise<void> {
  const sent = [client.send(up, step.chunkBytes), server.send(down, step.chunkBytes)];
  await Promise.all([...sent, all(client), all(server)]);
}

function closes(choose: (client: End, server: End) => End): Run {
  return async (client, server, exchange) => {
    await both(client, server, exchange);
    void choose(client, server).stream.close();
    expectClean(await client.ended, exchange.down.length);
    expectClean(await server.ended, exchange.up.length);
  };
}

function aborts(choose: (client: End, server: End) => readonly [who: End, other: End]): Run {
  return async (client, server, { step, up, down }) => {
    const [who, other] = choose(client, server);
    // Whoever is aborted sends no more: that is how it ends.
    const sent = [client.send(up, step.chunkBytes), server.send(down, step.chunkBytes)];
    for (const one of sent) one.catch(() => {});
    await some(who, step.cutAt);
    who.stream.abort();
    expectPart(await who.ended, null);
    // A Unix socket knows no RST: with nothing unread its end is an end (unix(7)).
    const codes = step.transport === "unix" ? new Set([...CUT_CODES, null]) : CUT_CODES;
    expectPart(await other.ended, codes);
  };
}

const endings: Readonly<Record<Exclude<Step["ending"], "cut">, Run>> = {
  "client closes": closes((client) => client),
  "server closes": closes((_, server) => server),
  "client aborts": aborts((client, server) => [client, server]),
  "server aborts": aborts((client, server) => [server, client]),

  async "half close"(client, server, { step, up, down }) {
    // Our own FIN follows the peer's, after what is written here and now.
    server.peerEnded = () => server.write(down);
    await client.send(up, step.chunkBytes);
    client.finish();
    expectClean(await client.ended, down.length);
    expectClean(await server.ended, up.length);
  },

  async "close at once"(client, server, { up }) {
    for (let at = 0; at < up.length; at += 65_536)
      client.stream.write(up.subarray(at, at + 65_536));
    void client.stream.close();
    expectClean(await client.ended, null);
    expectClean(await server.ended, up.length);
  },
};

/** The client sends until both are reset; the server may never have heard of it. */
async function cut(client: End, up: Buffer, step: Step, opened: Promise<End>): Promise<void> {
  const sending = client.send(up, step.chunkBytes).catch(() => {});
  expectPart(await client.ended, CUT_CODES);
  await sending;
  const server = await Promise.race([opened, Promise.resolve(undefined)]);
  if (server !== undefined) expectPart(await server.ended, CUT_CODES);
}

function expectClean({ code, receivedBytes, wrongBytes }: Outcome, bytes: number | null): void {
  if (code !== null) throw new Error(`a clean end was ${code}`);
  if (wrongBytes > 0) throw new Error(`${wrongBytes} bytes are wrong`);
  if (bytes === null || receivedBytes === bytes) return;
  throw new Error(`${receivedBytes} bytes came of ${bytes}`);
}

function expectPart({ code, wrongBytes }: Outcome, codes: ReadonlySet<string | null> | null): void {
  if (wrongBytes > 0) throw new Error(`${wrongBytes} bytes are wrong`);
  const isRight = codes === null ? code === null : codes.has(code);
  if (!isRight) throw new Error(`a broken connection ended with ${code}`);
}
