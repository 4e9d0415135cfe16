// The way of a connection from an endpoint to a connected channel: resolve, race the addresses,
// and keep account of both for the report.
// Not here: states, time-outs and retries (connection.ts), the rules of the race
// (happy-eyeballs.ts).

import { DOMAIN_IPV4, DOMAIN_UNIX, SLOT_STREAM, TYPE_STREAM } from "../binding/types.ts";
import type { IpAddress } from "../core/address.ts";
import { Deadline } from "../core/deadlines.ts";
import { aggregateError, codeError, errnoError, type HawserError } from "../errors/index.ts";
import { type NativeAddress, readFlatAddress, toNativeAddress } from "../socket/address.ts";
import { reactor } from "../socket/reactor.ts";
import { StreamChannel } from "../socket/stream-channel.ts";
import type { StreamSink } from "../socket/stream-sink.ts";
import type { ByteChannel } from "./byte-channel.ts";
import { clearDeadline, type DeadlineOwner, now, setDeadline } from "./clock.ts";
import type { Endpoint } from "./endpoint.ts";
import { interleave, Race, type RaceAction } from "./happy-eyeballs.ts";
import type { ConnectParameters } from "./parameters.ts";
import { pathLooks } from "./paths/looks.ts";
import { choosePath, type Destination, type PathRules, type PathView } from "./paths/path-rules.ts";
import type { Path } from "./paths/types.ts";
import { isSamePath } from "./paths/viability.ts";
import { resolve } from "./resolver.ts";
import { literalAddress, setUp } from "./socket-setup.ts";
import type { SecureChannel, TlsContext } from "./tls-engine.ts";
import type {
  AttemptReport,
  EstablishmentPhase,
  EstablishmentReport,
  PhaseReport,
} from "./types.ts";

export interface EstablishmentOwner {
  /** The channel is connected; its sink is still the establishment's. */
  established(channel: ByteChannel): void;
  establishmentFailed(error: Error): void;
}

// One connect(2) of the race. Before it is over, nothing else can happen on its channel.
class Attempt implements StreamSink {
  readonly channel: StreamChannel;
  readonly address: NativeAddress;
  /** The interface that the rules have chosen, by index. */
  boundTo: number | undefined;
  /** As it was when this began; null where nobody looks. */
  path: Path | null = null;
  readonly #done: (errno: number) => void;

  constructor(address: NativeAddress, done: (errno: number) => void) {
    this.channel = new StreamChannel(this);
    this.address = address;
    this.#done = done;
  }

  onConnected(errno: number): void {
    this.#done(errno);
  }
  onReceived(): void {}
  onEnded(): void {}
  onFailed(): void {}
  onFlushed(): void {}
  onSendFailed(): void {}
  onTroubled(): void {}
  onReadable(): void {}
  onClosed(): void {}
}

const name = new Int32Array(2);

/** What one try knows of those before it, and may use. */
export interface TryContext {
  /** When the first try began, of the clock and since the epoch. */
  readonly startedAt: number;
  readonly startedAtMs: number;
  readonly waits: number;
  readonly waitedMs: number;
  /** Which interfaces may be used; null where all may. */
  readonly rules: PathRules | null;
  /** Whether it looks at paths, where they are watched; they are where there are rules. */
  readonly looks: boolean;
}

export class Establishment implements DeadlineOwner {
  readonly #endpoint: Endpoint;
  readonly #parameters: ConnectParameters;
  readonly #owner: EstablishmentOwner;
  readonly #context: TryContext;
  /** Of the resolution, where a name is resolved. */
  #stop: AbortController | null = null;
  readonly #deadline = new Deadline<DeadlineOwner>(this);
  readonly #tls: TlsContext | null;
  #secure: SecureChannel | null = null;
  #phases: { phase: EstablishmentPhase; start: number; end: number }[] = [];
  #candidates: readonly NativeAddress[] = [];
  #attempts: Attempt[] = [];
  #race: Race<HawserError> | undefined;
  #isOver = false;
  /** The interface that the rules have chosen for the winner, by index. */
  boundTo: number | undefined;

  constructor(
    endpoint: Endpoint,
    parameters: ConnectParameters,
    tls: TlsContext | null,
    owner: EstablishmentOwner,
    context: TryContext,
  ) {
    this.#tls = tls;
    this.#endpoint = endpoint;
    this.#parameters = parameters;
    this.#owner = owner;
    this.#context = context;
  }

  /** What is going on. */
  get phase(): EstablishmentPhase {
    return this.#phases.at(-1)?.phase ?? "resolve";
  }

