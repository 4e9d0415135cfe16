// The shared watch of this host's networks: one for each reactor, begun by its first observer and
// closed with its last. Not debounced: an observer hears of a change in the turn in which the
// kernel told of it. Not here: what a snapshot holds (snapshot.ts), debouncing (monitor.ts).
//
// The kernel's events only say that something is different; what is there now is listed anew. So
// the state after any sequence of events, lost ones included, is that of a fresh list.

import { MAX_PATH_LIST_PAUSE_MS, MAX_PATH_RETRY_MS, MIN_PATH_RETRY_MS } from "../../core/limits.ts";
import { decodeInterfaces, readAddresses, readLinks } from "../../socket/interfaces.ts";
import { report } from "../../socket/reactor.ts";
import {
  ADDRESSES_CHANGED,
  ChangeChannel,
  decodeDefaultRoutes,
  LINKS_CHANGED,
  readDefaultRoutes,
  ROUTES_CHANGED,
} from "../../socket/routes.ts";
import { now } from "../clock.ts";
import { NameServers } from "./name-servers.ts";
import { type PathQuestion, pathTo } from "./path.ts";
import { compareSnapshots, makeSnapshot } from "./snapshot.ts";
import type { DefaultRoute, NetworkInterface, Path, PathChange, PathSnapshot } from "./types.ts";

export type { PathQuestion } from "./path.ts";

/** Who hears of changes. */
export interface PathObserver {
  changed(change: PathChange): void;
}

/** One observer's part in the shared watch. */
export interface PathWatch {
  /** As the kernel told it last. After `stop()` it stays as it was. */
  readonly snapshot: PathSnapshot;
  /**
   * Asks the kernel now.
   *
   * @throws HawserError EINVAL for what is no literal address; EMFILE and its like where the
   *   question could not be asked
   */
  pathTo(address: string, options?: PathQuestion): Path;
  /** Keeps the process alive, which a watch does not by itself. */
  ref(): void;
  unref(): void;
  stop(): void;
}

let shared: SharedWatch | undefined;

/**
 * Begins to watch. The observer is called in turns of the reactor, never from within a call of its
 * own.
 *
 * @throws HawserError of socket(2), where the system does not let this process look at its networks
 */
export function watchPaths(observer: PathObserver): PathWatch {
  shared ??= new SharedWatch();
  return shared.add(observer);
}

/** @internal The descriptor that hears of changes, for tests; -1 where nobody watches. */
export function changesDescriptor(): number {
  return shared?.fd ?? -1;
}

class Observer implements PathWatch {
  readonly #watch: SharedWatch;
  readonly #observer: PathObserver;
  #last: PathSnapshot | undefined;
  isReferenced = false;

  constructor(watch: SharedWatch, observer: PathObserver) {
    this.#watch = watch;
    this.#observer = observer;
  }

  get snapshot(): PathSnapshot {
    return this.#last ?? this.#watch.snapshot;
  }

  pathTo(address: string, options?: PathQuestion): Path {
    return pathTo(this.snapshot, address, options);
  }

  ref(): void {
    this.#refer(true);
  }

  unref(): void {
    this.#refer(false);
  }

  #refer(isReferenced: boolean): void {
    if (this.#last !== undefined || this.isReferenced === isReferenced) return;
    this.isReferenced = isReferenced;
    this.#watch.referencesChanged();
  }

