// One TCP connection between the suite and the side under test: the opening handshake from either
// side, the steps of a run, and what came back against what had to. Not here: frames, zlib, cases.

import { createHash, randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { DeflateSetup, Expected, Run, Step } from "./case.ts";
import { type Agreement, Codec, readAgreement } from "./deflate.ts";
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  encodeFrame,
  type FrameSpec,
  FrameReader,
  fragments,
  PING,
  PONG,
  TEXT,
} from "./frames.ts";

/** The role of the side under test. */
export type Side = "server" | "client";

/** How long the session waits; milliseconds. */
export interface Patience {
  /** For anything that has to come. */
  readonly answerMs: number;
  /** For a verdict that has to come at once. */
  readonly verdictMs: number;
}

/** The side under test did what it must not. */
export class Deviation extends Error {
  override readonly name = "Deviation";
}

type Event =
  | { readonly kind: "text" | "binary" | "ping" | "pong"; readonly data: Buffer }
  | { readonly kind: "close"; readonly code: number | null }
  | { readonly kind: "end" | "reset" | "nothing" };

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

export class Session {
  readonly #socket: Socket;
  readonly #side: Side;
  readonly #patience: Patience;
  readonly #reader: FrameReader;
  #head: Buffer | null = Buffer.alloc(0);
  #hasEnded = false;
  #failure: NodeJS.ErrnoException | null = null;
  #changed: () => void = () => {};
  /** An event that was looked at and not taken. */
  #seen: Event | null = null;
  #outgoing: Codec | null = null;
  #incoming: Codec | null = null;
  /** The message of the other side that is under way. */
  #parts: Buffer[] = [];
  #opcode = CONTINUATION;
  #isCompressed = false;
  #compressedCount = 0;

