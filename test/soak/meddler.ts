// What stands between a client and a server of a soak and does them harm: it hands bytes on, holds
// them back for a while, or resets both sides. Over node:net, so that nothing of hawser's is in it.
// Not here: when it does so (plan.ts).

import { once } from "node:events";
import net from "node:net";

export interface Meddling {
  /** Both are reset when so many bytes have passed towards the server; Infinity for never. */
  readonly cutAfter: number;
  /** Nothing passes for so long, once, in the middle. */
  readonly stallMs: number;
}

export class Meddler {
  readonly #server: net.Server;
  readonly #target: net.NetConnectOpts;
  readonly #tasks: Meddling[] = [];
  readonly #sockets = new Set<net.Socket>();

  constructor(target: net.NetConnectOpts) {
    this.#target = target;
    this.#server = net.createServer({ allowHalfOpen: true }, (near) => this.#join(near));
  }

  async start(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** What to do to the next connection. */
  expect(meddling: Meddling): void {
    this.#tasks.push(meddling);
  }

  #join(near: net.Socket): void {
    const { cutAfter, stallMs } = this.#tasks.shift() ?? { cutAfter: Infinity, stallMs: 0 };
    const far = net.connect({ ...this.#target, allowHalfOpen: true } as net.NetConnectOpts);
    const reset = () => {
      near.resetAndDestroy();
      far.resetAndDestroy();
    };
    let passed = 0;
    let stalled = stallMs === 0;
    near.on("data", (bytes) => {
      passed += bytes.length;
      if (passed >= cutAfter) {
        // What came before it is not handed on any more: a cut is no end.
        reset();
        return;
      }
      if (!far.write(bytes)) near.pause();
      if (stalled) return;
      stalled = true;
      near.pause();
      far.pause();
      setTimeout(() => {
        near.resume();
        far.resume();
      }, stallMs);
    });
    far.on("data", (bytes) => {
      if (!near.write(bytes)) far.pause();
    });
    near.on("drain", () => far.resume());
    far.on("drain", () => near.resume());
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.setNoDelay(true);
      one.on("end", () => other.end());
      one.on("error", () => reset());
      one.on("close", () => this.#sockets.delete(one));
    }
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