  stop(): void {
    if (this.#last !== undefined) return;
    this.#last = this.#watch.snapshot;
    this.#watch.remove(this);
  }

  tell(change: PathChange): void {
    // One that another observer has stopped in this very round.
    if (this.#last !== undefined) return;
    try {
      this.#observer.changed(change);
    } catch (error) {
      report(error);
    }
  }
}

class SharedWatch {
  readonly #observers = new Set<Observer>();
  readonly #channel: ChangeChannel;
  readonly #nameServers: NameServers;
  /** The records behind the snapshot, by which it is seen that nothing is different. */
  #links: Uint8Array;
  #addresses: Uint8Array;
  #interfaces: readonly NetworkInterface[];
  #defaultRoutes: readonly DefaultRoute[];
  snapshot: PathSnapshot;
  /** What is to be listed anew: bits. */
  #dirty = 0;
  #timer: NodeJS.Timeout | undefined;
  #quietUntil = 0;
  /** What one list takes. */
  #costMs = 0;
  #retryMs = MIN_PATH_RETRY_MS;

  constructor() {
    // Hears from here on, so that nothing is missed between the list and the first event.
    this.#channel = new ChangeChannel((changes) => this.#heard(changes));
    try {
      this.#links = readLinks();
      this.#addresses = readAddresses();
      this.#interfaces = decodeInterfaces(this.#links, this.#addresses);
      this.#defaultRoutes = decodeDefaultRoutes(readDefaultRoutes());
    } catch (error) {
      this.#channel.close();
      throw error;
    }
    this.#nameServers = new NameServers(() => this.#update(false));
    this.snapshot = this.#makeSnapshot();
  }

  get fd(): number {
    return this.#channel.fd;
  }

  add(observer: PathObserver): PathWatch {
    const added = new Observer(this, observer);
    this.#observers.add(added);
    return added;
  }

  remove(observer: Observer): void {
    this.#observers.delete(observer);
    if (this.#observers.size > 0) {
      this.referencesChanged();
      return;
    }
    shared = undefined;
    clearTimeout(this.#timer);
    this.#channel.close();
    this.#nameServers.close();
  }

  referencesChanged(): void {
    this.#channel.setReferenced([...this.#observers].some(({ isReferenced }) => isReferenced));
  }

  #heard(changes: number): void {
    this.#dirty |= changes;
    if (this.#timer !== undefined) return;
    const wait = this.#quietUntil - now();
    if (wait > 0) this.#later(wait);
    else this.#list();
  }

  #later(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#list();
    }, ms).unref();
  }

  #list(): void {
    const changes = this.#dirty;
    const begun = now();
    try {
      this.#read(changes);
    } catch {
      // Out of descriptors or memory, of which no event tells when there are some again.
      this.#later(this.#retryMs);
      this.#retryMs = Math.min(2 * this.#retryMs, MAX_PATH_RETRY_MS);
      return;
    }
    this.#dirty = 0;
    this.#retryMs = MIN_PATH_RETRY_MS;
    this.#rest(now() - begun);
    this.#update((changes & ROUTES_CHANGED) !== 0);
  }

  // On a host with very many interfaces or routes a list takes long: at most a tenth of the time
  // goes into it. One that took long because the machine is busy must not count for much, so the
  // estimate falls at once and rises slowly.
  #rest(tookMs: number): void {
    const more = tookMs - this.#costMs;
    this.#costMs = more < 0 ? tookMs : this.#costMs + more / 8;
    this.#quietUntil = now() + Math.min(9 * this.#costMs, MAX_PATH_LIST_PAUSE_MS);
  }

  // With a link or an address the kernel drops routes without a word about them.
  #read(changes: number): void {
    const links = changes & LINKS_CHANGED ? readLinks() : this.#links;
    const hasNewAddresses = (changes & (LINKS_CHANGED | ADDRESSES_CHANGED)) !== 0;
    const addresses = hasNewAddresses ? readAddresses() : this.#addresses;
    this.#defaultRoutes = decodeDefaultRoutes(readDefaultRoutes());
    if (isSame(links, this.#links) && isSame(addresses, this.#addresses)) return;
    this.#interfaces = decodeInterfaces(links, addresses);
    this.#links = links;
    this.#addresses = addresses;
  }

  #update(routesChanged: boolean): void {
    const before = this.snapshot;
    this.snapshot = this.#makeSnapshot(before);
    const change = compareSnapshots(before, this.snapshot, routesChanged);
    if (change === null) return;
    for (const observer of [...this.#observers]) observer.tell(change);
  }

  #makeSnapshot(before?: PathSnapshot): PathSnapshot {
    return makeSnapshot(this.#interfaces, this.#defaultRoutes, this.#nameServers.servers, before);
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one === other || Buffer.compare(one, other) === 0;
}
