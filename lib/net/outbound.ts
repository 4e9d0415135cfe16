// What a connection has that is made here and not accepted: its establishment, the promise of
// connect(), the limit in time, the signal, and the tries after a wait. Not here: how addresses are
// found and tried (establishment.ts), when to try again (waiting.ts), states (connection.ts).

import { Deadline } from "../core/deadlines.ts";
import { Deferred, onAbort } from "../core/waiting.ts";
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
import { type PathWishes, pathWishes } from "./paths/wishes.ts";
import { type TlsContext, tlsEngine, tlsWithoutScheme } from "./tls-engine.ts";
import type { EstablishmentPhase, EstablishmentReport } from "./types.ts";
import { Waiting } from "./waiting.ts";

type OutboundOwner = EstablishmentOwner & DeadlineOwner;

export class Outbound implements Looker {
  readonly endpoint: Endpoint;
  readonly parameters: ConnectParameters;
  /** What the caller wants with paths; null for nothing. */
  readonly wishes: PathWishes | null;
  readonly #tls: TlsContext | null;
  report: EstablishmentReport | null = null;
  /** Why `connect()` is refused, where that is another value than the connection's error. */
  refusal: unknown;
  /** Why it is in `waiting`; null where it is not. */
  waitsFor: HawserError | null = null;
  /** The interface that it was bound to by the rules, by index. */
  boundTo: number | undefined;
  #owner: OutboundOwner | null = null;
  #establishment: Establishment | null = null;
  #deadline: Deadline<DeadlineOwner> | null = null;
  /** Of `connectTimeout`, while it waits. */
  #leftMs = 0;
  #ready: Deferred<unknown> | null = null;
  #stopWatching: (() => void) | null = null;
  #waiting: Waiting | null = null;
  #waits = 0;
  #startedAt = 0;
  #startedAtMs = 0;
  #isReferenced = true;
  #isHolding = false;

  constructor(endpoint: Endpoint, parameters: ConnectParameters) {
    this.endpoint = endpoint;
    this.parameters = parameters;
    const { tls } = parameters;
    this.#tls = endpoint.tls ? tlsEngine().client(tls ?? {}, endpoint.host) : null;
    if (!endpoint.tls && tls !== undefined) throw tlsWithoutScheme(tls);
    this.wishes = pathWishes(endpoint, parameters);
  }

  /** Begins, after the call in which it is asked for. */
  begin(owner: OutboundOwner, aborted: (reason: unknown) => void): void {
    this.#owner = owner;
    this.#startedAt = now();
    this.#startedAtMs = Date.now();
    const { signal, connectTimeout } = this.parameters;
    if (signal?.aborted) {
      queueMicrotask(() => aborted(signal.reason));
      return;
    }
    this.#stopWatching = onAbort(signal, () => aborted(signal?.reason));
    if (connectTimeout > 0) {
      this.#deadline = new Deadline<DeadlineOwner>(owner);
      setDeadline(this.#deadline, connectTimeout);
      // A resolver that never answers leaves nothing else to wait for.
      this.#hold();
    }
    this.#try(owner);
  }

  #try(owner: OutboundOwner): void {
    const { endpoint, parameters, wishes } = this;
    const establishment = new Establishment(endpoint, parameters, this.#tls, owner, {
      startedAt: this.#startedAt,
      startedAtMs: this.#startedAtMs,
      waits: this.#waits,
      rules: wishes !== null && hasRules(wishes) ? wishes : null,
      looks: wishes !== null || this.#waiting !== null,
    });
    this.#establishment = establishment;
    // Nothing of the user's runs inside this call, a failure that is known at once included.
    queueMicrotask(() => {
      if (this.#establishment !== establishment) return;
      try {
        // Who may not look at the networks cannot have what was asked for.
        if (wishes !== null) pathLooks.add(this);
      } catch (error) {
        owner.establishmentFailed(error as Error);
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

  /** How long it was in `waiting`, in all. */
  get waitedMs(): number {
    return this.#waiting?.waitedMs ?? 0;
  }

  /**
   * A try has failed. False where that is the end: no wish to wait, or nothing that a change of the
   * network can cure.
   *
   * @param retry called when the next try is due
   */
  wait(error: HawserError, retry: () => void): boolean {
    if (!this.parameters.waitForConnectivity || !isCurable(error)) return false;
    this.waitsFor = error;
    this.#waits++;
    if (this.#deadline !== null) {
      this.#leftMs = Math.max(0, this.#deadline.at - now());
      clearDeadline(this.#deadline);
    }
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
    this.#try(this.#owner as OutboundOwner);
  }

  /** The next try. */
  retry(): void {
    this.waitsFor = null;
    this.#waiting?.tried();
    if (this.#deadline !== null) setDeadline(this.#deadline, this.#leftMs);
    this.#hold();
    this.#try(this.#owner as OutboundOwner);
  }

  // While it waits, or is within a limit of time, there may be nothing else that keeps the process.
  #hold(): void {
    const isWanted = this.#deadline !== null || this.waitsFor !== null;
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

  /** The promise of `ready`, made when somebody asks. */
  get ready(): Deferred<unknown> {
    this.#ready ??= new Deferred<unknown>();
    return this.#ready;
  }

  resolve(connection: unknown): void {
    this.#ready?.resolve(connection);
  }

  reject(reason: unknown): void {
    this.#ready?.reject(reason);
  }

  /** It is connected: keeps what is worth it. `settle` follows. */
  established(roundTripTimeMs: number | null): void {
    this.report = this.#establishment?.report(roundTripTimeMs) ?? null;
    this.boundTo = this.#establishment?.boundTo;
  }

  /** The establishment is over, or given up; what is still open of it is closed. */
  settle(): void {
    this.#stopWatching?.();
    this.#stopWatching = null;
    this.waitsFor = null;
    this.#waiting?.stop();
    if (this.#deadline !== null) clearDeadline(this.#deadline);
    this.#deadline = null;
    this.#hold();
    this.#establishment?.cancel();
    this.#establishment = null;
    pathLooks.remove(this);
  }
}
