// What the addon tells of this host's networks, as native/binding/networks_binding.h defines it.
// Types only. Lists are records of a fixed size (native/socket/networks.h), or a negative errno.

export interface NetworksBinding {
  /** Interfaces: LinkEntry. */
  links(): Uint8Array | number;
  /** Addresses of all interfaces: AddressEntry. */
  addresses(): Uint8Array | number;
  /** Default routes of the main table, each next hop by itself: RouteEntry. */
  defaultRoutes(): Uint8Array | number;
  /**
   * What the kernel would use for a destination, into `answer` (RouteAnswer). Addresses in 24 flat
   * bytes; an index of 0 is any interface. 0, or a negative errno.
   */
  route(
    destination: Uint8Array,
    source: Uint8Array | undefined,
    index: number,
    answer: Uint8Array,
  ): number;
}

export interface NetworkChangesBinding {
  /** A slot that tells Readable when something has changed; `name` receives its name. */
  openChanges(name: Int32Array): number;
  /** Reads all that is there: NetworkChange bits of native/socket/networks.h, or -errno. */
  readChanges(slot: number, generation: number): number;
}
