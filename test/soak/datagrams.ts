// One step of a soak over UDP: numbered datagrams go out and come back; what the kernel drops is
// sent again, what is wrong is told. Not here: the plan (plan.ts), streams (steps.ts).

import { connect, listen } from "../../lib/index.ts";
import { pattern } from "../support/bytes.ts";
import type { Step } from "./plan.ts";

const MOST_DATAGRAMS = 200;
const LEAST_BYTES = 4;
const MOST_BYTES = 1_400;
/** Sent and not back yet; fewer than a socket buffer holds. */
const WINDOW = 32;
const AGAIN_MS = 100;

export class Datagrams {
  #endpoint = "";
  #close: () => Promise<unknown> = async () => {};

  async start(): Promise<void> {
    const listener = await listen("udp://127.0.0.1:0", {
      // Everything goes back to where it came from.
      data: (flow, bytes) => void flow.write(bytes),
      idleTimeout: 2_000,
    });
    this.#endpoint = `udp://127.0.0.1:${listener.port}`;
    this.#close = () => listener.close();
  }

  stop(): Promise<unknown> {
    return this.#close();
  }

  /** Carries a step out. @throws an Error that says what was not as it must be */
  async run(step: Step): Promise<void> {
    const size = Math.max(LEAST_BYTES, Math.min(MOST_BYTES, step.chunkBytes));
    const count = 1 + Math.min(MOST_DATAGRAMS, Math.floor(step.upBytes / size));
    const datagrams = Array.from({ length: count }, (_, index) => {
      const bytes = pattern(size, step.patternSeed + index);
      bytes.writeUInt32BE(index);
      return bytes;
    });
    await exchange(this.#endpoint, datagrams);
  }
}

async function exchange(endpoint: string, datagrams: readonly Buffer[]): Promise<void> {
  let wrong = 0;
  const missing = new Set(datagrams.keys());
  const flow = await connect(endpoint as "udp://127.0.0.1:1", {
    data(_flow, bytes) {
      const index = bytes.readUInt32BE();
      if (!datagrams[index]?.equals(bytes)) wrong++;
      missing.delete(index);
      if (missing.size % WINDOW === 0) send();
    },
  });
  const send = () => {
    for (const index of [...missing].slice(0, WINDOW)) flow.write(datagrams[index] as Buffer);
  };
  send();
  while (missing.size > 0 && wrong === 0) {
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    send();
  }
  await flow.close();
  if (wrong > 0) throw new Error(`${wrong} datagrams came back changed`);
}
