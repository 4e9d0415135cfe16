// Limits for dead and stalled peers that fit a kind of network, to spread into options. Their
// reasons stand in docs/dead-peers.md. Not here: the defaults (core/limits.ts).

import type { StreamOptions } from "./types.ts";

type Preset = Required<Pick<StreamOptions, "keepAlive" | "dropTimeout" | "stallTimeout">>;

/**
 * Options for dead and stalled peers, by kind of network.
 *
 * - `lan`: machines of one site or one cloud region. A silent peer is dead within 16 s, unacknowledged
 *   data within 10 s, a peer that does not read after a minute.
 * - `internet`: through NAT, mobile networks and load balancers. Probes every 30 s keep mappings
 *   alive; outages of half a minute are survived.
 *
 * @example await connect("tcp://db.internal:5432", { ...presets.lan, connectTimeout: 5_000 });
 */
export const presets: Readonly<Record<"lan" | "internet", Preset>> = Object.freeze({
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

function preset(limits: Preset): Preset {
  Object.freeze(limits.keepAlive);
  return Object.freeze(limits);
}
