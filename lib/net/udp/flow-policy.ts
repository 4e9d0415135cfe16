// What flows of one listener, or the one of a connected socket, have in common. Not here: how the
// options are checked (parameters.ts).

import { type HandlerContext, inContext } from "../handler-context.ts";
import type { UdpHandlerSet, UdpParameters, UdpPathSet } from "./parameters.ts";

export interface FlowPolicy {
  readonly handlers: UdpHandlerSet & Pick<UdpPathSet, "viable" | "betterPath">;
  readonly idleTimeout: number;
  readonly receiveHighWaterMark: number;
  readonly sendHighWaterMark: number;
  readonly lend: boolean;
  /** 0 for no limit. */
  readonly viabilityTimeout: number;
}

/** The policy of flows with these callbacks, which run in the context of whoever made them. */
export function flowPolicy(
  parameters: UdpParameters,
  { open, data, drain, close }: UdpHandlerSet,
  idleTimeout: number,
  context: HandlerContext,
  paths?: UdpPathSet,
): FlowPolicy {
  const { receiveHighWaterMark, sendHighWaterMark, lend } = parameters;
  const handlers = {
    open: inContext(context, open),
    data: inContext(context, data),
    drain: inContext(context, drain),
    close: inContext(context, close),
    viable: inContext(context, paths?.viable),
    betterPath: inContext(context, paths?.betterPath),
  };
  const viabilityTimeout = paths?.viabilityTimeout ?? 0;
  return {
    handlers,
    idleTimeout,
    receiveHighWaterMark,
    sendHighWaterMark,
    lend,
    viabilityTimeout,
  };
}
