// How submitted datagrams go out (flush_datagrams.cc, SendBatch).
#include <doctest/doctest.h>
#include <errno.h>
#include <poll.h>

#include "reactor/limits.h"
#include "support/datagrams.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

int failures;  // how often the replaced calls below have failed
int failing_errno;

int FailSegments(int descriptor, platform::MultiMessage* messages, unsigned int count, int flags) {
  for (unsigned int i = 0; i < count; i++) {
    if (messages[i].msg_hdr.msg_controllen == 0) continue;
    failures++;
    errno = failing_errno;
    return i > 0 ? platform::kSendMany(descriptor, messages, i, flags) : -1;
  }
  return platform::kSendMany(descriptor, messages, count, flags);
}

struct Sending {
  DatagramWorld near{BoundUdp()};
  Fd far = BoundUdp();
  FlatAddress to = FlatOf(far.get());
};

}  // namespace

TEST_CASE("datagram flush: many to several peers leave in one system call, each whole") {
  Sending s;
  Fd other = BoundUdp();
  FlatAddress second = FlatOf(other.get());
  double before = s.near.world.counter(records::counter::k_sends);
  for (int i = 0; i < 10; i++) {
    (void)s.near.Submit("far " + std::to_string(i), {&s.to});
    (void)s.near.Submit("other " + std::to_string(i), {&second});
  }
  (void)s.near.Submit("", {&s.to});
  CHECK(s.near.world.Flush() == 0);
  CHECK(s.near.world.counter(records::counter::k_sends) - before == 1);
  for (int i = 0; i < 10; i++) {
    CHECK(NextDatagram(s.far.get()) == "far " + std::to_string(i));
    CHECK(NextDatagram(other.get()) == "other " + std::to_string(i));
  }
  CHECK(NextDatagram(s.far.get()).empty());
}

TEST_CASE("datagram flush: more than one call takes, and a system without sendmmsg") {
  for (bool many : {true, false}) {
    CAPTURE(many);
    RestoreSystemCalls restore;
    if (!many) system_calls.sendmmsg = nullptr;
    Sending s;
    constexpr int kMany = kDatagramsPerBatch + 6;
    for (int i = 0; i < kMany; i++) (void)s.near.Submit(std::to_string(i), {&s.to});
    CHECK(s.near.world.Flush() == 0);
    for (int i = 0; i < kMany; i++) CHECK(NextDatagram(s.far.get()) == std::to_string(i));
  }
}

TEST_CASE("datagram flush: a run of segments arrives as single datagrams, the last one shorter") {
  Sending s;
  std::string run;
  for (int i = 0; i < 150; i++) run += std::string(40, static_cast<char>('a' + i % 26));
  run += "end";
  Way way{&s.to};
  way.stride = 40;
  double before = s.near.world.counter(records::counter::k_sends);
  int32_t index = s.near.Submit(run, way);
  CHECK(s.near.world.Flush() == 0);
  CHECK(s.near.IsOver(index));
  CHECK(s.near.world.counter(records::counter::k_bytesSent) == run.size());
  if (platform::kIsLinux) CHECK(s.near.world.counter(records::counter::k_sends) - before == 1);
  for (int i = 0; i < 150; i++) {
    CHECK(NextDatagram(s.far.get()) == std::string(40, static_cast<char>('a' + i % 26)));
  }
  CHECK(NextDatagram(s.far.get()) == "end");
}

#if defined(__linux__)
TEST_CASE("datagram flush: where the kernel refuses segments they go out one by one") {
  for (int error : {EIO, EINVAL, ENOBUFS}) {
    CAPTURE(error);
    RestoreSystemCalls restore;
    failures = 0;
    failing_errno = error;
    system_calls.sendmmsg = FailSegments;
    Sending s;
    Way way{&s.to};
    way.stride = 10;
    for (int round = 1; round <= 2; round++) {
      int32_t plain = s.near.Submit("before", {&s.to});
      int32_t run = s.near.Submit(std::string(25, 's'), way);
      CHECK(s.near.world.Flush() == 0);
      CHECK(s.near.IsOver(plain));
      CHECK(s.near.IsOver(run));
      CHECK(NextDatagram(s.far.get()) == "before");
      CHECK(NextDatagram(s.far.get()).size() == 10);
      CHECK(NextDatagram(s.far.get()).size() == 10);
      CHECK(NextDatagram(s.far.get()).size() == 5);
      CHECK_FALSE(Has(s.far.get(), POLLIN));
      // A device that cannot is not asked again; a path that is too narrow is.
      CHECK(failures >= 1);
      if (round == 2 && error == EIO) CHECK(failures <= 2);
    }
  }
}

TEST_CASE("datagram flush: a kernel without UDP_SEGMENT is found out before it is asked to") {
  RestoreSystemCalls restore;
  failures = 0;
  system_calls.getsockopt = [](int descriptor, int level, int name, void* value,
                               socklen_t* length) {
    if (level == IPPROTO_UDP) {
      errno = ENOPROTOOPT;
      return -1;
    }
    return ::getsockopt(descriptor, level, name, value, length);
  };
  system_calls.sendmmsg = FailSegments;
  Sending s;
  Way way{&s.to};
  way.stride = 10;
  (void)s.near.Submit(std::string(20, 's'), way);
  CHECK(s.near.world.Flush() == 0);
  CHECK(failures == 0);
  CHECK(NextDatagram(s.far.get()).size() == 10);
  CHECK(NextDatagram(s.far.get()).size() == 10);
}

