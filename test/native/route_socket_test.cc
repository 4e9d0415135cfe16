// The route socket and the lists of this host (route_socket_linux.cc, route_socket_darwin.cc). What
// changes there is made by the fault suite, in namespaces; here is what needs no rights.
#include "socket/route_socket.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <errno.h>
#include <net/if.h>

#include <cstring>
#include <string>

#include "socket/calls.h"

using namespace hawser;

namespace {

FlatAddress Flat(const char* text) {
  FlatAddress flat{};
  bool is_ipv6 = std::strchr(text, ':') != nullptr;
  flat.family = is_ipv6 ? AddressFamily::kIpv6 : AddressFamily::kIpv4;
  REQUIRE(inet_pton(is_ipv6 ? AF_INET6 : AF_INET, text, flat.bytes) == 1);
  return flat;
}

const LinkEntry* Loopback(const std::vector<LinkEntry>& links) {
  for (const LinkEntry& one : links) {
    if (one.kind == InterfaceKind::kLoopback) return &one;
  }
  return nullptr;
}

// Each call fails with an errno.
struct FailingSocket {
  FailingSocket() {
    system_calls.socket = [](int, int, int) {
      errno = EMFILE;
      return -1;
    };
  }
  ~FailingSocket() { system_calls.socket = kRealSystemCalls.socket; }
};

}  // namespace

TEST_CASE("route socket: the interfaces have the indexes that the system gives them") {
  std::vector<LinkEntry> links;
  REQUIRE(ListLinks(&links) == 0);
  REQUIRE(!links.empty());
  for (const LinkEntry& one : links) {
    CAPTURE(one.name);
    CHECK(one.index == static_cast<int32_t>(if_nametoindex(one.name)));
  }
  const LinkEntry* loopback = Loopback(links);
  REQUIRE(loopback != nullptr);
  CHECK((loopback->flags & kInterfaceLoopback) != 0);
  CHECK((loopback->flags & kInterfaceUp) != 0);
  CHECK(loopback->mtu >= 1500);
  CHECK(loopback->hardware_length == 0);
}

TEST_CASE("route socket: loopback has its address, prefix and scope") {
  std::vector<LinkEntry> links;
  std::vector<AddressEntry> addresses;
  REQUIRE(ListLinks(&links) == 0);
  REQUIRE(ListAddresses(&addresses) == 0);
  const LinkEntry* loopback = Loopback(links);
  REQUIRE(loopback != nullptr);
  bool found = false;
  for (const AddressEntry& one : addresses) {
    if (one.address.family != AddressFamily::kIpv4 || one.address.bytes[0] != 127) continue;
    found = true;
    CHECK(one.index == loopback->index);
    CHECK(one.prefix_length == 8);
    CHECK(one.scope == AddressScope::kHost);
    CHECK(one.state == AddressState::kPreferred);
    CHECK(one.broadcast.family == AddressFamily::kNone);
  }
  CHECK(found);
}

TEST_CASE("route socket: default routes lead through interfaces that there are") {
  std::vector<LinkEntry> links;
  std::vector<RouteEntry> routes;
  REQUIRE(ListLinks(&links) == 0);
  REQUIRE(ListDefaultRoutes(&routes) == 0);
  for (const RouteEntry& route : routes) {
    bool known = false;
    for (const LinkEntry& one : links) known = known || one.index == route.index;
    CHECK(known);
    CHECK((route.family == AddressFamily::kIpv4 || route.family == AddressFamily::kIpv6));
  }
}

TEST_CASE("route socket: an address of this host is reached through loopback, and is local") {
  std::vector<LinkEntry> links;
  REQUIRE(ListLinks(&links) == 0);
  const LinkEntry* loopback = Loopback(links);
  REQUIRE(loopback != nullptr);
  RouteQuestion question{};
  question.destination = Flat("127.0.0.1");
  RouteAnswer answer;
  REQUIRE(AskRoute(question, &answer) == 0);
  CHECK(answer.index == loopback->index);
  CHECK(answer.local == 1);
  CHECK(answer.gateway.family == AddressFamily::kNone);
  CHECK(std::memcmp(answer.source.bytes, Flat("127.0.0.1").bytes, 4) == 0);
}

TEST_CASE("route socket: what is no address cannot be asked about") {
  RouteAnswer answer;
  CHECK(AskRoute(RouteQuestion{}, &answer) == -EINVAL);
}

TEST_CASE("route socket: an interface that is not there has no route") {
  RouteQuestion question{};
  question.destination = Flat("127.0.0.1");
  question.index = 60000;
  RouteAnswer answer;
  CHECK(AskRoute(question, &answer) < 0);
}

TEST_CASE("route socket: without a descriptor every list says so") {
  FailingSocket failing;
  std::vector<LinkEntry> links;
  std::vector<AddressEntry> addresses;
  std::vector<RouteEntry> routes;
  RouteQuestion question{};
  question.destination = Flat("127.0.0.1");
  RouteAnswer answer;
  CHECK(ListLinks(&links) == -EMFILE);
  CHECK(AskRoute(question, &answer) == -EMFILE);
  if (platform::kIsLinux) {
    CHECK(ListAddresses(&addresses) == -EMFILE);
    CHECK(ListDefaultRoutes(&routes) == -EMFILE);
  }
}

TEST_CASE("route socket: while nothing changes there is nothing to read") {
  Descriptor socket(OpenSocket(kRouteSocket.domain, kRouteSocket.type, kRouteSocket.protocol));
  REQUIRE(socket.open());
  bool more = true;
  CHECK(ReadChanges(socket.get(), &more) == 0);
  CHECK_FALSE(more);
}

TEST_CASE("route socket: after an overrun everything counts as changed") {
  Descriptor socket(OpenSocket(kRouteSocket.domain, kRouteSocket.type, kRouteSocket.protocol));
  REQUIRE(socket.open());
  static int calls;
  calls = 0;
  auto overrun = [](int, msghdr*, int) -> ssize_t {
    errno = calls++ == 0 ? ENOBUFS : EAGAIN;
    return -1;
  };
  auto overrun_receive = [](int, void*, size_t, int) -> ssize_t {
    errno = calls++ == 0 ? ENOBUFS : EAGAIN;
    return -1;
  };
  system_calls.recvmsg = overrun;
  system_calls.recv = overrun_receive;
  bool more = true;
  NetworkChange changes = ReadChanges(socket.get(), &more);
  system_calls.recvmsg = kRealSystemCalls.recvmsg;
  system_calls.recv = kRealSystemCalls.recv;
  CHECK(changes == (kAllChanged | kNetworkOverrun));
  CHECK_FALSE(more);
  CHECK(calls == 2);
}

TEST_CASE("route socket: one call reads no more than its limit, and says that there is more") {
  static int calls;
  calls = 0;
  auto endless = [](int, msghdr* message, int) -> ssize_t {
    calls++;
    message->msg_flags = 0;
    message->msg_namelen = 0;
    return 0;
  };
  auto endless_receive = [](int, void*, size_t, int) -> ssize_t {
    calls++;
    errno = ENOBUFS;
    return -1;
  };
  system_calls.recvmsg = endless;
  system_calls.recv = endless_receive;
  bool more = false;
  (void)ReadChanges(0, &more);
  system_calls.recvmsg = kRealSystemCalls.recvmsg;
  system_calls.recv = kRealSystemCalls.recv;
  CHECK(more);
  CHECK(calls == kChangesPerRead);
}
