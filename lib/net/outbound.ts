// What a connection has that is made here and not accepted: where to, the promise of connect(), and
// how it was established. Not here: establishing (tries.ts), states (connection.ts).

import { Deferred } from "../core/waiting.ts";
import type { HawserError } from "../errors/index.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ConnectParameters } from "./parameters.ts";
import { type PathWishes, pathWishes } from "./paths/wishes.ts";
import { type TlsContext, tlsEngine, tlsWithoutScheme } from "./tls-engine.ts";
import { Tries, type TriesOwner } from "./tries.ts";
import type { EstablishmentPhase, EstablishmentReport } from "./types.ts";

export class Outbound {
  readonly endpoint: Endpoint;
  readonly parameters: ConnectParameters;
  /** What the caller wants with paths; null for nothing. */
  readonly wishes: PathWishes | null;
  readonly #tls: TlsContext | null;
  report: EstablishmentReport | null = null;
  /** The interface that it was bound to by the rules, by index. */
  boundTo: number | undefined;
  /** Why `connect()` is refused, where that is another value than the connection's error. */
  refusal: unknown;
  #tries: Tries | null = null;
  #ready: Deferred<unknown> | null = null;

  constructor(endpoint: Endpoint, parameters: ConnectParameters) {
    this.endpoint = endpoint;
    this.parameters = parameters;
    const { tls } = parameters;
    this.#tls = endpoint.tls ? tlsEngine().client(tls ?? {}, endpoint.host) : null;
    if (!endpoint.tls && tls !== undefined) throw tlsWithoutScheme(tls);
    this.wishes = pathWishes(endpoint, parameters);
  }

  /** Begins, after the call in which it is asked for. */
  begin(owner: TriesOwner, isReferenced: boolean, aborted: (reason: unknown) => void): void {
    this.#tries = new Tries(this, this.#tls, owner, isReferenced);
    this.#tries.begin(aborted);
  }

  /** What is going on, or went on last. */
  get phase(): EstablishmentPhase {
    return this.#tries?.phase ?? "resolve";
  }

  /** Why it is in `waiting`; null where it is not. */
  get waitsFor(): HawserError | null {
    return this.#tries?.waitsFor ?? null;
  }

  /** A try has failed: whether it waits for the next one, which `retry` is to begin. */
  wait(error: HawserError, retry: () => void): boolean {
    return this.#tries?.wait(error, retry) ?? false;
  }

  retry(): void {
    this.#tries?.retry();
  }

  /** Whether the process stays for it while there is no socket. */
  setReferenced(isReferenced: boolean): void {
    this.#tries?.setReferenced(isReferenced);
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
    const establishment = this.#tries?.last ?? null;
    if (establishment === null) return;
    this.report = establishment.report(roundTripTimeMs);
    this.boundTo = establishment.boundTo;
  }

  /** The establishment is over, or given up; what is still open of it is closed. */
  settle(): void {
    this.#tries?.end();
    this.#tries = null;
  }
}
