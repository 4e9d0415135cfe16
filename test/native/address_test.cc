// Addresses between the kernel's form and the flat one (address.cc).
#include "socket/address.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <errno.h>

#include <cstring>
#include <string>

using namespace hawser;

namespace {

FlatAddress Flat4(const char* text, uint16_t port) {
  FlatAddress flat{};
  flat.family = AddressFamily::kIpv4;
  flat.port = port;
  REQUIRE(::inet_pton(AF_INET, text, flat.bytes) == 1);
  return flat;
}

FlatAddress Flat6(const char* text, uint16_t port, uint32_t scope = 0) {
  FlatAddress flat{};
  flat.family = AddressFamily::kIpv6;
  flat.port = port;
  flat.scope = scope;
  REQUIRE(::inet_pton(AF_INET6, text, flat.bytes) == 1);
  return flat;
}

bool Same(const FlatAddress& a, const FlatAddress& b) {
  return std::memcmp(&a, &b, sizeof(a)) == 0;
}

std::string PathText(const SocketAddress& address) {
  UnixPath path = PathOf(address);
  return path.data == nullptr ? std::string() : std::string(path.data, path.size);
}

}  // namespace

TEST_CASE("address: IPv4 and IPv6 with scope survive the way to the kernel's form and back") {
  struct {
    FlatAddress flat;
    int domain;
  } const all[] = {
      {Flat4("0.0.0.0", 0), AF_INET},
      {Flat4("127.0.0.1", 1), AF_INET},
      {Flat4("255.255.255.255", 65535), AF_INET},
      {Flat6("::", 0), AF_INET6},
      {Flat6("::1", 443), AF_INET6},
      {Flat6("fe80::1:2:3:4", 8080, 7), AF_INET6},
      {Flat6("ff02::fb", 5353, 0xffffffffu), AF_INET6},
      {Flat6("2001:db8::ffff:1.2.3.4", 65535), AF_INET6},
  };
  for (const auto& one : all) {
    SocketAddress address;
    std::memset(&address, 0xee, sizeof(address));
    REQUIRE(ToSocketAddress(one.flat, one.domain, &address) == 0);
    CHECK(address.family() == one.domain);
    CHECK(address.length == (one.domain == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6)));
    CHECK(Same(ToFlatAddress(address), one.flat));
  }
}

TEST_CASE("address: ports and addresses are in network order in the kernel's form") {
  SocketAddress address;
  REQUIRE(ToSocketAddress(Flat4("1.2.3.4", 0x1234), AF_INET, &address) == 0);
  sockaddr_in in;
  std::memcpy(&in, &address.storage, sizeof(in));
  CHECK(in.sin_port == htons(0x1234));
  CHECK(in.sin_addr.s_addr == htonl(0x01020304));
}

TEST_CASE("B31: IPv4 on an IPv6 socket is mapped on the way in and IPv4 again on the way out") {
  FlatAddress flat = Flat4("192.0.2.7", 80);
  SocketAddress address;
  REQUIRE(ToSocketAddress(flat, AF_INET6, &address) == 0);
  CHECK(address.family() == AF_INET6);
  sockaddr_in6 in;
  std::memcpy(&in, &address.storage, sizeof(in));
  CHECK(IN6_IS_ADDR_V4MAPPED(&in.sin6_addr));
  CHECK(Same(ToFlatAddress(address), flat));
}

TEST_CASE("address: a family that the socket does not speak is EAFNOSUPPORT") {
  SocketAddress address;
  CHECK(ToSocketAddress(Flat6("::1", 1), AF_INET, &address) == -EAFNOSUPPORT);
  CHECK(ToSocketAddress(Flat4("127.0.0.1", 1), AF_UNIX, &address) == -EAFNOSUPPORT);
  for (AddressFamily family : {AddressFamily::kNone, AddressFamily::kUnix}) {
    FlatAddress flat{};
    flat.family = family;
    CHECK(ToSocketAddress(flat, AF_INET, &address) == -EAFNOSUPPORT);
    CHECK(ToSocketAddress(flat, AF_INET6, &address) == -EAFNOSUPPORT);
  }
}

