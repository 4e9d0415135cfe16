// What a connection has that is made here and not accepted: its establishment, the promise of
// connect(), the limit in time and the signal. Not here: how addresses are found and tried
// (establishment.ts), states (connection.ts).

import { Deadline } from "../core/deadlines.ts";
import { Deferred, onAbort } from "../core/waiting.ts";
import {
  clearDeadline,
  type DeadlineOwner,
  holdProcess,
  letProcessGo,
  setDeadline,
} from "./clock.ts";
import type { Endpoint } from "./endpoint.ts";
import { Establishment, type EstablishmentOwner } from "./establishment.ts";
import type { ConnectParameters } from "./parameters.ts";
import { type TlsContext, tlsEngine, tlsWithoutScheme } from "./tls-engine.ts";
import type { EstablishmentReport } from "./types.ts";

export class Outbound {
  readonly endpoint: Endpoint;
  readonly parameters: ConnectParameters;
  readonly #tls: TlsContext | null;
  establishment: Establishment | null = null;
  report: EstablishmentReport | null = null;
  deadline: Deadline<DeadlineOwner> | null = null;
  /** Why `connect()` is refused, where that is another value than the connection's error. */
  refusal: unknown;
  #ready: Deferred<unknown> | null = null;
  #stopWatching: (() => void) | null = null;

  constructor(endpoint: Endpoint, parameters: ConnectParameters) {
    this.endpoint = endpoint;
    this.parameters = parameters;
    const { tls } = parameters;
    this.#tls = endpoint.tls ? tlsEngine().client(tls ?? {}, endpoint.host) : null;
    if (!endpoint.tls && tls !== undefined) throw tlsWithoutScheme(tls);
  }

  /** Begins, after the call in which it is asked for. */
  begin(owner: EstablishmentOwner & DeadlineOwner, aborted: (reason: unknown) => void): void {
    const establishment = new Establishment(this.endpoint, this.parameters, this.#tls, owner);
    this.establishment = establishment;
    const { signal, connectTimeout } = this.parameters;
    if (signal?.aborted) {
      queueMicrotask(() => aborted(signal.reason));
      return;
    }
    this.#stopWatching = onAbort(signal, () => aborted(signal?.reason));
    if (connectTimeout > 0) {
      this.deadline = new Deadline<DeadlineOwner>(owner);
      setDeadline(this.deadline, connectTimeout);
      // A resolver that never answers leaves nothing else to wait for.
      holdProcess();
    }
    // Nothing of the user's runs inside this call, a failure that is known at once included.
    queueMicrotask(() => establishment.start());
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

  /** The establishment is over, or given up; what is still open of it is closed. */
  settle(): void {
    this.#stopWatching?.();
    this.#stopWatching = null;
    if (this.deadline !== null) {
      clearDeadline(this.deadline);
      this.deadline = null;
      letProcessGo();
    }
    this.establishment?.cancel();
  }
}