  start(): void {
    if (this.#isOver) return;
    try {
      const literal = literalAddress(this.#endpoint);
      if (literal === undefined) this.#resolve();
      else this.#connect([literal]);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** Gives up and closes what is open. Nothing is told. */
  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stop?.abort();
    clearDeadline(this.#deadline);
    this.#do(this.#race?.stop(now()) ?? []);
    this.#secure?.abort();
  }

  expired(): void {
    this.#do(this.#race?.elapsed(now()) ?? []);
  }

  #resolve(): void {
    const phase = this.#enter("resolve");
    const { family, lookup } = this.#parameters;
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    resolve(this.#endpoint, { family, lookup, signal }).then(
      (addresses) => {
        if (this.#isOver) return;
        phase.end = now();
        try {
          this.#connect(this.#usable(addresses));
        } catch (error) {
          this.#fail(error as Error);
        }
      },
      (error) => {
        phase.end = now();
        this.#fail(error);
      },
    );
  }

  // A socket bound to an address of one family reaches that family only.
  #usable(addresses: readonly IpAddress[]): NativeAddress[] {
    const local = this.#parameters.localAddress?.address;
    const same = local === undefined ? [] : addresses.filter((one) => one.family === local.family);
    const chosen = same.length > 0 ? same : addresses;
    return interleave(chosen).map((one) => toNativeAddress(one, this.#endpoint.port ?? 0));
  }

  #connect(candidates: readonly NativeAddress[]): void {
    this.#enter("connect");
    this.#candidates = candidates;
    this.#race = new Race(candidates.length);
    this.#do(this.#race.begin(now()));
  }

  #enter(phase: EstablishmentPhase): { end: number } {
    const entry = { phase, start: now(), end: Number.NaN };
    this.#phases.push(entry);
    return entry;
  }

  #do(actions: readonly RaceAction[]): void {
    for (const action of actions) {
      switch (action.type) {
        case "start":
          this.#startAttempt(action.index);
          break;
        case "cancel":
          this.#attempts[action.index]?.channel.abort();
          break;
        case "wait":
          setDeadline(this.#deadline, action.until - now());
          break;
        case "done":
          this.#succeed(this.#attempts[action.winner] as Attempt);
          break;
        case "failed":
          this.#failAll();
          break;
      }
    }
  }

  #startAttempt(index: number): void {
    const address = this.#candidates[index] as NativeAddress;
    const attempt = new Attempt(address, (errno) => this.#attemptDone(index, errno));
    this.#attempts[index] = attempt;
    try {
      this.#openAndConnect(attempt);
    } catch (error) {
      attempt.channel.abort();
      this.#do(this.#race?.failed(index, error as HawserError, now()) ?? []);
    }
  }

  #openAndConnect(attempt: Attempt): void {
    const { address, channel } = attempt;
    const { domain } = address;
    if (this.#context.looks && pathLooks.isWatching && !address.isPath) {
      const view = pathLooks.view();
      attempt.boundTo = this.#chooseInterface(address, view);
      attempt.path = this.#pathTo(address, view);
    }
    const parameters =
      attempt.boundTo === undefined
        ? this.#parameters
        : { ...this.#parameters, interface: attempt.boundTo };
    const opened = reactor.openSlot(domain, TYPE_STREAM, 0, SLOT_STREAM, name);
    if (opened < 0) throw errnoError(opened, "socket", { phase: "connect" });
    const [slot = -1, generation = 0] = name;
    channel.attach(slot, generation);
    setUp(reactor.descriptorOf(slot, generation), domain, parameters, "connect");
    if (domain !== DOMAIN_UNIX) this.#bind(slot, generation, domain === DOMAIN_IPV4 ? 4 : 6);
    const status = reactor.connect(slot, generation, address.bytes, address.isPath);
    if (status < 0) throw this.#connectError(address, status);
  }

  // Before the socket is bound or connected, so that not a single packet goes where none may.
  #chooseInterface(address: NativeAddress, view: PathView): number | undefined {
    const { rules } = this.#context;
    if (rules === null) return undefined;
    const place = { ...this.#placeOf(address), phase: "connect" } as const;
    const destination = this.#destinationOf(address, view);
    if (destination === null) throw codeError("ENODEV", "connect", place);
    const choice = choosePath(view, destination, rules);
    if (typeof choice !== "string") return choice.bindTo === 0 ? undefined : choice.bindTo;
    const reason = choice === "UNSATISFIED" ? undefined : choice;
    throw codeError("ENETUNREACH", "connect", { ...place, reason });
  }

  // Null where there is no such interface.
  #destinationOf(address: NativeAddress, view: PathView): Destination | null {
    const { interface: asked, localAddress } = this.#parameters;
    const [target = "", zone] = this.#placeOf(address).address.split("%");
    const wanted = asked ?? zone;
    const index = wanted === undefined ? undefined : view.snapshot.interface(wanted)?.index;
    if (wanted !== undefined && index === undefined) return null;
    return { address: target, interface: index, localAddress: localAddress?.host };
  }

  /** Whether all that is under way would go another way now. */
  isStale(view: PathView): boolean {
    if (this.phase !== "connect") return false;
    const pending = this.#race?.attempts.filter(({ outcome }) => outcome === "pending") ?? [];
    const goesElsewhere = ({ index }: { readonly index: number }) => {
      const { address, path } = this.#attempts[index] as Attempt;
      const other = this.#pathTo(address, view);
      return path !== null && other !== null && !isSamePath(path, other);
    };
    return pending.length > 0 && pending.every(goesElsewhere);
  }

  // Null where it cannot be known, which stops nothing.
  #pathTo(address: NativeAddress, view: PathView): Path | null {
    try {
      const destination = this.#destinationOf(address, view);
      return destination === null ? null : view.pathTo(destination);
    } catch {
      return null;
    }
  }

  #bind(slot: number, generation: number, family: 4 | 6): void {
    const { localAddress, localPort } = this.#parameters;
    if (localAddress === undefined && localPort === 0) return;
    const any = { family, bytes: new Uint8Array(family === 4 ? 4 : 16) };
    const literal = localAddress?.address ?? any;
    const zone = localAddress?.zone;
    const local = toNativeAddress(zone === undefined ? literal : { ...literal, zone }, localPort);
    const status = reactor.bind(slot, generation, local.bytes, false);
    if (status === 0) return;
    const address = localAddress?.host ?? (family === 4 ? "0.0.0.0" : "::");
    throw errnoError(status, "bind", { address, port: localPort, phase: "connect" });
  }

