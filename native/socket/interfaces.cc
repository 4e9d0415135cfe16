#include "socket/interfaces.h"

#include <errno.h>
#include <ifaddrs.h>

#include <cstring>

#include "socket/calls.h"
#include "socket/system_calls.h"

namespace hawser {
namespace {

int32_t FlagsOf(unsigned int flags) {
  return (flags & IFF_UP ? kInterfaceUp : 0) | (flags & IFF_RUNNING ? kInterfaceRunning : 0) |
         (flags & IFF_LOOPBACK ? kInterfaceLoopback : 0) |
         (flags & IFF_BROADCAST ? kInterfaceBroadcast : 0) |
         (flags & IFF_MULTICAST ? kInterfaceMulticast : 0) |
         (flags & IFF_POINTOPOINT ? kInterfacePointToPoint : 0);
}

FlatAddress FlatOf(const sockaddr* address) {
  if (address == nullptr) return {};
  size_t size = address->sa_family == AF_INET    ? sizeof(sockaddr_in)
                : address->sa_family == AF_INET6 ? sizeof(sockaddr_in6)
                                                 : 0;
  if (size == 0) return {};
  SocketAddress whole;
  std::memset(&whole.storage, 0, sizeof(whole.storage));
  std::memcpy(&whole.storage, address, size);
  whole.length = static_cast<socklen_t>(size);
  return ToFlatAddress(whole);
}

int32_t PrefixLength(const FlatAddress& mask) {
  int32_t bits = 0;
  for (uint8_t byte : mask.bytes) {
    for (; byte & 0x80; byte = static_cast<uint8_t>(byte << 1)) bits++;
  }
  return bits;
}

// A mask is no address: ::ffff:... of one must not be taken for IPv4.
FlatAddress MaskOf(const sockaddr* mask, AddressFamily family) {
  FlatAddress flat{};
  if (mask == nullptr) return flat;
  if (family == AddressFamily::kIpv4) {
    sockaddr_in in;
    std::memcpy(&in, mask, sizeof(in));
    std::memcpy(flat.bytes, &in.sin_addr, 4);
  } else if (family == AddressFamily::kIpv6) {
    sockaddr_in6 in;
    std::memcpy(&in, mask, sizeof(in));
    std::memcpy(flat.bytes, &in.sin6_addr, 16);
  }
  return flat;
}

int32_t MtuOf(int descriptor, const char* name) {
  ifreq request{};
  std::memcpy(request.ifr_name, name, sizeof(request.ifr_name));
  if (system_calls.ioctl(descriptor, SIOCGIFMTU, reinterpret_cast<int*>(&request)) < 0) return 0;
  return request.ifr_mtu;
}

InterfaceEntry EntryOf(const ifaddrs& one, int descriptor) {
  InterfaceEntry entry{};
  std::strncpy(entry.name, one.ifa_name, sizeof(entry.name) - 1);
  entry.index = InterfaceIndex(entry.name);
  entry.flags = FlagsOf(one.ifa_flags);
  entry.mtu = MtuOf(descriptor, entry.name);
  entry.address = FlatOf(one.ifa_addr);
  entry.prefix_length = PrefixLength(MaskOf(one.ifa_netmask, entry.address.family));
  bool has_broadcast =
      (one.ifa_flags & IFF_BROADCAST) != 0 && entry.address.family == AddressFamily::kIpv4;
  if (has_broadcast) entry.broadcast = FlatOf(one.ifa_broadaddr);
  // An address without one of its own has itself in that place (getifaddrs(3) of glibc).
  if (std::memcmp(entry.broadcast.bytes, entry.address.bytes, sizeof(entry.address.bytes)) == 0) {
    entry.broadcast = {};
  }
  return entry;
}

}  // namespace

int ListInterfaces(std::vector<InterfaceEntry>* out) {
  out->clear();
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) < 0) return -errno;
  // Any socket answers the ioctl.
  Descriptor socket(OpenSocket(AF_UNIX, SOCK_DGRAM, 0));
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_name == nullptr || out->size() == kInterfaceEntries) continue;
    out->push_back(EntryOf(*one, socket.get()));
  }
  ::freeifaddrs(list);
  return 0;
}

}  // namespace hawser
