// What datagram sockets ask of the addon beside submissions, as native/binding/datagrams_binding.h
// defines it. Types only.

export interface DatagramsBinding {
  /** Datagrams lost for want of buffer, as the last one received told (SO_RXQ_OVFL); or -errno. */
  datagramDrops(slot: number, generation: number): number;
  /** Joins or leaves a group (RFC 3678); addresses in 24 flat bytes. 0, or -errno. */
  changeMembership(
    slot: number,
    generation: number,
    group: Uint8Array,
    source: Uint8Array | undefined,
    interfaceIndex: number,
    join: boolean,
  ): number;
}