  #attemptDone(index: number, errno: number): void {
    const race = this.#race as Race<HawserError>;
    if (errno === 0) {
      this.#do(race.succeeded(index, now()));
      return;
    }
    const { address, channel } = this.#attempts[index] as Attempt;
    channel.abort();
    this.#do(race.failed(index, this.#connectError(address, errno), now()));
  }

  #connectError(address: NativeAddress, errno: number): HawserError {
    const place = this.#placeOf(address);
    return errnoError(errno, "connect", { ...place, phase: "connect" });
  }

  #placeOf(address: NativeAddress): { address: string; port?: number } {
    if (address.isPath) {
      const { kind, path = "" } = this.#endpoint;
      return { address: kind === "abstract" ? `@${path}` : path };
    }
    const info = readFlatAddress(address.bytes);
    return { address: info?.address ?? "", port: info?.port ?? 0 };
  }

  #succeed({ channel, address, boundTo }: Attempt): void {
    this.boundTo = boundTo;
    clearDeadline(this.#deadline);
    this.#closePhase();
    if (this.#tls === null) this.#establish(channel);
    else this.#shakeHands(this.#tls, channel, address);
  }

  #establish(channel: ByteChannel): void {
    this.#isOver = true;
    this.#owner.established(channel);
  }

  #shakeHands(tls: TlsContext, channel: ByteChannel, address: NativeAddress): void {
    this.#enter("tls");
    const done = (error: HawserError | null) => {
      if (this.#isOver) return;
      this.#closePhase();
      if (error === null) this.#establish(secure);
      else this.#fail(error);
    };
    const secure = tls.secure({ channel, place: this.#placeOf(address), done });
    this.#secure = secure;
  }

  #failAll(): void {
    this.#closePhase();
    const { host, port, kind } = this.#endpoint;
    const errors = this.#race?.errors ?? [];
    const about = kind === "name" ? { hostname: host, port } : { port };
    this.#fail(aggregateError(errors, { ...about, phase: "connect" }));
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearDeadline(this.#deadline);
    this.#owner.establishmentFailed(error);
  }

  #closePhase(): void {
    const last = this.#phases.at(-1);
    if (last !== undefined) last.end = now();
  }

  /** For `connection.establishmentReport`. */
  report(roundTripTimeMs: number | null): EstablishmentReport {
    const { startedAt: begunAt, startedAtMs, waits, waitedMs } = this.#context;
    const since = (time: number) => time - begunAt;
    const phases: PhaseReport[] = this.#phases.map(({ phase, start, end }) => ({
      phase,
      startMs: since(start),
      durationMs: end - start,
    }));
    const attempts = (this.#race?.attempts ?? []).map(
      ({ index, startedAt, endedAt = now(), outcome, error }): AttemptReport => {
        const candidate = this.#candidates[index] as NativeAddress;
        const { address, port = 0 } = this.#placeOf(candidate);
        return {
          address,
          family: candidate.isPath ? "unix" : candidate.domain === DOMAIN_IPV4 ? "IPv4" : "IPv6",
          port,
          startMs: since(startedAt),
          durationMs: endedAt - startedAt,
          outcome: outcome === "pending" ? "cancelled" : outcome,
          error: error ?? null,
        };
      },
    );
    return {
      startedAtMs,
      durationMs: now() - begunAt,
      phases,
      attempts,
      waits,
      waitedMs,
      roundTripTimeMs,
    };
  }
}
