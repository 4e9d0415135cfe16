// What flows of one listener, or the one of a connected socket, have in common. Not here: how the
// options are checked (parameters.ts).

import { type HandlerContext, inContext } from "../handler-context.ts";
import type { UdpHandlerSet, UdpParameters } from "./parameters.ts";

export interface FlowPolicy {
  readonly handlers: UdpHandlerSet;
  readonly idleTimeout: number;
  readonly receiveHighWaterMark: number;
  readonly sendHighWaterMark: number;
  readonly lend: boolean;
}

/** The policy of flows with these callbacks, which run in the context of whoever made them. */
export function flowPolicy(
  parameters: UdpParameters,
  { open, data, drain, close }: UdpHandlerSet,
  idleTimeout: number,
  context: HandlerContext,
): FlowPolicy {
  const { receiveHighWaterMark, sendHighWaterMark, lend } = parameters;
  const handlers = {
    open: inContext(context, open),
    data: inContext(context, data),
    drain: inContext(context, drain),
    close: inContext(context, close),
  };
  return { handlers, idleTimeout, receiveHighWaterMark, sendHighWaterMark, lend };
}
