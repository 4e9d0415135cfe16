// Who gets the flows that a listener makes of new peers: a function for each, callbacks, or whoever
// iterates. Not here: when a flow is made (listener.ts), what it does (flow.ts).

import { type HandlerContext, inContext } from "../handler-context.ts";
import type { UdpFlow } from "./flow.ts";
import type { UdpFlowHandler } from "./types.ts";

type Taken = IteratorResult<UdpFlow, undefined>;

export class FlowTakers {
  readonly #handler: UdpFlowHandler | undefined;
  readonly #context: HandlerContext;
  /** Flows that nobody has taken yet; null where a handler or callbacks take them. */
  readonly #waiting: Set<UdpFlow> | null;
  #takers: ((result: Taken) => void)[] = [];
  #isOver = false;

  /** @param isCalledBack whether callbacks take the flows; then nobody iterates */
  constructor(handler: UdpFlowHandler | undefined, isCalledBack: boolean, context: HandlerContext) {
    this.#handler = handler;
    this.#context = context;
    this.#waiting = handler === undefined && !isCalledBack ? new Set() : null;
  }

  /** Whether flows wait here for whoever iterates. */
  get isIterated(): boolean {
    return this.#waiting !== null;
  }

  /** A flow that was told that it is open. */
  hand(flow: UdpFlow): void {
    if (this.#handler !== undefined) this.#handle(this.#handler, flow);
    else if (this.#waiting !== null) {
      const taker = this.#takers.shift();
      if (taker === undefined) this.#waiting.add(flow);
      else taker({ done: false, value: flow });
    }
  }

  // Its return is close(); its rejection with the flow's own error ends that flow quietly.
  #handle(handler: UdpFlowHandler, flow: UdpFlow): void {
    const run = async () => inContext(this.#context, handler)(flow);
    run().then(
      () => flow.close(),
      (error) => flow.handlerFailed(error),
    );
  }

  /** The next flow, or the end after `end()`. */
  take(): Promise<Taken> {
    for (const flow of this.#waiting ?? []) {
      this.#waiting?.delete(flow);
      return Promise.resolve({ done: false, value: flow });
    }
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  /** A flow that is closed before anybody has taken it. */
  forget(flow: UdpFlow): void {
    this.#waiting?.delete(flow);
  }

  /** There will be no more. */
  end(): void {
    this.#isOver = true;
    for (const taker of this.#takers.splice(0)) taker({ done: true, value: undefined });
  }
}