  constructor(socket: Socket, side: Side, patience: Patience) {
    this.#socket = socket;
    this.#side = side;
    this.#patience = patience;
    this.#reader = new FrameReader(side === "client");
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      if (this.#head === null) this.#reader.push(chunk);
      else this.#head = Buffer.concat([this.#head, chunk]);
      this.#changed();
    });
    socket.on("end", () => {
      this.#hasEnded = true;
      this.#changed();
    });
    socket.on("error", (error) => {
      this.#failure = error;
      this.#changed();
    });
  }

  /** Carries out a run. Gives "late" where a verdict came late. @throws Error for a deviation */
  async carryOut({ deflate, steps }: Run): Promise<"ok" | "late"> {
    try {
      await this.#shake(deflate);
      for (const step of steps()) {
        const verdict = await this.#carryOutStep(step);
        if (verdict === "go on") continue;
        if (deflate?.compresses !== true || this.#compressedCount > 0) return verdict;
        throw new Deviation("it never compressed");
      }
      throw new Error("the run has no end");
    } finally {
      this.#outgoing?.close();
      this.#incoming?.close();
      this.#socket.destroy();
    }
  }

  // ----------------------------------------------------------------------------- opening handshake

  async #shake(deflate: DeflateSetup | undefined): Promise<void> {
    const answer = await (this.#side === "server"
      ? this.#shakeAsClient(deflate?.offer)
      : this.#shakeAsServer(deflate?.answer));
    if (deflate === undefined) {
      if (answer === "") return;
      throw new Deviation(`"${answer}" was agreed on, which nobody had offered`);
    }
    if (this.#side === "server") checkAnswer(deflate.offer, answer);
    this.#agree(readAgreement(answer));
  }

  async #shakeAsClient(offer: string | undefined): Promise<string> {
    const key = randomBytes(16).toString("base64");
    const lines = [
      "GET / HTTP/1.1",
      "Host: 127.0.0.1",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Key: ${key}`,
      "Sec-WebSocket-Version: 13",
    ];
    if (offer !== undefined) lines.push(`Sec-WebSocket-Extensions: ${offer}`);
    this.#socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    const { fields, start } = await this.#readHead();
    if (!start.startsWith("HTTP/1.1 101")) throw new Deviation(`it answered "${start}"`);
    requireField(fields, "upgrade", /^websocket$/i);
    requireField(fields, "connection", /\bupgrade\b/i);
    if (fields.get("sec-websocket-accept") !== acceptOf(key)) {
      throw new Deviation("Sec-WebSocket-Accept does not fit the key");
    }
    return fields.get("sec-websocket-extensions") ?? "";
  }

  async #shakeAsServer(answer: string | undefined): Promise<string> {
    const { fields, start } = await this.#readHead();
    if (!/^GET \S+ HTTP\/1\.1$/.test(start)) throw new Deviation(`it asked "${start}"`);
    requireField(fields, "host", /./);
    requireField(fields, "upgrade", /\bwebsocket\b/i);
    requireField(fields, "connection", /\bupgrade\b/i);
    requireField(fields, "sec-websocket-version", /^13$/);
    requireField(fields, "sec-websocket-key", /^[A-Za-z0-9+/]{22}==$/);
    if (answer !== undefined) {
      requireField(fields, "sec-websocket-extensions", /permessage-deflate/);
    }
    const lines = [
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Accept: ${acceptOf(fields.get("sec-websocket-key") as string)}`,
    ];
    if (answer !== undefined) lines.push(`Sec-WebSocket-Extensions: ${answer}`);
    this.#socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    return answer ?? "";
  }

  async #readHead(): Promise<{ start: string; fields: Map<string, string> }> {
    for (;;) {
      const head = this.#head as Buffer;
      const end = head.indexOf("\r\n\r\n");
      if (end >= 0) {
        this.#head = null;
        if (head.length > end + 4) this.#reader.push(head.subarray(end + 4));
        const [start = "", ...lines] = head.toString("latin1", 0, end).split("\r\n");
        const fields = lines.map((line): [string, string] => {
          const colon = line.indexOf(":");
          return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
        });
        return { start, fields: new Map(fields) };
      }
      if (!(await this.#somethingNew(this.#patience.answerMs))) {
        throw new Deviation("the opening handshake did not come to an end");
      }
    }
  }

  #agree(agreement: Agreement): void {
    const { client, server } = agreement;
    const isServer = this.#side === "server";
    this.#outgoing = new Codec(isServer ? client : server, "compress");
    this.#incoming = new Codec(isServer ? server : client, "inflate");
  }

  // ----------------------------------------------------------------------------------------- steps

  async #carryOutStep(step: Step): Promise<"go on" | "ok" | "late"> {
    if ("send" in step) {
      const frames = step.send.map((frame) => this.#encode(frame));
      await this.#write(Buffer.concat(frames), step.chop);
    } else if ("piece" in step) {
      const whole = this.#encode(step.piece);
      const header = whole.length - (step.piece.payload?.length ?? 0);
      const from = step.from === undefined ? 0 : header + step.from;
      await this.#write(whole.subarray(from, step.to === undefined ? undefined : header + step.to));
    } else if ("message" in step) {
      await this.#sendMessage(step.message, step.opcode, step.cut);
    } else if ("expect" in step) {
      return await this.#expect(step.expect, step.or ?? []);
    } else if ("quiet" in step) {
      const event = await this.#look(0);
      if (event.kind !== "nothing") throw new Deviation(`too early: ${describe(event)}`);
    } else if ("ends" in step) {
      return await this.#ends(step.ends);
    } else {
      return await this.#fails(step.fails, step.rest);
    }
    return "go on";
  }

  #encode(frame: FrameSpec): Buffer {
    return encodeFrame(frame, this.#side === "server");
  }

  async #sendMessage(message: Buffer, opcode: number, cut = Infinity): Promise<void> {
    const payload = this.#outgoing === null ? message : await this.#outgoing.compress(message);
    const frames = fragments(opcode, payload, cut, this.#outgoing === null ? 0 : 4);
    await this.#write(Buffer.concat(frames.map((frame) => this.#encode(frame))));
  }

  // Each piece reaches a reader in the same process by itself, for the loop turns in between.
  async #write(bytes: Buffer, chop = Infinity): Promise<void> {
    for (let at = 0; at < bytes.length; at += chop) {
      if (this.#failure !== null || this.#socket.destroyed) return;
      this.#socket.write(bytes.subarray(at, at + chop));
      await new Promise(setImmediate);
    }
  }

  async #expect(all: readonly Expected[], or: readonly number[]): Promise<"go on" | "ok"> {
    for (const expected of all) {
      const event = await this.#next();
      if (event.kind === "close" && or.includes(event.code ?? 0)) {
        await this.#ended();
        return "ok";
      }
      const [kind, data] = Object.entries(expected)[0] as [string, Buffer];
      if (event.kind !== kind || !("data" in event) || !event.data.equals(data)) {
        throw new Deviation(`${describe(event)} came, not ${kind} ${excerpt(data)}`);
      }
    }
    return "go on";
  }

  async #ends(codes: readonly (number | null)[]): Promise<"ok"> {
    const event = await this.#next();
    if (event.kind !== "close" || !codes.includes(event.code)) {
      throw new Deviation(`${describe(event)} came, not a Close with ${codes.join(" or ")}`);
    }
    await this.#ended();
    return "ok";
  }

  // A server ends TCP first (section 7.1.1); where we are the server, we do.
  async #ended(): Promise<void> {
    if (this.#side === "client") this.#socket.end();
    const event = await this.#next();
    if (event.kind !== "end") throw new Deviation(`${describe(event)} came behind the Close`);
    this.#socket.end();
  }

  async #fails(codes: readonly number[], rest: readonly Step[]): Promise<"ok" | "late"> {
    if ((await this.#look(this.#patience.verdictMs)).kind !== "nothing") {
      return await this.#ends(codes);
    }
    for (const step of rest) await this.#carryOutStep(step);
    await this.#ends(codes);
    return "late";
  }

  // --------------------------------------------------------------------------------------- reading

  async #look(ms: number): Promise<Event> {
    this.#seen ??= await this.#read(ms);
    const event = this.#seen;
    if (event.kind === "nothing") this.#seen = null;
    return event;
  }

  async #next(): Promise<Event> {
    const event = await this.#look(this.#patience.answerMs);
    this.#seen = null;
    return event;
  }

  async #read(ms: number): Promise<Event> {
    const until = performance.now() + ms;
    for (;;) {
      const frame = this.#reader.take();
      const event = frame === null ? null : await this.#judge(frame);
      if (event !== null) return event;
      if (frame !== null) continue;
      if (this.#failure !== null) return { kind: "reset" };
      if (this.#hasEnded) {
        if (this.#reader.pending > 0) throw new Deviation("TCP ended within a frame");
        return { kind: "end" };
      }
      const left = until - performance.now();
      if (left <= 0 || !(await this.#somethingNew(left))) return { kind: "nothing" };
    }
  }

  async #somethingNew(ms: number): Promise<boolean> {
    if (this.#failure !== null || this.#hasEnded) return false;
    return await new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      this.#changed = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  // A frame of the other side; an event where it completes one.
  async #judge(frame: NonNullable<ReturnType<FrameReader["take"]>>): Promise<Event | null> {
    const { fin, opcode, payload, rsv } = frame;
    const isFirst = opcode === TEXT || opcode === BINARY;
    if (rsv !== 0 && !(rsv === 4 && isFirst && this.#incoming !== null)) {
      throw new Deviation(`reserved bits ${rsv} came with opcode ${opcode}`);
    }
    if (opcode === PING) return { kind: "ping", data: payload };
    if (opcode === PONG) return { kind: "pong", data: payload };
    if (opcode === CLOSE) return judgeClose(payload);
    if (isFirst !== (this.#opcode === CONTINUATION)) {
      throw new Deviation("fragments of two messages came mixed");
    }
    if (isFirst) {
      this.#opcode = opcode;
      this.#isCompressed = rsv === 4;
    }
    this.#parts.push(payload);
    return fin ? await this.#whole() : null;
  }

  async #whole(): Promise<Event> {
    const kind = this.#opcode === TEXT ? "text" : "binary";
    let data = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#opcode = CONTINUATION;
    if (this.#isCompressed) {
      this.#compressedCount++;
      data = await (this.#incoming as Codec).inflate(data);
    }
    if (kind === "text") strictUtf8.decode(data);
    return { kind, data };
  }
}

// ----------------------------------------------------------------------------------------- judging

function judgeClose(payload: Buffer): Event {
  if (payload.length === 0) return { kind: "close", code: null };
  if (payload.length === 1) throw new Deviation("a Close of one byte came");
  const code = payload.readUInt16BE(0);
  const mayBeSent =
    (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) ||
    (code >= 3000 && code <= 4999);
  if (!mayBeSent) throw new Deviation(`close code ${code} came`);
  strictUtf8.decode(payload.subarray(2));
  return { kind: "close", code };
}

/** RFC 7692 section 7.1: what was offered has to be kept, what was not offered is not asked. */
function checkAnswer(offers: string, answer: string): void {
  const parse = (one: string) => new Set(one.split(";").map((part) => part.trim()));
  const agreed = readAgreement(answer);
  const isKept = offers.split(",").some((offer) => {
    const wanted = parse(offer);
    const bits = /server_max_window_bits=(\d+)/.exec(offer)?.[1] ?? "15";
    const clientBits = /client_max_window_bits(?:=(\d+))?/.exec(offer);
    if (wanted.has("server_no_context_takeover") && !agreed.server.noContextTakeover) return false;
    if (agreed.server.windowBits > Number(bits)) return false;
    if (clientBits === null) return !answer.includes("client_max_window_bits");
    return agreed.client.windowBits <= Number(clientBits[1] ?? "15") || clientBits[1] === undefined;
  });
  if (!isKept) throw new Deviation(`"${answer}" keeps no offer of "${offers}"`);
}

function requireField(fields: Map<string, string>, name: string, pattern: RegExp): void {
  const value = fields.get(name);
  if (value === undefined || !pattern.test(value)) {
    throw new Deviation(`the field ${name} is "${value ?? ""}"`);
  }
}

function acceptOf(key: string): string {
  return createHash("sha1").update(`${key}${GUID}`).digest("base64");
}

function describe(event: Event): string {
  if (event.kind === "close") return `a Close with ${event.code ?? "no code"}`;
  return "data" in event ? `${event.kind} ${excerpt(event.data)}` : event.kind;
}

function excerpt(data: Buffer): string {
  const shown = data.subarray(0, 24).toString("hex");
  return `[${data.length} bytes: ${shown}${data.length > 24 ? "..." : ""}]`;
}
