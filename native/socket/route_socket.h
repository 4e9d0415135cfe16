// What the kernel knows of this host's networks, and the socket on which it tells of changes:
// rtnetlink(7) on Linux (route_socket_linux.cc), route(4) on macOS (route_socket_darwin.cc). The
// build chooses one. No state, no policy: who hears of a change lists anew.
//
// The lists are made by the kernel while it answers, so that none of these functions waits.
#ifndef HAWSER_SOCKET_ROUTE_SOCKET_H_
#define HAWSER_SOCKET_ROUTE_SOCKET_H_

#include <vector>

#include "socket/networks.h"

namespace hawser {

// The arguments of socket(2).
struct RouteSocketKind {
  int domain;
  int type;
  int protocol;
};
extern const RouteSocketKind kRouteSocket;

// From now on the socket hears of changes. 0, or -errno.
int SubscribeToChanges(int descriptor);

// Datagrams that one call of ReadChanges reads at most.
inline constexpr int kChangesPerRead = 1024;

// Reads until there is nothing more. What was lost for want of buffer counts as
// everything, with kNetworkOverrun beside it. `*more` is set where the limit was met first.
NetworkChange ReadChanges(int descriptor, bool* more);

// What there is now, at most kNetworkEntries. 0, or -errno.
int ListLinks(std::vector<LinkEntry>* out);
int ListAddresses(std::vector<AddressEntry>* out);

// Default routes of the main table: IPv4, then IPv6.
int ListDefaultRoutes(std::vector<RouteEntry>* out);

// What the kernel would use for a destination. 0, or -errno: -ENETUNREACH, -EHOSTUNREACH, -EACCES,
// -EINVAL for a blackhole and for a source that is not this host's.
int AskRoute(const RouteQuestion& question, RouteAnswer* out);

}  // namespace hawser

#endif  // HAWSER_SOCKET_ROUTE_SOCKET_H_
