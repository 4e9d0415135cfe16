// A connection and the network beneath it: waiting for one, and following the path once it is open.
// Nothing is watched for a connection that nobody asks about paths.
// Not here: what viable and better mean (paths/viability.ts), when to try again (waiting.ts).

import type { HawserError } from "../errors/index.ts";
import { SecuringConnection } from "./connection-securing.ts";
import { PathFollower } from "./paths/follower.ts";
import { NO_RULES } from "./paths/path-rules.ts";
import type { Path } from "./paths/types.ts";
import { type Footing, footingOf } from "./paths/viability.ts";

/** The part of {@link Connection} that waits for the network and follows its path. */
export abstract class FollowingConnection<T = unknown> extends SecuringConnection<T> {
  #follower: PathFollower | null = null;

  /**
   * `waitForConnectivity`: tries again at once, instead of at the next change of the network. Does
   * nothing in other states than `waiting`.
   */
  restart(): void {
    if (this.current !== "waiting") return;
    this.transition("retry");
    this.outbound?.retry();
  }

  /**
   * Whether the local address, the link and a route to the peer are there; false within 200 ms of
   * losing one, and not for what is back within 50 ms. False before `ready` and after the end; true
   * for an open Unix socket. The first look at it, or at the two below, begins to follow the path.
   *
   * @throws HawserError where the system does not let this process look at its networks: EMFILE,
   *   EPERM
   */
  get viable(): boolean {
    if (this.policy.transport === "unix") return this.isOpen;
    return this.followed()?.viable ?? false;
  }

  /**
   * What a new connection would use, where that is another path than this one's; else null. A
   * connection never migrates by itself. @throws as `viable`
   */
  get betterPath(): Path | null {
    return this.followed()?.betterPath ?? null;
  }

  /**
   * The path in use, as the kernel routes now. Null before `ready`, after the end, and for Unix
   * sockets. @throws as `viable`
   */
  get path(): Path | null {
    return this.followed()?.path ?? null;
  }

  private get isOpen(): boolean {
    return this.channel !== null && this.ending === null;
  }

  private followed(): PathFollower | null {
    if (this.isOpen && this.#follower === null) this.follow();
    return this.#follower;
  }

  // ------------------------------------------------------------------------- for the layer above

  /** @internal It is connected: follows at once where an option or a callback asks for it. */
  protected followAsAsked(): void {
    if (this.outbound === null || this.outbound.wishes === null) return;
    try {
      this.followed();
    } catch (error) {
      this.fail(error as HawserError, "local");
    }
  }

  /** @internal */
  protected unfollow(): void {
    this.#follower?.stop();
    this.#follower = null;
  }

  private follow(): void {
    const footing = this.footing();
    if (footing === null) return;
    const timeoutMs = this.outbound?.wishes?.viabilityTimeout ?? 0;
    this.#follower = new PathFollower(this, footing, timeoutMs);
  }

  private footing(): Footing | null {
    const { localAddress, remoteAddress, outbound } = this;
    const isUnix = this.policy.transport === "unix";
    if (isUnix || localAddress === undefined || remoteAddress === undefined) return null;
    const { interface: asked } = this.policy.parameters;
    const from = outbound?.parameters.localAddress?.host;
    const wanted = { interface: asked, localAddress: from };
    const rules = outbound?.wishes ?? NO_RULES;
    return footingOf({ remoteAddress, localAddress }, wanted, rules, outbound?.boundTo);
  }

  /** @internal */
  viabilityChanged(viable: boolean): void {
    const callback = this.outbound?.wishes?.viable;
    if (callback !== undefined) this.call(callback, viable);
  }

  /** @internal */
  betterPathChanged(path: Path | null): void {
    const callback = this.outbound?.wishes?.betterPath;
    if (callback !== undefined) this.call(callback, path);
  }

  /** @internal */
  viabilityLapsed(): void {
    const phase = this.current === "closing" ? "close" : "open";
    const context = { phase, reason: "VIABILITY_TIMEOUT", bytes: this.bytesSoFar() } as const;
    this.fail(this.error("ENETDOWN", "read", context), "network");
  }

  /** @internal */
  establishmentFailed(error: Error): void {
    const { outbound } = this;
    // Who has closed it meanwhile waits for nothing.
    const mayWait = outbound !== null && this.current === "preparing";
    if (mayWait && outbound.wait(error as HawserError, () => this.restart())) {
      this.transition("noPath");
    } else {
      this.fail(error as HawserError, "network");
    }
  }
}
