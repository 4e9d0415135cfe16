// The networks of this host as records: interfaces, their addresses, default routes, and what the
// kernel would use for a destination. Their layout is shared with lib/socket/interfaces.ts and
// lib/socket/routes.ts, which read whole arrays of them. No code: the records are made by
// route_messages_linux.cc and route_messages_darwin.cc, and asked for in route_socket.h.
#ifndef HAWSER_SOCKET_NETWORKS_H_
#define HAWSER_SOCKET_NETWORKS_H_

#include <cstddef>
#include <cstdint>

#include "socket/address.h"

namespace hawser {

// What a batch of messages says to be different now: bits of a NetworkChange. Nothing is said of
// how: who hears it lists anew, so that nothing depends on a message that was lost.
using NetworkChange = uint32_t;
inline constexpr NetworkChange kLinksChanged = 1;
inline constexpr NetworkChange kAddressesChanged = 2;
inline constexpr NetworkChange kRoutesChanged = 4;  // routes, next hops and rules
inline constexpr NetworkChange kNetworkOverrun = 8;
inline constexpr NetworkChange kAllChanged = kLinksChanged | kAddressesChanged | kRoutesChanged;

// Flags of an interface (netdevice(7)) by numbers of our own: the systems' differ.
enum InterfaceFlag : int32_t {
  kInterfaceUp = 1,
  kInterfaceRunning = 2,
  kInterfaceLoopback = 4,
  kInterfaceBroadcast = 8,
  kInterfaceMulticast = 16,
  kInterfacePointToPoint = 32,
};

enum class InterfaceKind : uint8_t {
  kWired = 0,
  kLoopback = 1,
  kWireless = 2,
  kTunnel = 3,
  kBridge = 4,
  kVirtual = 5,
};

enum class AddressScope : uint8_t { kGlobal = 0, kSite = 1, kLink = 2, kHost = 3 };

// RFC 4862 section 5.4, 5.5.4.
enum class AddressState : uint8_t {
  kPreferred = 0,
  kTentative = 1,
  kDeprecated = 2,
  kDuplicated = 3,
};

// IF_NAMESIZE on both systems, with the closing NUL.
inline constexpr size_t kInterfaceNameBytes = 16;
// InfiniBand's, the longest in use.
inline constexpr size_t kHardwareAddressBytes = 20;

struct LinkEntry {
  char name[kInterfaceNameBytes];
  int32_t index;
  int32_t flags;  // InterfaceFlag bits
  int32_t mtu;    // bytes; 0 where the system does not tell
  InterfaceKind kind;
  uint8_t hardware_length;  // 0 where there is none
  uint8_t hardware[kHardwareAddressBytes];
  uint8_t reserved[2];
};
static_assert(sizeof(LinkEntry) == 52, "shared with lib/socket/interfaces.ts");

struct AddressEntry {
  FlatAddress address;
  FlatAddress broadcast;  // family kNone where there is none
  int32_t index;          // of the interface
  uint8_t prefix_length;  // bits
  AddressScope scope;
  AddressState state;
  uint8_t reserved;
};
static_assert(sizeof(AddressEntry) == 56, "shared with lib/socket/interfaces.ts");

// A default route, or one next hop of it.
struct RouteEntry {
  FlatAddress gateway;  // family kNone where the interface is the next hop
  int32_t index;        // of the interface
  uint32_t metric;
  AddressFamily family;  // of the route; the gateway's may differ (RFC 5549)
  uint8_t reserved[3];
};
static_assert(sizeof(RouteEntry) == 36, "shared with lib/socket/routes.ts");

// What is asked about a destination. Source and index narrow it where they are given.
struct RouteQuestion {
  FlatAddress destination;
  FlatAddress source;
  int32_t index;
};

struct RouteAnswer {
  FlatAddress source;   // family kNone where the kernel names none
  FlatAddress gateway;  // family kNone where the destination is on the link
  int32_t index;        // of the interface
  int32_t mtu;          // bytes, of the route; 0 where it has none of its own
  uint32_t local;       // 1 where the destination is an address of this host
};
static_assert(sizeof(RouteAnswer) == 60, "shared with lib/socket/routes.ts");

// More are left out: a host with so many of one sort is no longer served by a list.
inline constexpr size_t kNetworkEntries = 65536;

}  // namespace hawser

#endif  // HAWSER_SOCKET_NETWORKS_H_
