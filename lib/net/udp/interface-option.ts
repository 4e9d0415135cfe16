// Keeping a UDP socket to one interface. Not here: interfaces chosen for one datagram.

import { native } from "../../binding/native.ts";
import { DOMAIN_IPV6, type Domain } from "../../binding/types.ts";
import { codeError, errnoError } from "../../errors/index.ts";

/**
 * Adds the option that binds to an interface: SO_BINDTODEVICE (socket(7)), on macOS IP_BOUND_IF.
 *
 * @throws HawserError ENODEV
 */
export function bindToInterface(
  add: (name: string, value: unknown) => void,
  domain: Domain,
  chosen: string | number,
): void {
  if (process.platform === "darwin") {
    const index = typeof chosen === "number" ? chosen : native.interfaceIndex(chosen);
    if (index < 0) throw errnoError(index, "if_nametoindex", { address: String(chosen) });
    add(domain === DOMAIN_IPV6 ? "IPV6_BOUND_IF" : "IP_BOUND_IF", index);
    return;
  }
  const name = typeof chosen === "string" ? chosen : native.interfaceName(chosen);
  if (name === "") throw codeError("ENODEV", "if_indextoname", { address: String(chosen) });
  add("SO_BINDTODEVICE", name);
}
