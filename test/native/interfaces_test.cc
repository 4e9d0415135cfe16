// The list of interfaces (interfaces.cc).
#include "socket/interfaces.h"

#include <doctest/doctest.h>

#include <cstring>

using namespace hawser;

TEST_CASE("interfaces: loopback stands among them, with its address, prefix, flags and MTU") {
  std::vector<InterfaceEntry> entries;
  REQUIRE(ListInterfaces(&entries) == 0);
  bool found = false;
  for (const InterfaceEntry& one : entries) {
    CAPTURE(one.name);
    CHECK(one.index == static_cast<int32_t>(if_nametoindex(one.name)));
    if (one.address.family != AddressFamily::kIpv4 || one.address.bytes[0] != 127) continue;
    found = true;
    CHECK(one.prefix_length == 8);
    CHECK((one.flags & kInterfaceLoopback) != 0);
    CHECK((one.flags & kInterfaceUp) != 0);
    CHECK(one.mtu >= 1500);
    CHECK(one.broadcast.family == AddressFamily::kNone);
  }
  CHECK(found);
}
