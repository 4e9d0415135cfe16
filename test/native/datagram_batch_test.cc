// Batches of datagrams as a turn receives them, with what their control messages say
// (datagram_batch.cc, datagrams.cc).
#include "socket/datagram_batch.h"

#include <doctest/doctest.h>
#include <errno.h>
#include <poll.h>

#include "reactor/limits.h"
#include "support/datagrams.h"

using namespace hawser;
using namespace hawser::testing;

namespace completion = records::completion;

namespace {

constexpr int kSome = 20;

int Followers(const Told& one) {
  return one.words[completion::kEcn] >> records::kFollowersShift & 0x7f;
}

FlatAddress LocalAddress(const DatagramWorld& d, const Told& one) {
  REQUIRE(one.words[completion::kLocal] >= 0);
  return *d.world.memory.address(one.words[completion::kLocal]);
}

void SendTo(int from, const FlatAddress& to, const std::string& bytes) {
  SocketAddress address;
  REQUIRE(ToSocketAddress(to, LocalOf(from).family(), &address) == 0);
  REQUIRE(::sendto(from, bytes.data(), bytes.size(), 0, address.get(), address.length) ==
          static_cast<ssize_t>(bytes.size()));
}

// Sends some, and has them told in one turn. What one read said of how many follow.
void ReceiveSome(DatagramWorld* d) {
  Fd far = BoundUdp();
  for (int i = 0; i < kSome; i++) SendTo(far.get(), FlatOf(d->descriptor), std::to_string(i));
  REQUIRE(Await(d->descriptor, POLLIN));
  d->world.TurnUntilTold(Kind::kDatagram, kSome);
  for (int i = 0; i < kSome; i++) {
    const Told& one = d->world.told[static_cast<size_t>(i)];
    CHECK(one.bytes == std::to_string(i));
    CHECK(one.peer.port == FlatOf(far.get()).port);
  }
}

}  // namespace

TEST_CASE("datagram batch: many arrive by one system call, and each says how many follow it") {
  DatagramWorld d(BoundUdp());
  double before = d.world.counter(records::counter::k_receives);
  ReceiveSome(&d);
  if (system_calls.recvmmsg != nullptr) {
    // The second one learns that nothing is left.
    CHECK(d.world.counter(records::counter::k_receives) - before <= 2);
  }
  for (int i = 0; i < kSome; i++) {
    CHECK(Followers(d.world.told[static_cast<size_t>(i)]) == kSome - 1 - i);
  }
}

TEST_CASE("datagram batch: a system without recvmmsg gives the same") {
  RestoreSystemCalls restore;
  system_calls.recvmmsg = nullptr;
  DatagramWorld d(BoundUdp());
  ReceiveSome(&d);
  CHECK(Followers(d.world.told[0]) == kSome - 1);
}

TEST_CASE("B39: one by one, an error behind received datagrams is told after them") {
  RestoreSystemCalls restore;
  system_calls.recvmmsg = nullptr;
  static int calls;
  calls = 0;
  system_calls.recvmsg = [](int descriptor, msghdr* message, int flags) -> ssize_t {
    if ((flags & platform::kErrorQueueFlags) != platform::kErrorQueueFlags && calls++ == 1) {
      errno = ECONNREFUSED;
      return -1;
    }
    return ::recvmsg(descriptor, message, flags);
  };
  DatagramWorld d(BoundUdp());
  Fd far = BoundUdp();
  SendTo(far.get(), FlatOf(d.descriptor), "one");
  SendTo(far.get(), FlatOf(d.descriptor), "two");
  d.world.TurnUntilTold(Kind::kDatagram, 2);
  REQUIRE(d.world.told.size() == 3);
  CHECK(d.world.told[0].bytes == "one");
  CHECK(d.world.told[1].kind == Kind::kFailed);
  CHECK(d.world.told[1].length == -ECONNREFUSED);
  CHECK(d.world.told[2].bytes == "two");
}

