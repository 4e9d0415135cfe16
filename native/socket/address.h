// Socket addresses in two forms: the kernel's sockaddr, and a flat one of 32 bytes that crosses
// into JavaScript and lies in shared memory. No text is parsed or made here; lib/ does that.
#ifndef HAWSER_SOCKET_ADDRESS_H_
#define HAWSER_SOCKET_ADDRESS_H_

#include <cstddef>
#include <cstdint>

#include "platform/platform.h"

namespace hawser {

// The families of the flat form. Fixed numbers, because AF_INET6 is not the same on both systems.
enum class AddressFamily : uint8_t { kNone = 0, kUnix = 1, kIpv4 = 4, kIpv6 = 6 };

// An IPv4 or IPv6 address with port and scope, or "a Unix socket, its path elsewhere".
// An IPv4-mapped IPv6 address is stored as IPv4: what a dual-stack socket reports is what the peer
// is (behaviour B31).
struct FlatAddress {
  uint8_t bytes[16];  // network order; IPv4 in the first four
  uint32_t scope;     // interface index of a link-local IPv6 address, else 0 (RFC 4007)
  uint16_t port;      // host order
  AddressFamily family;
  uint8_t reserved;
};
static_assert(sizeof(FlatAddress) == 24, "shared with lib/socket/address.ts");

// A sockaddr of any family that the library speaks, with its length.
struct SocketAddress {
  sockaddr_storage storage;
  socklen_t length;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

// The longest path that fits in sockaddr_un, without its closing NUL (unix(7)).
inline constexpr size_t kUnixPathLimit = sizeof(sockaddr_un{}.sun_path) - 1;

// Makes a sockaddr for a socket of `domain` (AF_INET or AF_INET6). An IPv4 address for an AF_INET6
// socket becomes IPv4-mapped. 0, or -EAFNOSUPPORT.
int ToSocketAddress(const FlatAddress& flat, int domain, SocketAddress* out);

// Makes a Unix address. A path beginning with NUL is in Linux's abstract namespace, where the
// length counts and no NUL closes it. 0, -EINVAL (empty, or a NUL inside a path), -ENAMETOOLONG,
// or -ENOTSUP (abstract, and the system has no such namespace).
int ToUnixAddress(const char* path, size_t size, SocketAddress* out);

// The flat form of what the kernel returned. An unknown family gives kNone.
FlatAddress ToFlatAddress(const SocketAddress& address);

// The path of a Unix address, with its leading NUL when abstract; size 0 when unnamed.
struct UnixPath {
  const char* data;
  size_t size;
};
UnixPath PathOf(const SocketAddress& address);

}  // namespace hawser

#endif  // HAWSER_SOCKET_ADDRESS_H_
