#include "socket/address.h"

#include <errno.h>

#include <cstring>

namespace hawser {
namespace {

constexpr uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void FillIpv4(const FlatAddress& flat, SocketAddress* out) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(flat.port);
  std::memcpy(&in.sin_addr, flat.bytes, 4);
  std::memcpy(&out->storage, &in, sizeof(in));
  out->length = sizeof(in);
}

void FillIpv6(const FlatAddress& flat, SocketAddress* out) {
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(flat.port);
  in.sin6_scope_id = flat.scope;
  if (flat.family == AddressFamily::kIpv4) {
    std::memcpy(&in.sin6_addr, kMappedPrefix, 12);
    std::memcpy(reinterpret_cast<uint8_t*>(&in.sin6_addr) + 12, flat.bytes, 4);
  } else {
    std::memcpy(&in.sin6_addr, flat.bytes, 16);
  }
  std::memcpy(&out->storage, &in, sizeof(in));
  out->length = sizeof(in);
}

}  // namespace

int ToSocketAddress(const FlatAddress& flat, int domain, SocketAddress* out) {
  std::memset(&out->storage, 0, sizeof(out->storage));
  bool known = flat.family == AddressFamily::kIpv4 || flat.family == AddressFamily::kIpv6;
  if (domain == AF_INET && flat.family == AddressFamily::kIpv4) {
    FillIpv4(flat, out);
  } else if (domain == AF_INET6 && known) {
    FillIpv6(flat, out);
  } else {
    return -EAFNOSUPPORT;
  }
  platform::SetLengthByte(out->get(), out->length);
  return 0;
}

int ToUnixAddress(const char* path, size_t size, SocketAddress* out) {
  if (size == 0) return -EINVAL;
  bool abstract = path[0] == '\0';
  if (abstract && !platform::kIsLinux) return -ENOTSUP;
  if (!abstract && std::memchr(path, '\0', size) != nullptr) return -EINVAL;
  if (size > kUnixPathLimit + (abstract ? 1 : 0)) return -ENAMETOOLONG;
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, path, size);
  std::memset(&out->storage, 0, sizeof(out->storage));
  static_assert(sizeof(un) <= sizeof(out->storage));
  std::memcpy(&out->storage, &un, sizeof(un));
  out->length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size + (abstract ? 0 : 1));
  platform::SetLengthByte(out->get(), out->length);
  return 0;
}

FlatAddress ToFlatAddress(const SocketAddress& address) {
  FlatAddress flat{};
  if (address.family() == AF_INET && address.length >= sizeof(sockaddr_in)) {
    sockaddr_in in;
    std::memcpy(&in, &address.storage, sizeof(in));
    flat.family = AddressFamily::kIpv4;
    flat.port = ntohs(in.sin_port);
    std::memcpy(flat.bytes, &in.sin_addr, 4);
  } else if (address.family() == AF_INET6 && address.length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in;
    std::memcpy(&in, &address.storage, sizeof(in));
    flat.port = ntohs(in.sin6_port);
    const auto* bytes = reinterpret_cast<const uint8_t*>(&in.sin6_addr);
    if (std::memcmp(bytes, kMappedPrefix, 12) == 0) {
      flat.family = AddressFamily::kIpv4;
      std::memcpy(flat.bytes, bytes + 12, 4);
    } else {
      flat.family = AddressFamily::kIpv6;
      flat.scope = in.sin6_scope_id;
      std::memcpy(flat.bytes, bytes, 16);
    }
  } else if (address.family() == AF_UNIX) {
    flat.family = AddressFamily::kUnix;
  }
  return flat;
}

UnixPath PathOf(const SocketAddress& address) {
  constexpr size_t kHead = offsetof(sockaddr_un, sun_path);
  if (address.family() != AF_UNIX || address.length <= kHead) return {nullptr, 0};
  const char* path = reinterpret_cast<const char*>(&address.storage) + kHead;
  size_t size = address.length - kHead;
  // The kernel may or may not count the closing NUL of a path (unix(7), "Address format").
  if (path[0] != '\0') size = strnlen(path, size);
  if (!platform::kIsLinux && path[0] == '\0') size = 0;
  return {path, size};
}

}  // namespace hawser
