// Limits for dead and stalled peers that fit a kind of network, to spread into options. Their
// reasons stand in docs/dead-peers.md. Not here: the defaults (core/limits.ts).

/** Options that `connect` and `listen` take; durations are milliseconds. */
export interface LivenessPreset {
  readonly keepAlive: { readonly idle: number; readonly interval: number; readonly count: number };
  readonly dropTimeout: number;
  readonly stallTimeout: number;
}

/**
 * Options for dead and stalled peers, by kind of network.
 *
 * - `lan`: machines of one site or one cloud region. A silent peer is dead after 16 to 18 s, one
 *   that acknowledges nothing after 10 to 13 s, one that does not read after a minute.
 * - `internet`: through NAT, mobile networks and load balancers. Probes every 30 s keep mappings
 *   alive; an outage of half a minute is survived.
 *
 * @example await connect("tcp://db.internal:5432", { ...presets.lan, connectTimeout: 5_000 });
 */
export const presets: Readonly<Record<"lan" | "internet", LivenessPreset>> = Object.freeze({
  lan: preset({
    keepAlive: { idle: 10_000, interval: 2_000, count: 3 },
    dropTimeout: 10_000,
    stallTimeout: 60_000,
  }),
  internet: preset({
    keepAlive: { idle: 30_000, interval: 10_000, count: 3 },
    dropTimeout: 30_000,
    stallTimeout: 300_000,
  }),
});

function preset(limits: LivenessPreset): LivenessPreset {
  Object.freeze(limits.keepAlive);
  return Object.freeze(limits);
}
