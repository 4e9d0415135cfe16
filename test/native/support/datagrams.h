// Datagram sockets for tests: bound on loopback, and submissions of datagrams as JavaScript makes
// them.
#ifndef HAWSER_TEST_SUPPORT_DATAGRAMS_H_
#define HAWSER_TEST_SUPPORT_DATAGRAMS_H_

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "support/world.h"

namespace hawser::testing {

// A non-blocking UDP socket on the loopback address of its family, or on any address.
inline Fd BoundUdp(int domain = AF_INET, bool any = false) {
  Fd socket(::socket(domain, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  REQUIRE(socket.get() >= 0);
  SocketAddress address;
  std::memset(&address.storage, 0, sizeof(address.storage));
  if (domain == AF_INET) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = htonl(any ? INADDR_ANY : INADDR_LOOPBACK);
    std::memcpy(&address.storage, &in, sizeof(in));
    address.length = sizeof(in);
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_addr = any ? in6addr_any : in6addr_loopback;
    std::memcpy(&address.storage, &in, sizeof(in));
    address.length = sizeof(in);
  }
  REQUIRE(::bind(socket.get(), address.get(), address.length) == 0);
  return socket;
}

inline void SetInt(int descriptor, int level, int name, int value) {
  REQUIRE(::setsockopt(descriptor, level, name, &value, sizeof(value)) == 0);
}

inline FlatAddress FlatOf(int descriptor) {
  FlatAddress flat = ToFlatAddress(LocalOf(descriptor));
  bool is_any = true;
  for (uint8_t byte : flat.bytes) is_any = is_any && byte == 0;
  if (!is_any) return flat;
  flat.family = AddressFamily::kIpv4;
  flat.bytes[0] = 127;
  flat.bytes[3] = 1;
  return flat;
}

// What one submission says of its way; indexes into Routes are written by Submit.
struct Way {
  const FlatAddress* to = nullptr;
  const FlatAddress* local = nullptr;
  int32_t interface_index = 0;
  int32_t traffic_class = 0;
  int32_t stride = 0;
};

// A bound socket in a slot.
struct DatagramWorld {
  World world;
  SlotName name;
  int descriptor;
  int32_t routes = 0;

  explicit DatagramWorld(Fd socket) {
    descriptor = socket.get();
    name = world.Take(&socket, SlotKind::kDatagram);
    world.TurnWhileDue();
    world.Clear();
  }

  // The index of the submission.
  int32_t Submit(const std::string& bytes, const Way& way) {
    int32_t& used = world.memory.header(records::header::kAreaUsed);
    std::memcpy(world.memory.area() + used, bytes.data(), bytes.size());
    int32_t index = world.memory.header(records::header::kSubmissionCount);
    world.Submit(name, Operation::kDatagramArea, used, static_cast<int32_t>(bytes.size()));
    used += static_cast<int32_t>(bytes.size());
    int32_t* record = world.memory.submission(index);
    record[records::submission::kPeer] = Route(way.to);
    record[records::submission::kLocal] = Route(way.local);
    record[records::submission::kInterface] = way.interface_index;
    record[records::submission::kEcn] = way.traffic_class;
    record[records::submission::kStride] = way.stride;
    return index;
  }

  int32_t Left(int32_t index) const {
    return world.memory.submission(index)[records::submission::kLength];
  }
  bool IsOver(int32_t index) const {
    return world.memory.submission(index)[records::submission::kOperation] == 0;
  }

 private:
  int32_t Route(const FlatAddress* address) {
    if (address == nullptr) return -1;
    *world.memory.route(routes) = *address;
    return routes++;
  }
};

// The next datagram of a plain socket, waited for.
inline std::string NextDatagram(int descriptor) {
  REQUIRE(Await(descriptor, 0x001));
  std::string bytes(65536, '\0');
  ssize_t got = ::recv(descriptor, bytes.data(), bytes.size(), 0);
  REQUIRE(got >= 0);
  bytes.resize(static_cast<size_t>(got));
  return bytes;
}

}  // namespace hawser::testing

#endif  // HAWSER_TEST_SUPPORT_DATAGRAMS_H_
