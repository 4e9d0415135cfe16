// The network interfaces of this host with their addresses, as getifaddrs(3) lists them. No
// watching of changes, no routes.
#ifndef HAWSER_SOCKET_INTERFACES_H_
#define HAWSER_SOCKET_INTERFACES_H_

#include <net/if.h>

#include <cstdint>
#include <vector>

#include "socket/address.h"

namespace hawser {

// Flags of an interface (netdevice(7)) by numbers of our own: the systems' differ.
enum InterfaceFlag : int32_t {
  kInterfaceUp = 1,
  kInterfaceRunning = 2,
  kInterfaceLoopback = 4,
  kInterfaceBroadcast = 8,
  kInterfaceMulticast = 16,
  kInterfacePointToPoint = 32,
};

// One address of one interface. An interface has an entry without an address too.
struct InterfaceEntry {
  char name[IF_NAMESIZE];
  int32_t index;
  int32_t flags;          // InterfaceFlag bits
  int32_t mtu;            // bytes; 0 where the system does not tell
  FlatAddress address;    // family kNone for the interface itself
  int32_t prefix_length;  // bits
  FlatAddress broadcast;  // family kNone where there is none
};

// More are left out: a host with so many addresses is no longer served by a list.
inline constexpr size_t kInterfaceEntries = 65536;

// 0, or -errno.
int ListInterfaces(std::vector<InterfaceEntry>* out);

}  // namespace hawser

#endif  // HAWSER_SOCKET_INTERFACES_H_
