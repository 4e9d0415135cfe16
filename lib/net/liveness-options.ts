// What the kernel is told so that the limits of B8 to B12 can be kept: which options, which values.
// Not here: the rule over its counters (liveness.ts), plain options (socket-setup.ts).
//
// TCP_USER_TIMEOUT (tcp(7)) is never set: it takes the place of the count of keepalive probes, and
// it kills a peer that is alive with its window closed.

import { MAX_RTO_MAX_MS, MIN_RTO_MAX_MS } from "../core/limits.ts";
import { type OptionSystem, SYSTEM } from "../socket/option-errors.ts";
import { applyOptions, assign } from "../socket/options.ts";
import type { LivenessParameters } from "./liveness.ts";

type KeepAlive = LivenessParameters["keepAlive"];
type KernelParameters = LivenessParameters & {
  readonly socketOptions: readonly (readonly [name: string, value: unknown])[];
};

/** Probes by which XNU's keepalive keeps a `dropTimeout`: first at half of it, then each eighth. */
const XNU_DROP_PROBES = 4;

// The retransmissions of Linux: from TCP_RTO_MIN, doubling up to the maximum, tcp_retries2 of them
// and one more wait (tcp(7)).
const RTO_MAX = "TCP_RTO_MAX_MS";
const LINUX_RTO_MIN_MS = 200;
const LINUX_RETRIES = 15;
const RTO_STEP_MS = 1_000;

/**
 * Keepalive as it is to be set. On XNU a peer that dies with its window closed is seen by keepalive
 * alone, so that there `dropTimeout` turns it on.
 */
export function keepAliveToSet(
  { keepAlive, dropTimeout }: Pick<LivenessParameters, "keepAlive" | "dropTimeout">,
  system: OptionSystem = SYSTEM,
): KeepAlive {
  if (keepAlive !== null || dropTimeout === 0 || system !== "darwin") return keepAlive;
  return {
    idleSeconds: Math.ceil(dropTimeout / 2_000),
    intervalSeconds: Math.ceil(dropTimeout / (2 * XNU_DROP_PROBES * 1_000)),
    count: XNU_DROP_PROBES,
  };
}

/**
 * How far apart the kernel's retransmissions and window probes may grow, in milliseconds, so that a
 * dead peer is asked often enough to be known as dead in time; and far enough that the kernel does
 * not give up before our own limits. Null where no limit needs it.
 */
export function rtoMaxMs({ keepAlive, dropTimeout }: LivenessParameters): number | null {
  if (keepAlive === null && dropTimeout === 0) return null;
  const { idleSeconds = 0, intervalSeconds = 0, count = 0 } = keepAlive ?? {};
  const longestMs = Math.max(dropTimeout, (idleSeconds + intervalSeconds * count) * 1_000);
  const wantedMs = Math.max(intervalSeconds * 1_000, dropTimeout / 8, longestMs / 12);
  let chosenMs = clampRto(Math.ceil(wantedMs));
  while (chosenMs < MAX_RTO_MAX_MS && kernelGivesUpMs(chosenMs) <= longestMs) {
    chosenMs = clampRto(chosenMs + RTO_STEP_MS);
  }
  return chosenMs;
}

const clampRto = (ms: number): number => Math.min(MAX_RTO_MAX_MS, Math.max(MIN_RTO_MAX_MS, ms));

/** When Linux gives up a retransmission with that maximum, on a path without delay. */
export function kernelGivesUpMs(maxMs: number): number {
  let sum = 0;
  for (let retry = 0; retry <= LINUX_RETRIES; retry++) {
    sum += Math.min(maxMs, LINUX_RTO_MIN_MS * 2 ** retry);
  }
  return sum;
}

// The last one: connections are made by the thousand, and mostly with the same limits.
let knownMs: number | null = null;
let knownFor: Pick<LivenessParameters, "keepAlive" | "dropTimeout"> | null = null;

function rtoMaxAsBefore(parameters: LivenessParameters): number | null {
  const { keepAlive, dropTimeout } = parameters;
  if (knownFor?.keepAlive !== keepAlive || knownFor.dropTimeout !== dropTimeout) {
    knownMs = rtoMaxMs(parameters);
    knownFor = { keepAlive, dropTimeout };
  }
  return knownMs;
}

let kernelKnowsRtoMax = true;

/**
 * Tells the kernel about an open connection, or a listener, whose connections inherit it. Not
 * before the handshake of a connection of ours: it would shorten how long SYNs are repeated. Never
 * fails: kernels before Linux 6.15 lack the option, and keep the limits less tightly. XNU is told
 * nothing: it looks at TCP_RXT_CONNDROPTIME only when its retransmission timer fires, whatever the
 * window.
 */
export function tellKernelLimits(
  descriptor: number,
  parameters: KernelParameters,
  system: OptionSystem = SYSTEM,
): void {
  if (system !== "linux" || !kernelKnowsRtoMax) return;
  const ms = rtoMaxAsBefore(parameters);
  // What the application sets itself stays.
  if (ms === null || parameters.socketOptions.some(([name]) => name === RTO_MAX)) return;
  try {
    applyOptions(descriptor, [assign(RTO_MAX, ms)]);
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOPROTOOPT") kernelKnowsRtoMax = false;
  }
}