TEST_CASE("B36: long and short datagrams of one batch all arrive whole, and in order") {
  DatagramWorld d(BoundUdp());
  Fd far = BoundUdp();
  const size_t sizes[] = {0, 1, 2047, 2048, 2049, 30000, 5, 65507, 2049, 17};
  for (size_t size : sizes) {
    SendTo(far.get(), FlatOf(d.descriptor), std::string(size, static_cast<char>('a' + size % 26)));
  }
  d.world.TurnUntilTold(Kind::kDatagram, 10);
  for (size_t i = 0; i < 10; i++) {
    CAPTURE(sizes[i]);
    CHECK((d.world.told[i].bytes == std::string(sizes[i], static_cast<char>('a' + sizes[i] % 26))));
  }
  d.world.Clear();
  // After a long one the next batch is read another way, and back.
  for (int round = 0; round < 2; round++) {
    SendTo(far.get(), FlatOf(d.descriptor), "short");
    d.world.TurnUntilTold(Kind::kDatagram, 1 + round);
    CHECK(d.world.told.back().bytes == "short");
  }
}

TEST_CASE("B31, B38: a [::] socket tells where an IPv4 datagram was sent to, and through what") {
  Fd socket = BoundUdp(AF_INET6, true);
  SetInt(socket.get(), IPPROTO_IPV6, platform::kIpv6RecvPktInfo, 1);
  SetInt(socket.get(), IPPROTO_IPV6, platform::kIpv6RecvTclass, 1);
  SetInt(socket.get(), IPPROTO_IP, platform::kIpRecvTos, 1);
  DatagramWorld d(std::move(socket));
  Fd far = BoundUdp();
  SetInt(far.get(), IPPROTO_IP, IP_TOS, 2);
  SendTo(far.get(), FlatOf(d.descriptor), "v4");
  d.world.TurnUntilTold(Kind::kDatagram);
  const Told& one = d.world.told[0];
  CHECK(one.peer.family == AddressFamily::kIpv4);
  FlatAddress local = LocalAddress(d, one);
  CHECK(local.family == AddressFamily::kIpv4);
  CHECK(local.bytes[0] == 127);
  CHECK(one.words[completion::kInterface] ==
        static_cast<int32_t>(if_nametoindex(platform::kIsLinux ? "lo" : "lo0")));
  CHECK((one.words[completion::kEcn] & records::kClassKnownBit) != 0);
  CHECK((one.words[completion::kEcn] & 3) == 2);
}

TEST_CASE("datagram batch: what was not asked for is not told") {
  DatagramWorld d(BoundUdp());
  Fd far = BoundUdp();
  SendTo(far.get(), FlatOf(d.descriptor), "x");
  d.world.TurnUntilTold(Kind::kDatagram);
  const Told& one = d.world.told[0];
  CHECK(one.words[completion::kLocal] == -1);
  CHECK(one.words[completion::kInterface] == 0);
  CHECK(one.words[completion::kEcn] == 0);
  CHECK(one.words[completion::kTimeHigh] == 0);
}

TEST_CASE("datagram batch: IPv6 tells its destination, class and hop limit") {
  Fd socket = BoundUdp(AF_INET6);
  SetInt(socket.get(), IPPROTO_IPV6, platform::kIpv6RecvPktInfo, 1);
  SetInt(socket.get(), IPPROTO_IPV6, platform::kIpv6RecvTclass, 1);
  SetInt(socket.get(), IPPROTO_IPV6, platform::kIpv6RecvHopLimit, 1);
  DatagramWorld d(std::move(socket));
  Fd far = BoundUdp(AF_INET6);
  SetInt(far.get(), IPPROTO_IPV6, platform::kIpv6Tclass, 0x2b);
  SetInt(far.get(), IPPROTO_IPV6, platform::kIpv6UnicastHops, 33);
  SendTo(far.get(), FlatOf(d.descriptor), "v6");
  d.world.TurnUntilTold(Kind::kDatagram);
  const Told& one = d.world.told[0];
  CHECK(LocalAddress(d, one).bytes[15] == 1);
  CHECK((one.words[completion::kEcn] & 0xff) == 0x2b);
  CHECK((one.words[completion::kEcn] >> records::kHopLimitShift) == 33);
}

#if defined(__linux__)
// What only Linux has.

