// The path of a flow over a socket of its own: what it knows, and who is told. Not here: how a path
// is judged and followed (lib/net/paths), flows that share a socket, which have none.

import { PathFollower, type PathUser } from "../paths/follower.ts";
import type { Path } from "../paths/types.ts";
import type { Footing } from "../paths/viability.ts";
import type { FlowPolicy } from "./flow-policy.ts";

/** Follows from the first question on, or from the beginning where an option asks for it. */
export class FlowPaths {
  readonly #user: PathUser;
  readonly #footing: () => Footing;
  readonly #policy: FlowPolicy;
  #follower: PathFollower | null = null;
  #isStopped = false;

  /** @param footing what the flow stands on */
  constructor(user: PathUser, footing: () => Footing, policy: FlowPolicy) {
    this.#user = user;
    this.#footing = footing;
    this.#policy = policy;
  }

  /** @throws HawserError where this process may not look at its networks */
  followAsAsked(): void {
    const { handlers, viabilityTimeout } = this.#policy;
    const { viable, betterPath } = handlers;
    if (viable !== undefined || betterPath !== undefined || viabilityTimeout > 0) this.#followed();
  }

  get viable(): boolean {
    return this.#followed()?.viable ?? true;
  }

  get betterPath(): Path | null {
    return this.#followed()?.betterPath ?? null;
  }

  get path(): Path | null {
    return this.#followed()?.path ?? null;
  }

  #followed(): PathFollower | null {
    if (this.#follower === null && !this.#isStopped) {
      this.#follower = new PathFollower(this.#user, this.#footing(), this.#policy.viabilityTimeout);
    }
    return this.#follower;
  }

  stop(): void {
    this.#isStopped = true;
    this.#follower?.stop();
    this.#follower = null;
  }
}
