// Joining and leaving groups (membership.cc). What arrives through them is tested with several
// hosts.
#include "socket/membership.h"

#include <doctest/doctest.h>
#include <errno.h>
#include <net/if.h>

#include "support/datagrams.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

FlatAddress Ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  FlatAddress flat{};
  flat.family = AddressFamily::kIpv4;
  flat.bytes[0] = a;
  flat.bytes[1] = b;
  flat.bytes[2] = c;
  flat.bytes[3] = d;
  return flat;
}

int Loopback() { return static_cast<int>(if_nametoindex(platform::kIsLinux ? "lo" : "lo0")); }

}  // namespace

TEST_CASE("B41: a group is joined once and left once on an interface") {
  Fd socket = BoundUdp(AF_INET, true);
  FlatAddress group = Ipv4(239, 1, 2, 3);
  CHECK(ChangeMembership(socket.get(), group, nullptr, Loopback(), true) == 0);
  CHECK(ChangeMembership(socket.get(), group, nullptr, Loopback(), true) == -EADDRINUSE);
  CHECK(ChangeMembership(socket.get(), group, nullptr, Loopback(), false) == 0);
  CHECK(ChangeMembership(socket.get(), group, nullptr, Loopback(), false) == -EADDRNOTAVAIL);
}

TEST_CASE("B41: a group is joined from one source") {
  Fd socket = BoundUdp(AF_INET, true);
  FlatAddress group = Ipv4(232, 1, 2, 3);
  FlatAddress source = Ipv4(127, 0, 0, 1);
  CHECK(ChangeMembership(socket.get(), group, &source, Loopback(), true) == 0);
  CHECK(ChangeMembership(socket.get(), group, &source, Loopback(), false) == 0);
}

TEST_CASE("membership: what is no group, or of another family, is refused") {
  Fd socket = BoundUdp(AF_INET, true);
  CHECK(ChangeMembership(socket.get(), Ipv4(10, 0, 0, 1), nullptr, Loopback(), true) == -EINVAL);
  CHECK(ChangeMembership(socket.get(), FlatAddress{}, nullptr, Loopback(), true) == -EAFNOSUPPORT);
  CHECK(ChangeMembership(socket.get(), Ipv4(239, 1, 2, 3), nullptr, 0x7ffffff0, true) == -ENODEV);
}