TEST_CASE("datagram batch: the time of arrival in nanoseconds") {
  Fd socket = BoundUdp();
  SetInt(socket.get(), SOL_SOCKET, SO_TIMESTAMPNS, 1);
  DatagramWorld d(std::move(socket));
  Fd far = BoundUdp();
  timespec now;
  REQUIRE(::clock_gettime(CLOCK_REALTIME, &now) == 0);
  SendTo(far.get(), FlatOf(d.descriptor), "x");
  d.world.TurnUntilTold(Kind::kDatagram);
  const Told& one = d.world.told[0];
  auto time = static_cast<uint64_t>(static_cast<uint32_t>(one.words[completion::kTimeHigh])) << 32 |
              static_cast<uint32_t>(one.words[completion::kTimeLow]);
  uint64_t sent =
      static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
  CHECK(time >= sent);
  CHECK(time - sent < 5000000000u);
}

TEST_CASE("datagram batch: segments that the kernel joined come as one run with its stride") {
  Fd socket = BoundUdp();
  SetInt(socket.get(), IPPROTO_UDP, platform::kUdpGro, 1);
  DatagramWorld d(std::move(socket));
  Fd far = BoundUdp();
  SetInt(far.get(), IPPROTO_UDP, platform::kUdpSegment, 100);
  SendTo(far.get(), FlatOf(d.descriptor), std::string(2550, 'g'));
  d.world.TurnUntilTold(Kind::kDatagram);
  size_t bytes = 0;
  for (const Told& one : d.world.told) {
    bytes += one.bytes.size();
    CHECK((one.words[completion::kStride] == 100 || one.bytes.size() <= 100));
  }
  CHECK(bytes == 2550);
  CHECK(d.world.told[0].words[completion::kStride] == 100);
}

TEST_CASE("B35: what the kernel dropped for want of buffer is counted") {
  Fd socket = BoundUdp();
  SetInt(socket.get(), SOL_SOCKET, SO_RCVBUF, 4096);
  SetInt(socket.get(), SOL_SOCKET, SO_RXQ_OVFL, 1);
  DatagramWorld d(std::move(socket));
  Fd far = BoundUdp();
  CHECK(d.world.reactor->DropsOf(d.name) == 0);
  for (int i = 0; i < 100; i++) SendTo(far.get(), FlatOf(d.descriptor), std::string(500, 'd'));
  d.world.TurnUntilTold(Kind::kDatagram);
  d.world.TurnWhileDue();
  int received = d.world.Count(Kind::kDatagram);
  d.world.Clear();
  // The next one that arrives tells.
  SendTo(far.get(), FlatOf(d.descriptor), "after");
  d.world.TurnUntilTold(Kind::kDatagram);
  CHECK(d.world.reactor->DropsOf(d.name) == 100 - received);
  CHECK(d.world.reactor->DropsOf({1000, 1}) == -EBADF);
}

namespace {

// An entry of the error queue, as the kernel writes it: an ICMP error of nobody in particular.
ssize_t TellRefusal(msghdr* message) {
  sock_extended_err entry{};
  entry.ee_errno = ECONNREFUSED;
  entry.ee_origin = SO_EE_ORIGIN_ICMP;
  cmsghdr* header = CMSG_FIRSTHDR(message);
  header->cmsg_level = IPPROTO_IP;
  header->cmsg_type = IP_RECVERR;
  header->cmsg_len = CMSG_LEN(sizeof(entry));
  std::memcpy(CMSG_DATA(header), &entry, sizeof(entry));
  message->msg_controllen = CMSG_SPACE(sizeof(entry));
  message->msg_namelen = 0;
  return 0;
}

}  // namespace

