// What datagram sockets need beside their submissions: the count of drops, membership of groups.
#ifndef HAWSER_BINDING_DATAGRAMS_BINDING_H_
#define HAWSER_BINDING_DATAGRAMS_BINDING_H_

#include <napi.h>

namespace hawser {

class Environment;

// Sets on the functions of a reactor:
//
//   datagramDrops(slot: number, generation: number): number
//     Datagrams lost for want of buffer, as the last one received told (SO_RXQ_OVFL); or -errno.
//   changeMembership(slot, generation, group: Uint8Array(24), source: Uint8Array(24) | undefined,
//                    interface: number, join: boolean): number
//     0, or -errno (membership.h).
void RegisterDatagrams(Napi::Env env, Napi::Object exports, Environment* environment);

}  // namespace hawser

#endif  // HAWSER_BINDING_DATAGRAMS_BINDING_H_
