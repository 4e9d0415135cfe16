// connect("udp://..."): one flow over a connected socket of its own. Not here: outbound flows from
// a listener's port (listener.ts).

import { DOMAIN_IPV4, DOMAIN_IPV6 } from "../../binding/types.ts";
import { errnoOf, type HawserError } from "../../errors/index.ts";
import { toNativeAddress } from "../../socket/address.ts";
import { internPeer, type Peer } from "../../socket/peers.ts";
import type { Endpoint } from "../endpoint.ts";
import { captureContext, inContext } from "../handler-context.ts";
import { firstAddress } from "./addresses.ts";
import { type FlowOwner, type FlowPolicy, UdpFlow } from "./flow.ts";
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
  const { open, data, drain, close, family, lookup, signal } = parameters;
  const { idleTimeout, receiveHighWaterMark, sendHighWaterMark, fragment, lend } = parameters;
  const handlers = {
    open: inContext(context, open),
    data: inContext(context, data),
    drain: inContext(context, drain),
    close: inContext(context, close),
  };
  const policy = { handlers, idleTimeout, receiveHighWaterMark, sendHighWaterMark, fragment, lend };
  const address = await firstAddress(endpoint, { family, lookup, signal });
  signal?.throwIfAborted();
  const peer = internPeer(new Int32Array(address.bytes.buffer), 0);
  const domain = address.domain === DOMAIN_IPV6 ? DOMAIN_IPV6 : DOMAIN_IPV4;
  const flow = new ConnectedSocket(domain, parameters, policy, peer).flow;
  flow.opened();
  return flow;
}

class ConnectedSocket implements PortOwner, FlowOwner {
  readonly flow: UdpFlow;
  readonly #port: UdpPort;

  constructor(
    domain: typeof DOMAIN_IPV4 | typeof DOMAIN_IPV6,
    parameters: UdpConnectParameters,
    policy: FlowPolicy,
    peer: Peer,
  ) {
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

  received(_port: UdpPort, data: Buffer, at: number): void {
    this.flow.deliver(data, at);
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

  flowAnswered(): void {}
  flowDropped(): void {}

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