TEST_CASE("B37: a datagram that is too large is refused alone, and its errno is told") {
  Sending s;
  int32_t before = s.near.Submit("before", {&s.to});
  int32_t refused = s.near.Submit(std::string(65530, 'L'), {&s.to});
  int32_t after = s.near.Submit("after", {&s.to});
  CHECK(s.near.world.Flush() == 1);
  REQUIRE(s.near.world.settled.size() == 1);
  CHECK(s.near.world.settled[0].status == 1);
  CHECK(s.near.IsOver(before));
  CHECK(s.near.IsOver(refused));
  CHECK(s.near.Left(before) == 0);
  CHECK(s.near.Left(refused) == -EMSGSIZE);
  CHECK(s.near.Left(after) == 0);
  CHECK(NextDatagram(s.far.get()) == "before");
  CHECK(NextDatagram(s.far.get()) == "after");
}
#endif

TEST_CASE("datagram flush: when the kernel takes no more, the chain says so and names the rest") {
  RestoreSystemCalls restore;
  system_calls.sendmmsg = nullptr;
  for (int error : {EAGAIN, ENOBUFS}) {
    CAPTURE(error);
    failures = 0;
    failing_errno = error;
    system_calls.sendmsg = [](int descriptor, const msghdr* message, int flags) -> ssize_t {
      if (failures++ >= 2) {
        errno = failing_errno;
        return -1;
      }
      return ::sendmsg(descriptor, message, flags);
    };
    Sending s;
    int32_t records[4];
    for (int i = 0; i < 4; i++) records[i] = s.near.Submit(std::to_string(i), {&s.to});
    CHECK(s.near.world.Flush() == 1);
    CHECK(s.near.world.settled[0].status == -error);
    CHECK(s.near.IsOver(records[0]));
    CHECK(s.near.IsOver(records[1]));
    CHECK_FALSE(s.near.IsOver(records[2]));
    CHECK(s.near.Left(records[2]) == 1);
    CHECK_FALSE(s.near.IsOver(records[3]));
  }
}

TEST_CASE("B38: a datagram leaves from the address that was chosen for it") {
  DatagramWorld near(BoundUdp(AF_INET6, true));
  Fd far = BoundUdp();
  SetInt(far.get(), IPPROTO_IP, platform::kIpRecvTos, 1);
  FlatAddress to = FlatOf(far.get());
  DatagramWorld receiver(std::move(far));
  FlatAddress local{};
  local.family = AddressFamily::kIpv4;
  local.bytes[0] = 127;
  local.bytes[3] = platform::kIsLinux ? 77 : 1;
  Way way{&to, &local};
  way.traffic_class = 1;
  (void)near.Submit("from", way);
  CHECK(near.world.Flush() == 0);
  receiver.world.TurnUntilTold(Kind::kDatagram);
  const Told& one = receiver.world.told[0];
  CHECK(one.peer.bytes[3] == local.bytes[3]);
  CHECK((one.words[records::completion::kEcn] & 3) == 1);
}

TEST_CASE("datagram flush: what a stream submits is refused on a datagram socket, and reversed") {
  Sending s;
  s.near.world.Send(s.near.name, "stream");
  (void)s.near.world.Flush();
  REQUIRE(s.near.world.settled.size() == 1);
  CHECK(s.near.world.settled[0].status == -EINVAL);
  CHECK_FALSE(Has(s.far.get(), POLLIN));

  Connected c;
  c.world.Submit(c.name, Operation::kDatagramArea, 0, 4);
  (void)c.world.Flush();
  REQUIRE(c.world.settled.size() == 1);
  CHECK(c.world.settled[0].status < 0);
}

TEST_CASE("datagram flush: wrong words harm nobody, and the datagrams beside them go out") {
  Sending s;
  struct Wrong {
    records::submission::Word word;
    int32_t value;
  };
  const Wrong wrongs[] = {
      {records::submission::kPeer, records::kCapacity[records::kRoutes]},
      {records::submission::kLocal, INT32_MAX},
      {records::submission::kStride, -1},
      {records::submission::kStride, INT32_MAX},
      {records::submission::kOffset, INT32_MAX},
      {records::submission::kLength, INT32_MAX},
      {records::submission::kOffset, -1},
  };
  for (const Wrong& wrong : wrongs) {
    CAPTURE(static_cast<int>(wrong.word));
    CAPTURE(wrong.value);
    int32_t index = s.near.Submit("wrong", {&s.to});
    s.near.world.memory.submission(index)[wrong.word] = wrong.value;
    int32_t right = s.near.Submit("right", {&s.to});
    CHECK(s.near.world.Flush() == 1);
    CHECK(s.near.Left(index) < 0);
    CHECK(s.near.IsOver(right));
    CHECK(NextDatagram(s.far.get()) == "right");
    CHECK_FALSE(Has(s.far.get(), POLLIN));
  }
}

TEST_CASE("datagram flush: a ring of records ends") {
  Sending s;
  int32_t index = s.near.Submit("round", {&s.to});
  s.near.world.memory.submission(index)[records::submission::kNext] = index;
  (void)s.near.world.Flush();
  REQUIRE(s.near.world.settled.size() == 1);
  CHECK(s.near.world.settled[0].status == -EINVAL);
}

TEST_CASE("datagram flush: a close behind datagrams comes after them") {
  Sending s;
  (void)s.near.Submit("last", {&s.to});
  s.near.world.Submit(s.near.name, Operation::kClose);
  CHECK(s.near.world.Flush() == 1);
  CHECK(s.near.world.reactor->DescriptorOf(s.near.name) == -EBADF);
  CHECK(NextDatagram(s.far.get()) == "last");
}
