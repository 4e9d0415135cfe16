// permessage-deflate as the conformance suite does it (RFC 7692): one lasting zlib stream for each
// direction, so that a wrong window or a wrong context shows as wrong bytes. Not here: frames.

import { constants, createDeflateRaw, createInflateRaw } from "node:zlib";

/** The parameters of one direction. */
export interface Direction {
  readonly windowBits: number;
  readonly noContextTakeover: boolean;
}

/** What both sides have agreed on, by who compresses. */
export interface Agreement {
  readonly client: Direction;
  readonly server: Direction;
}

const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** Reads a Sec-WebSocket-Extensions answer. @throws Error for what no server may answer */
export function readAgreement(answer: string): Agreement {
  const [name = "", ...parameters] = answer.split(";").map((part) => part.trim());
  if (name !== "permessage-deflate") throw new Error(`extension "${answer}" was agreed on`);
  const seen = new Map<string, string>();
  for (const parameter of parameters) {
    const [key = "", value = ""] = parameter.split("=").map((part) => part.trim());
    if (seen.has(key)) throw new Error(`parameter ${key} stands twice`);
    seen.set(key, value);
  }
  const direction = (side: "client" | "server"): Direction => {
    const bits = seen.get(`${side}_max_window_bits`) ?? "15";
    if (!/^(?:[89]|1[0-5])$/.test(bits)) throw new Error(`window bits "${bits}"`);
    return {
      windowBits: Number(bits),
      noContextTakeover: seen.get(`${side}_no_context_takeover`) === "",
    };
  };
  const agreement = { client: direction("client"), server: direction("server") };
  for (const key of seen.keys()) {
    if (!/^(?:client|server)_(?:no_context_takeover|max_window_bits)$/.test(key)) {
      throw new Error(`parameter ${key} is unknown`);
    }
  }
  return agreement;
}

type Stream = ReturnType<typeof createDeflateRaw> | ReturnType<typeof createInflateRaw>;

/** A zlib stream that lives as long as its context does. */
class Lasting {
  readonly #stream: Stream;
  #output: Buffer[] = [];
  #failed: (error: Error) => void = () => {};

  constructor(stream: Stream) {
    this.#stream = stream;
    stream.on("data", (chunk: Buffer) => void this.#output.push(chunk));
    stream.on("error", (error) => this.#failed(error));
  }

  /** What comes out for one message in, up to its sync flush. */
  pass(input: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#failed = reject;
      this.#output = [];
      this.#stream.write(input);
      this.#stream.flush(constants.Z_SYNC_FLUSH, () => resolve(Buffer.concat(this.#output)));
    });
  }

  close(): void {
    this.#stream.close();
  }
}

/** One direction of a connection: compresses or inflates messages, one after the other. */
export class Codec {
  readonly #direction: Direction;
  readonly #make: () => Stream;
  #lasting: Lasting | null = null;

  constructor(direction: Direction, what: "compress" | "inflate") {
    const { windowBits } = direction;
    this.#direction = direction;
    // zlib has no raw window of 256 bytes to compress with and takes 512 instead, which is too much
    // for who has agreed on 8 bits. Stored blocks refer to nothing.
    this.#make =
      what === "inflate"
        ? () => createInflateRaw({ windowBits })
        : () =>
            createDeflateRaw({
              windowBits: Math.max(9, windowBits),
              level: windowBits === 8 ? 0 : 6,
            });
  }

  /** The payload of a message, as it goes on the wire (section 7.2.1). */
  async compress(message: Buffer): Promise<Buffer> {
    const bytes = await this.#pass(message);
    if (!bytes.subarray(-4).equals(TAIL)) throw new Error("zlib's flush has no tail");
    return bytes.subarray(0, -4);
  }

  /** The message in a payload (section 7.2.2). @throws Error where the payload is malformed */
  inflate(payload: Buffer): Promise<Buffer> {
    return this.#pass(Buffer.concat([payload, TAIL]));
  }

  async #pass(input: Buffer): Promise<Buffer> {
    this.#lasting ??= new Lasting(this.#make());
    const output = await this.#lasting.pass(input);
    if (this.#direction.noContextTakeover) this.close();
    return output;
  }

  close(): void {
    this.#lasting?.close();
    this.#lasting = null;
  }
}
