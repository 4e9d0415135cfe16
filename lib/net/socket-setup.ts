// What is done to a new socket before it is bound or connected: options in their order, addresses.
// Not here: which options there are (parameters.ts, lib/socket), when a socket is opened.

import { native } from "../binding/native.ts";
import type { Domain } from "../binding/types.ts";
import { DOMAIN_IPV6, DOMAIN_UNIX } from "../binding/types.ts";
import { codeError, errnoError } from "../errors/index.ts";
import { type NativeAddress, toNativeAddress, toNativePath } from "../socket/address.ts";
import { applyOptions, assign, type OptionAssignment } from "../socket/options.ts";
import { policyOptions } from "../socket/tune.ts";
import type { Endpoint } from "./endpoint.ts";
import { keepAliveToSet, tellKernelLimits } from "./liveness-options.ts";
import type { StreamParameters } from "./parameters.ts";

const isDarwin = process.platform === "darwin";

type SetupParameters = Pick<
  StreamParameters,
  | "noDelay"
  | "keepAlive"
  | "dropTimeout"
  | "stallTimeout"
  | "reuseAddr"
  | "reusePort"
  | "interface"
  | "socketOptions"
> & { readonly ipv6Only?: boolean };

/**
 * Sets what `parameters` ask for on a fresh descriptor, before bind (B7); on an adopted one, which
 * is bound, only what concerns its connections.
 *
 * @throws HawserError of setsockopt(2); ENOTSUP for a listener's `reusePort` on macOS
 */
export function setUp(
  descriptor: number,
  domain: Domain,
  parameters: SetupParameters,
  use: "connect" | "listen" | "adopt",
): void {
  const assignments: OptionAssignment[] = [];
  const add = (name: string, value: unknown) => assignments.push(assign(name, value));
  if (domain !== DOMAIN_UNIX) {
    if (use !== "adopt") addBinding(add, domain, parameters, use);
    assignments.push(...policyAssignments(parameters));
  }
  for (const [name, value] of parameters.socketOptions) add(name, value);
  applyOptions(descriptor, assignments);
  // Accepted sockets inherit it; a connection of ours is told when its handshake is over.
  if (use !== "connect" && domain !== DOMAIN_UNIX) tellKernelLimits(descriptor, parameters);
}

// The last ones: connections are made by the thousand, and mostly with the same policy.
let known: readonly OptionAssignment[] = [];
let knownFor: Pick<SetupParameters, "noDelay" | "keepAlive"> | null = null;

function policyAssignments(parameters: SetupParameters): readonly OptionAssignment[] {
  const { noDelay } = parameters;
  const keepAlive = keepAliveToSet(parameters);
  if (knownFor?.noDelay !== noDelay || knownFor.keepAlive !== keepAlive) {
    const options = policyOptions({ noDelay, keepAlive });
    known = options.map(([name, value]) => assign(name, value));
    knownFor = { noDelay, keepAlive };
  }
  return known;
}

function addBinding(
  add: (name: string, value: unknown) => void,
  domain: Domain,
  parameters: SetupParameters,
  use: "connect" | "listen",
): void {
  if (parameters.reuseAddr) add("SO_REUSEADDR", true);
  if (parameters.reusePort) {
    if (isDarwin && use === "listen") throw reusePortUnbalanced();
    add("SO_REUSEPORT", true);
  }
  if (domain === DOMAIN_IPV6) add("IPV6_V6ONLY", parameters.ipv6Only === true);
  if (parameters.interface !== undefined) bindToInterface(add, domain, parameters.interface);
}

function reusePortUnbalanced(): Error {
  // The reason stands in the table of hints, beside the code and the call.
  return codeError("ENOTSUP", "listen", { reason: "REUSE_PORT" });
}

function bindToInterface(
  add: (name: string, value: unknown) => void,
  domain: Domain,
  chosen: string | number,
): void {
  if (isDarwin) {
    const index = typeof chosen === "number" ? chosen : native.interfaceIndex(chosen);
    if (index < 0) throw errnoError(index, "if_nametoindex", { address: String(chosen) });
    add(domain === DOMAIN_IPV6 ? "IPV6_BOUND_IF" : "IP_BOUND_IF", index);
    return;
  }
  const name = typeof chosen === "string" ? chosen : native.interfaceName(chosen);
  if (name === "") throw codeError("ENODEV", "if_indextoname", { address: String(chosen) });
  add("SO_BINDTODEVICE", name);
}

/** The address that an endpoint names literally; undefined for a name that must be resolved. */
export function literalAddress(endpoint: Endpoint): NativeAddress | undefined {
  if (endpoint.kind === "path" || endpoint.kind === "abstract") {
    return toNativePath(endpoint.path ?? "", endpoint.kind === "abstract");
  }
  if (endpoint.address === undefined) return undefined;
  const { zone } = endpoint;
  const address = zone === undefined ? endpoint.address : { ...endpoint.address, zone };
  return toNativeAddress(address, endpoint.port ?? 0);
}