TEST_CASE("B39: an ICMP error is told of the peer that it concerns, and nobody else is disturbed") {
  Fd socket = BoundUdp(AF_INET6, true);
  SetInt(socket.get(), IPPROTO_IP, IP_RECVERR, 1);
  SetInt(socket.get(), IPPROTO_IPV6, IPV6_RECVERR, 1);
  DatagramWorld d(std::move(socket));
  FlatAddress dead = ToFlatAddress(RefusingAddress());
  dead.port = FlatOf(BoundUdp().get()).port;
  Fd alive = BoundUdp();
  FlatAddress living = FlatOf(alive.get());

  // The refusal of the first is known before the second is sent, and would fail it.
  int32_t first = d.Submit("void", {&dead});
  (void)d.world.Flush();
  CHECK(d.IsOver(first));
  REQUIRE(Await(d.descriptor, POLLERR));
  int32_t second = d.Submit("life", {&living});
  (void)d.world.Flush();
  CHECK(d.IsOver(second));
  CHECK(d.Left(second) == 0);
  CHECK(NextDatagram(alive.get()) == "life");

  d.world.TurnUntilTold(Kind::kDatagramError);
  const Told& error = d.world.First(Kind::kDatagramError);
  CHECK(error.length == -ECONNREFUSED);
  CHECK(error.peer.family == AddressFamily::kIpv4);
  CHECK(error.peer.port == dead.port);
  CHECK(d.world.Count(Kind::kFailed) == 0);

  SendTo(alive.get(), FlatOf(d.descriptor), "back");
  d.world.TurnUntilTold(Kind::kDatagram);
  CHECK(d.world.First(Kind::kDatagram).bytes == "back");
}

TEST_CASE("B39: more errors than one look takes fail nobody else's datagram") {
  // An error queue as long as this needs a large receive buffer, and so a privilege.
  static int queued;
  queued = 2 * limits::kErrorsPerDrain + 1;
  RestoreSystemCalls restore;
  system_calls.recvmsg = [](int descriptor, msghdr* message, int flags) -> ssize_t {
    if ((flags & MSG_ERRQUEUE) == 0 || queued == 0) return ::recvmsg(descriptor, message, flags);
    queued--;
    return TellRefusal(message);
  };
  system_calls.sendmmsg = [](int descriptor, platform::MultiMessage* messages, unsigned int count,
                             int flags) {
    if (queued == 0) return platform::kSendMany(descriptor, messages, count, flags);
    errno = ECONNREFUSED;
    return -1;
  };
  DatagramWorld d(BoundUdp());
  Fd alive = BoundUdp();
  FlatAddress living = FlatOf(alive.get());
  int32_t index = d.Submit("life", {&living});
  (void)d.world.Flush();
  CHECK(d.IsOver(index));
  CHECK(d.Left(index) == 0);
  CHECK(NextDatagram(alive.get()) == "life");
  CHECK(queued == 0);
}

TEST_CASE("a datagram whose errors never end is refused, and the flush ends") {
  RestoreSystemCalls restore;
  static int asked;
  asked = 0;
  system_calls.recvmsg = [](int, msghdr* message, int) -> ssize_t { return TellRefusal(message); };
  system_calls.sendmmsg = [](int, platform::MultiMessage*, unsigned int, int) {
    asked++;
    errno = ECONNREFUSED;
    return -1;
  };
  DatagramWorld d(BoundUdp());
  FlatAddress to = FlatOf(BoundUdp().get());
  int32_t index = d.Submit("void", {&to});
  (void)d.world.Flush();
  CHECK(d.Left(index) == -ECONNREFUSED);
  CHECK(asked == limits::kDrainsPerSend + 1);
}

TEST_CASE("B39: what the error queue of a closed socket said is not told of the next one") {
  Fd socket = BoundUdp();
  SetInt(socket.get(), IPPROTO_IP, IP_RECVERR, 1);
  DatagramWorld d(std::move(socket));
  FlatAddress dead = ToFlatAddress(RefusingAddress());
  (void)d.Submit("void", {&dead});
  (void)d.world.Flush();
  REQUIRE(Await(d.descriptor, POLLERR));
  // This flush meets the refusal, and takes it out of the queue.
  (void)d.Submit("void", {&dead});
  (void)d.world.Flush();
  REQUIRE(d.world.reactor->CloseSlot(d.name, false) == 0);
  Fd next = BoundUdp();
  int descriptor = next.get();
  SlotName name = d.world.Take(&next, SlotKind::kDatagram);
  CHECK(name.index == d.name.index);
  Fd far = BoundUdp();
  SendTo(far.get(), FlatOf(descriptor), "x");
  d.world.TurnUntilTold(Kind::kDatagram);
  CHECK(d.world.Count(Kind::kDatagramError) == 0);
}
#endif

TEST_CASE("interfaces and sockets: a socket without an error queue entry has nothing to take") {
  Fd socket = BoundUdp();
  DatagramError error;
  CHECK(TakeDatagramError(socket.get(), &error) == 0);
}
