// What flows of one listener, or the one of a connected socket, have in common. Not here: how the
// options are checked (parameters.ts).

import { type HandlerContext, inContext } from "../handler-context.ts";
import type { UdpHandlerSet, UdpOwnHandlerSet, UdpParameters } from "./parameters.ts";

export interface FlowPolicy {
  readonly handlers: UdpHandlerSet & Partial<UdpOwnHandlerSet>;
  readonly idleTimeout: number;
  readonly receiveHighWaterMark: number;
  readonly sendHighWaterMark: number;
  readonly lend: boolean;
  /** 0 for no limit. */
  readonly viabilityTimeout: number;
}

/**
 * The policy of flows with these callbacks, which run in the context of whoever made them.
 *
 * @param own of a flow over a socket of its own
 */
export function flowPolicy(
  parameters: UdpParameters,
  { open, data, drain, close }: UdpHandlerSet,
  idleTimeout: number,
  context: HandlerContext,
  own?: UdpOwnHandlerSet & { readonly viabilityTimeout: number },
): FlowPolicy {
  const { receiveHighWaterMark, sendHighWaterMark, lend } = parameters;
  const handlers = {
    open: inContext(context, open),
    data: inContext(context, data),
    drain: inContext(context, drain),
    close: inContext(context, close),
    error: inContext(context, own?.error),
    viable: inContext(context, own?.viable),
    betterPath: inContext(context, own?.betterPath),
  };
  const viabilityTimeout = own?.viabilityTimeout ?? 0;
  return {
    handlers,
    idleTimeout,
    receiveHighWaterMark,
    sendHighWaterMark,
    lend,
    viabilityTimeout,
  };
}