TEST_CASE("address: an unknown family, or one cut short, is no address") {
  SocketAddress address{};
  address.length = sizeof(address.storage);
  address.storage.ss_family = 250;
  CHECK(ToFlatAddress(address).family == AddressFamily::kNone);
  for (int family : {AF_INET, AF_INET6}) {
    address.storage.ss_family = static_cast<sa_family_t>(family);
    address.length = family == AF_INET ? sizeof(sockaddr_in) - 1 : sizeof(sockaddr_in6) - 1;
    CHECK(ToFlatAddress(address).family == AddressFamily::kNone);
  }
  address.storage.ss_family = AF_INET6;
  address.length = sizeof(sockaddr_in);
  CHECK(ToFlatAddress(address).family == AddressFamily::kNone);
}

TEST_CASE("address: a Unix path of any length that fits comes back, and one more is too long") {
  for (size_t size : {size_t{1}, size_t{2}, size_t{50}, kUnixPathLimit}) {
    CAPTURE(size);
    std::string path(size, 'p');
    SocketAddress address;
    REQUIRE(ToUnixAddress(path.data(), path.size(), &address) == 0);
    CHECK(address.family() == AF_UNIX);
    CHECK(address.length == offsetof(sockaddr_un, sun_path) + size + 1);
    CHECK(PathText(address) == path);
    CHECK(ToFlatAddress(address).family == AddressFamily::kUnix);
  }
  std::string path(kUnixPathLimit + 1, 'p');
  SocketAddress address;
  CHECK(ToUnixAddress(path.data(), path.size(), &address) == -ENAMETOOLONG);
}

TEST_CASE("address: an empty path, and a NUL inside one, are EINVAL") {
  SocketAddress address;
  CHECK(ToUnixAddress("", 0, &address) == -EINVAL);
  CHECK(ToUnixAddress("a\0b", 3, &address) == -EINVAL);
  CHECK(ToUnixAddress("a\0", 2, &address) == -EINVAL);
}

TEST_CASE("address: an abstract name keeps its NULs and its length, or is ENOTSUP") {
  SocketAddress address;
  if (!platform::kIsLinux) {
    CHECK(ToUnixAddress("\0x", 2, &address) == -ENOTSUP);
    return;
  }
  for (const std::string& name :
       {std::string("\0x", 2), std::string("\0a\0b\0", 5), std::string(1, '\0'),
        std::string(1, '\0') + std::string(kUnixPathLimit, 'n')}) {
    REQUIRE(ToUnixAddress(name.data(), name.size(), &address) == 0);
    CHECK(address.length == offsetof(sockaddr_un, sun_path) + name.size());
    CHECK(PathText(address) == name);
  }
  std::string name = std::string(1, '\0') + std::string(kUnixPathLimit + 1, 'n');
  CHECK(ToUnixAddress(name.data(), name.size(), &address) == -ENAMETOOLONG);
}

TEST_CASE("address: an unnamed Unix socket has no path") {
  SocketAddress address{};
  address.storage.ss_family = AF_UNIX;
  address.length = offsetof(sockaddr_un, sun_path);
  CHECK(PathOf(address).size == 0);
  address.length = sizeof(sa_family_t);
  CHECK(PathOf(address).size == 0);
  address.storage.ss_family = AF_INET;
  address.length = sizeof(sockaddr_in);
  CHECK(PathOf(address).size == 0);
}

TEST_CASE("address: a path that fills sun_path without a closing NUL is read to its end") {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  std::memset(un.sun_path, 'f', sizeof(un.sun_path));
  SocketAddress address{};
  std::memcpy(&address.storage, &un, sizeof(un));
  address.length = sizeof(un);
  CHECK(PathOf(address).size == sizeof(un.sun_path));
}
