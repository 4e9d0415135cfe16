#include "socket/membership.h"

#include <errno.h>

#include <cstring>

#include "socket/system_calls.h"

namespace hawser {

int ChangeMembership(int descriptor, const FlatAddress& group, const FlatAddress* source,
                     int interface_index, bool join) {
  bool is_ipv6 = group.family == AddressFamily::kIpv6;
  int level = is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
  int domain = is_ipv6 ? AF_INET6 : AF_INET;
  SocketAddress address;
  int status = ToSocketAddress(group, domain, &address);
  if (status < 0) return status;
  if (source == nullptr) {
    group_req request{};
    request.gr_interface = static_cast<uint32_t>(interface_index);
    std::memcpy(&request.gr_group, &address.storage, sizeof(request.gr_group));
    int name = join ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP;
    return system_calls.setsockopt(descriptor, level, name, &request, sizeof(request)) < 0 ? -errno
                                                                                           : 0;
  }
  SocketAddress from;
  status = ToSocketAddress(*source, domain, &from);
  if (status < 0) return status;
  group_source_req request{};
  request.gsr_interface = static_cast<uint32_t>(interface_index);
  std::memcpy(&request.gsr_group, &address.storage, sizeof(request.gsr_group));
  std::memcpy(&request.gsr_source, &from.storage, sizeof(request.gsr_source));
  int name = join ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP;
  return system_calls.setsockopt(descriptor, level, name, &request, sizeof(request)) < 0 ? -errno
                                                                                         : 0;
}

}  // namespace hawser
