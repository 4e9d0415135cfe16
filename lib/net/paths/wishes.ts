// What a caller of connect() wants with paths, out of its checked options; nothing where it wants
// nothing, so that nothing is watched. Not here: checking them (lib/net/parameters.ts).

import { invalidArgValue } from "../../errors/index.ts";
import type { Endpoint } from "../endpoint.ts";
import { captureContext, inContext } from "../handler-context.ts";
import type { ConnectParameters } from "../parameters.ts";
import type { PathOptions } from "../types.ts";
import { hasRules, type PathRules } from "./path-rules.ts";

export interface PathWishes extends PathRules {
  readonly viabilityTimeout: number;
  readonly viable: PathOptions["viable"];
  readonly betterPath: PathOptions["betterPath"];
}

/**
 * Null where nothing is asked for. Callbacks are bound to the async context of whoever calls this.
 *
 * @throws TypeError for a rule about interfaces and a Unix socket, which uses none
 */
export function pathWishes(endpoint: Endpoint, parameters: ConnectParameters): PathWishes | null {
  const { prohibitedInterfaces, requiredInterfaceKind, viabilityTimeout } = parameters;
  const { viable, betterPath } = parameters;
  const isRuled = hasRules(parameters);
  if (endpoint.transport === "unix") {
    if (!isRuled) return null;
    const why = "must not be given with a Unix socket, which uses no interface";
    throw requiredInterfaceKind === undefined
      ? invalidArgValue("prohibitedInterfaces", why, prohibitedInterfaces)
      : invalidArgValue("requiredInterfaceKind", why, requiredInterfaceKind);
  }
  const isAsked = viable !== undefined || betterPath !== undefined || viabilityTimeout > 0;
  if (!isRuled && !isAsked) return null;
  const context = captureContext();
  return {
    prohibitedInterfaces,
    requiredInterfaceKind,
    viabilityTimeout,
    viable: inContext(context, viable),
    betterPath: inContext(context, betterPath),
  };
}
