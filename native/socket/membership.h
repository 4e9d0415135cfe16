// Multicast memberships of a socket (RFC 3678 section 5, ip(7), ipv6(7)). Which groups a program
// wants, and on which interfaces, is not decided here.
#ifndef HAWSER_SOCKET_MEMBERSHIP_H_
#define HAWSER_SOCKET_MEMBERSHIP_H_

#include "socket/address.h"

namespace hawser {

// Joins or leaves a group on one interface, from any source or from one alone (`source` may be
// null). 0, or -errno: -EADDRINUSE (joined already), -EADDRNOTAVAIL (not joined, or no multicast
// there), -ENODEV, -EINVAL (no group's address), -ENOBUFS (net.ipv4.igmp_max_memberships).
int ChangeMembership(int descriptor, const FlatAddress& group, const FlatAddress* source,
                     int interface_index, bool join);

}  // namespace hawser

#endif  // HAWSER_SOCKET_MEMBERSHIP_H_
