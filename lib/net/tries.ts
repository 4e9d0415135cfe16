// The tries of one connection to be established, until it is or has failed: one after the other,
// with waits between them, each within the limit in time, until its signal is aborted. None of this
// is kept for a connection that is ready. Not here: what a try is (establishment.ts), when to try
// again (waiting.ts), states (connection.ts).

import { Deadline } from "../core/deadlines.ts";
import { onAbort } from "../core/waiting.ts";
import type { HawserError } from "../errors/index.ts";
import {
  clearDeadline,
  type DeadlineOwner,
  holdProcess,
  letProcessGo,
  now,
  setDeadline,
} from "./clock.ts";
import type { Endpoint } from "./endpoint.ts";
import { Establishment, type EstablishmentOwner } from "./establishment.ts";
import type { ConnectParameters } from "./parameters.ts";
import { type Looker, pathLooks } from "./paths/looks.ts";
import { hasRules } from "./paths/path-rules.ts";
import { isCurable } from "./paths/retry.ts";
import type { PathWishes } from "./paths/wishes.ts";
import type { TlsContext } from "./tls-engine.ts";
import type { EstablishmentPhase } from "./types.ts";
import { Waiting } from "./waiting.ts";

/** Who is told how a try went, and that its time has passed. */
export type TriesOwner = EstablishmentOwner & DeadlineOwner;

/** What is to be established. */
export interface TriesTarget {
  readonly endpoint: Endpoint;
  readonly parameters: ConnectParameters;
  readonly wishes: PathWishes | null;
}

export class Tries implements Looker {
  readonly #target: TriesTarget;
  readonly #tls: TlsContext | null;
  readonly #owner: TriesOwner;
  readonly #startedAt = now();
  readonly #startedAtMs = Date.now();
  #establishment: Establishment | null = null;
  #deadline: Deadline<DeadlineOwner> | null = null;
  #stopWatching: (() => void) | null = null;
  #waiting: Waiting | null = null;
  #waits = 0;
  #waitsFor: HawserError | null = null;
  #isReferenced: boolean;
  #isHolding = false;

  constructor(
    target: TriesTarget,
    tls: TlsContext | null,
    owner: TriesOwner,
    isReferenced: boolean,
  ) {
    this.#target = target;
    this.#tls = tls;
    this.#owner = owner;
    this.#isReferenced = isReferenced;
  }

  /** The first, after the call in which it is asked for. */
  begin(aborted: (reason: unknown) => void): void {
    const { signal, connectTimeout } = this.#target.parameters;
    if (signal?.aborted) {
      queueMicrotask(() => aborted(signal.reason));
      return;
    }
    this.#stopWatching = onAbort(signal, () => aborted(signal?.reason));
    if (connectTimeout > 0) {
      this.#deadline = new Deadline<DeadlineOwner>(this.#owner);
      // A resolver that never answers leaves nothing else to wait for.
      this.#hold();
    }
    this.#try();
  }

  #try(): void {
    const { endpoint, parameters, wishes } = this.#target;
    // What an earlier one took says nothing about this: it met another network.
    if (this.#deadline !== null) setDeadline(this.#deadline, parameters.connectTimeout);
    const establishment = new Establishment(endpoint, parameters, this.#tls, this.#owner, {
      startedAt: this.#startedAt,
      startedAtMs: this.#startedAtMs,
      waits: this.#waits,
      waitedMs: this.#waiting?.waitedMs ?? 0,
      rules: wishes !== null && hasRules(wishes) ? wishes : null,
      looks: wishes !== null || this.#waiting !== null,
    });
    this.#establishment = establishment;
    // Nothing of the user's runs inside this call, a failure that is known at once included. Tries
    // that fail so, and are begun anew at each failure, must leave the loop to others.
    const soon = this.#waits === 0 ? queueMicrotask : setImmediate;
    soon(() => {
      if (this.#establishment !== establishment) return;
      try {
        // Who may not look at the networks cannot have what was asked for.
        if (wishes !== null) pathLooks.add(this);
      } catch (error) {
        this.#owner.establishmentFailed(error as Error);
        return;
      }
      establishment.start();
    });
  }

  /** @internal Only the watch is wanted until the connection itself follows its path. */
  look(): void {}

  /** What is going on, or went on last. */
  get phase(): EstablishmentPhase {
    return this.#establishment?.phase ?? "resolve";
  }

  /** The one that is under way, or was last. */
  get last(): Establishment | null {
    return this.#establishment;
  }

  /** Why it waits; null where it does not. */
  get waitsFor(): HawserError | null {
    return this.#waitsFor;
  }

  /**
   * A try has failed. False where that is the end: no wish to wait, or nothing that a change of the
   * network can cure.
   *
   * @param retry called when the next try is due
   */
  wait(error: HawserError, retry: () => void): boolean {
    if (!this.#target.parameters.waitForConnectivity || !isCurable(error)) return false;
    this.#waitsFor = error;
    this.#waits++;
    if (this.#deadline !== null) clearDeadline(this.#deadline);
    this.#waiting ??= new Waiting({ retry, reconsider: () => this.#reconsider() });
    this.#waiting.failed();
    this.#hold();
    return true;
  }

  // What is under way was sent a way that is no more, and would be waited for in vain.
  #reconsider(): void {
    if (!pathLooks.isWatching || !this.#establishment?.isStale(pathLooks.view())) return;
    this.#establishment.cancel();
    this.#waiting?.tried();
    this.#try();
  }

  /** The next one. */
  retry(): void {
    this.#waitsFor = null;
    this.#waiting?.tried();
    this.#hold();
    this.#try();
  }

  // While it waits, or is within a limit of time, there may be nothing else that keeps the process.
  #hold(): void {
    const isWanted = this.#deadline !== null || this.#waitsFor !== null;
    const holds = isWanted && this.#isReferenced;
    if (holds === this.#isHolding) return;
    this.#isHolding = holds;
    if (holds) holdProcess();
    else letProcessGo();
  }

  /** Whether the process stays for it while there is no socket. */
  setReferenced(isReferenced: boolean): void {
    this.#isReferenced = isReferenced;
    this.#hold();
  }

  /** It is over; what is still open of it is closed. */
  end(): void {
    this.#stopWatching?.();
    this.#waitsFor = null;
    this.#waiting?.stop();
    if (this.#deadline !== null) clearDeadline(this.#deadline);
    this.#deadline = null;
    this.#hold();
    this.#establishment?.cancel();
    this.#establishment = null;
    pathLooks.remove(this);
  }
}
