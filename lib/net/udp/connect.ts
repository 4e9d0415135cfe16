// connect("udp://..."): one flow over a connected socket of its own. Not here: outbound flows from
// a listener's port (listener.ts).

import { DOMAIN_IPV4, DOMAIN_IPV6 } from "../../binding/types.ts";
import { Deadline } from "../../core/deadlines.ts";
import { onAbort } from "../../core/waiting.ts";
import { codeError, errnoOf, type HawserError } from "../../errors/index.ts";
import { toNativeAddress } from "../../socket/address.ts";
import { internPeer, type Peer } from "../../socket/peers.ts";
import {
  clearDeadline,
  type DeadlineOwner,
  holdProcess,
  letProcessGo,
  setDeadline,
} from "../clock.ts";
import type { Endpoint } from "../endpoint.ts";
import { captureContext } from "../handler-context.ts";
import { NO_RULES } from "../paths/path-rules.ts";
import { type Footing, footingOf } from "../paths/viability.ts";
import { addressesOf, firstReached } from "./addresses.ts";
import { UdpFlow } from "./flow.ts";
import type { FlowOwner } from "./flow-base.ts";
import { type FlowPolicy, flowPolicy } from "./flow-policy.ts";
import type { UdpConnectParameters } from "./parameters.ts";
import { type PortOwner, UdpPort } from "./port.ts";

const ECANCELED = errnoOf("ECANCELED") as number;
const CLOSE_TIMEOUT_MS = 30_000;

/** Rejects with what `connect()` rejects with. */
export async function connectUdp(
  endpoint: Endpoint,
  parameters: UdpConnectParameters,
): Promise<UdpFlow> {
  const context = captureContext();
  const { family, lookup, signal, connectTimeout } = parameters;
  const { idleTimeout } = parameters;
  const policy = flowPolicy(parameters, parameters, idleTimeout, context, parameters);
  const addresses = await inTime(endpoint, connectTimeout, signal, (until) =>
    addressesOf(endpoint, { family, lookup, signal: until }),
  );
  signal?.throwIfAborted();
  const flow = firstReached(addresses, endpoint, (address) => {
    const peer = internPeer(new Int32Array(address.bytes.buffer), 0);
    const domain = address.domain === DOMAIN_IPV6 ? DOMAIN_IPV6 : DOMAIN_IPV4;
    return new ConnectedSocket(domain, parameters, policy, peer).flow;
  });
  try {
    flow.followAsAsked();
  } catch (error) {
    flow.abort();
    throw error;
  }
  flow.opened();
  return flow;
}

/** What stops waiting when `signal` says so, or after `limitMs`, with ETIMEDOUT; 0 is no limit. */
async function inTime<T>(
  { host = "", port = 0 }: Endpoint,
  limitMs: number,
  signal: AbortSignal | undefined,
  begin: (until: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  if (limitMs === 0) return begin(signal);
  const ends = new AbortController();
  const passed = () => {
    ends.abort(codeError("ETIMEDOUT", "connect", { address: host, port, phase: "resolve" }));
  };
  const deadline = new Deadline<DeadlineOwner>({ expired: passed });
  const stopWatching = onAbort(signal, () => ends.abort(signal?.reason));
  setDeadline(deadline, limitMs);
  // A resolver that never answers leaves nothing else to wait for.
  holdProcess();
  try {
    signal?.throwIfAborted();
    return await begin(ends.signal);
  } finally {
    letProcessGo();
    clearDeadline(deadline);
    stopWatching();
  }
}

class ConnectedSocket implements PortOwner, FlowOwner {
  readonly flow: UdpFlow;
  readonly #port: UdpPort;
  readonly #parameters: UdpConnectParameters;

  constructor(
    domain: typeof DOMAIN_IPV4 | typeof DOMAIN_IPV6,
    parameters: UdpConnectParameters,
    policy: FlowPolicy,
    peer: Peer,
  ) {
    this.#parameters = parameters;
    const { localAddress, localPort } = parameters;
    const place = { address: peer.address, port: peer.port };
    const port = new UdpPort(domain, parameters, this);
    this.#port = port;
    try {
      if (localAddress?.address !== undefined || localPort !== 0) {
        const size = domain === DOMAIN_IPV6 ? 16 : 4;
        const any = { family: domain, bytes: new Uint8Array(size) };
        const from = localAddress?.address ?? any;
        const { reason } = SHARED;
        port.bind(toNativeAddress(from, localPort), {
          address: localAddress?.host ?? "",
          port: localPort,
          reason,
        });
      }
      const bytes = new Uint8Array(peer.words.buffer, peer.words.byteOffset, peer.words.byteLength);
      port.connect({ bytes, isPath: false, domain }, place);
      port.start();
    } catch (error) {
      port.close();
      throw error;
    }
    const local = { words: null, address: port.local.address, index: 0 };
    this.flow = new UdpFlow(port, peer, local, policy, this, true);
  }

  received(_port: UdpPort, offset: number, length: number, at: number): void {
    this.flow.deliver(offset, length, at);
  }

  troubled(errno: number): void {
    this.flow.trouble(errno);
  }

  peerTroubled(_port: UdpPort, _peer: Peer | null, errno: number): void {
    this.flow.trouble(errno);
  }

  drained(): void {
    this.flow.drained();
  }

  flowFooting(): Footing {
    const { interface: asked, localAddress } = this.#parameters;
    return footingOf(this.flow, { interface: asked, localAddress: localAddress?.host }, NO_RULES);
  }

  flowAnswered(): void {}
  flowDropped(): void {}
  flowBlocked(): void {}

  flowError(error: HawserError): void {
    this.flow.note(error);
  }

  flowClosed(): void {
    const port = this.#port;
    port.close();
    const timer = setTimeout(() => port.abort(ECANCELED), CLOSE_TIMEOUT_MS);
    timer.unref();
    void port.closed.then(() => clearTimeout(timer));
  }
}

/** A port that a listener here may own (docs/errors.md). */
const SHARED = { reason: "UDP_PORT" } as const;
