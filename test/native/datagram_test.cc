// What a turn does with datagram sockets (datagrams.cc).
#include <doctest/doctest.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "reactor/limits.h"
#include "socket/control_message.h"
#include "support/world.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

struct Bound {
  World world;
  Fd far;
  SlotName name;
  int descriptor;

  Bound() {
    Pair pair = UdpPair();
    descriptor = pair.near.get();
    far = std::move(pair.far);
    name = world.Take(&pair.near, SlotKind::kDatagram);
    world.TurnWhileDue();
    world.Clear();
  }
};

// The same over a Unix socket, of either type; messages have their time.
struct Ends {
  World world;
  Fd far;
  SlotName name;
  int descriptor;

  explicit Ends(int type) {
    Pair pair = UnixPair(type);
    descriptor = pair.near.get();
    far = std::move(pair.far);
#if defined(__linux__)
    int on = 1;
    REQUIRE(::setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) == 0);
#endif
    name = world.Take(&pair.near, SlotKind::kDatagram);
    world.TurnWhileDue();
    world.Clear();
  }

  std::string Texts() const {
    std::string texts;
    for (const Told& one : world.told) {
      if (one.kind == Kind::kDatagram) texts += "<" + one.bytes + ">";
      if (one.kind == Kind::kEnd) texts += "end";
      if (one.kind == Kind::kFailed) texts += "failed";
    }
    return texts;
  }
};

}  // namespace

TEST_CASE(
    "B36: each datagram is told whole and alone, with its sender, and an empty one is no end") {
  Bound b;
  Write(b.far.get(), "one");
  REQUIRE(::send(b.far.get(), "", 0, 0) == 0);
  Write(b.far.get(), "three");
  b.world.TurnUntilTold(Kind::kDatagram, 3);
  CHECK(b.world.told.size() == 3);
  CHECK(b.world.told[0].bytes == "one");
  CHECK(b.world.told[1].bytes.empty());
  CHECK(b.world.told[2].bytes == "three");
  uint16_t port = ToFlatAddress(LocalOf(b.far.get())).port;
  for (const Told& one : b.world.told) {
    CHECK(one.peer.family == AddressFamily::kIpv4);
    CHECK(one.peer.port == port);
    CHECK((one.words[records::completion::kEcn] & records::kTruncatedBit) == 0);
  }
  CHECK(b.world.Count(Kind::kEnd) == 0);
}

TEST_CASE("B36: the largest datagram arrives whole") {
  Bound b;
  const std::string bytes(65507, 'L');
  Write(b.far.get(), bytes);
  b.world.TurnUntilTold(Kind::kDatagram);
  CHECK(b.world.told[0].bytes == bytes);
}

TEST_CASE("B36: a datagram that was cut says so") {
  Bound b;
  RestoreSystemCalls restore;
  system_calls.recvmmsg = nullptr;
  system_calls.recvmsg = [](int descriptor, msghdr* message, int flags) {
    message->msg_iov->iov_len = 4;
    message->msg_iovlen = 1;
    return ::recvmsg(descriptor, message, flags);
  };
  Write(b.far.get(), "0123456789");
  b.world.TurnUntilTold(Kind::kDatagram);
  CHECK((b.world.told[0].words[records::completion::kEcn] & records::kTruncatedBit) != 0);
}

TEST_CASE(
    "datagrams: more than one turn takes are not forgotten, and another socket has its turn") {
  Bound b;
  Pair other = TcpPair();
  SlotName stream = b.world.Take(&other.near);
  b.world.TurnWhileDue();
  constexpr int kMany = limits::kDatagramsPerTurn + 5;
  for (int i = 0; i < kMany; i++) Write(b.far.get(), std::to_string(i));
  Write(other.far.get(), "x");
  REQUIRE(AwaitBytes(b.world.reactor->DescriptorOf(stream), 1));
  REQUIRE(Await(b.descriptor, POLLIN));
  CHECK(b.world.Turn() == TurnResult::kCarry);
  CHECK(b.world.BytesOf(stream) == "x");
  b.world.TurnUntilTold(Kind::kDatagram, kMany);
  for (int i = 0, at = 0; i < kMany; at++) {
    const Told& one = b.world.told[static_cast<size_t>(at)];
    if (one.kind == Kind::kDatagram) CHECK(one.bytes == std::to_string(i++));
  }
}

TEST_CASE("datagrams: a batch that was not filled is read once, and later ones have their event") {
  Bound b;
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 3; i++) Write(b.far.get(), std::to_string(i));
    double before = b.world.counter(records::counter::k_receives);
    b.world.TurnUntilTold(Kind::kDatagram, 3);
    b.world.TurnWhileDue();
    CHECK(b.world.counter(records::counter::k_receives) - before == 1);
    b.world.Clear();
  }
}

TEST_CASE("datagrams: as many are asked for as lately came, and all that came are told") {
  Bound b;
  for (int count : {1, 150, 1, 1, 1, 1, 1, 1, 60, 17}) {
    CAPTURE(count);
    for (int i = 0; i < count; i++) Write(b.far.get(), std::to_string(i));
    b.world.TurnUntilTold(Kind::kDatagram, count);
    b.world.TurnWhileDue();
    REQUIRE(b.world.told.size() == static_cast<size_t>(count));
    for (int i = 0; i < count; i++) {
      CHECK(b.world.told[static_cast<size_t>(i)].bytes == std::to_string(i));
    }
    b.world.Clear();
  }
}

TEST_CASE("B39: an asynchronous error is told, and the socket lives on") {
  Bound b;
  SocketAddress address = LocalOf(b.far.get());
  b.far.Close();
  Write(b.descriptor, "into the void");
  b.world.TurnUntilTold(Kind::kFailed);
  CHECK(b.world.First(Kind::kFailed).length == -ECONNREFUSED);
  b.world.TurnWhileDue();
  b.world.Clear();

  Fd again(::socket(AF_INET, SOCK_DGRAM, 0));
  REQUIRE(::bind(again.get(), address.get(), address.length) == 0);
  SocketAddress near = LocalOf(b.descriptor);
  REQUIRE(::sendto(again.get(), "back", 4, 0, near.get(), near.length) == 4);
  b.world.TurnUntilTold(Kind::kDatagram);
  CHECK(b.world.First(Kind::kDatagram).bytes == "back");
}

TEST_CASE("B39: what stands behind an asynchronous error is read without a further event") {
  Bound b;
  RestoreSystemCalls restore;
  static int errors;
  errors = 2;
  system_calls.recvmmsg = nullptr;
  system_calls.recvmsg = [](int descriptor, msghdr* message, int flags) -> ssize_t {
    if (errors == 0 || (flags & platform::kErrorQueueFlags) == platform::kErrorQueueFlags)
      return ::recvmsg(descriptor, message, flags);
    errno = errors-- == 2 ? ECONNREFUSED : EHOSTUNREACH;
    return -1;
  };
  Write(b.far.get(), "behind");
  b.world.TurnUntilTold(Kind::kFailed);
  b.world.TurnWhileDue();
  REQUIRE(b.world.told.size() == 3);
  CHECK(b.world.told[0].length == -ECONNREFUSED);
  CHECK(b.world.told[1].length == -EHOSTUNREACH);
  CHECK(b.world.told[2].bytes == "behind");
}

TEST_CASE("datagrams: a paused socket keeps what it has, and gives it after Resume") {
  Bound b;
  REQUIRE(b.world.reactor->Pause(b.name) == 0);
  Write(b.far.get(), "one");
  REQUIRE(Await(b.world.reactor->descriptor(), POLLIN));
  b.world.TurnWhileDue();
  Write(b.far.get(), "two");
  REQUIRE(Await(b.descriptor, POLLIN));
  CHECK_FALSE(Has(b.world.reactor->descriptor(), POLLIN));
  CHECK(b.world.told.empty());
  REQUIRE(b.world.reactor->Resume(b.name) == 0);
  b.world.TurnUntilTold(Kind::kDatagram, 2);
}

TEST_CASE("Unix datagrams: descriptors that came along are closed, each once") {
  Ends e(SOCK_DGRAM);
  int pipes[2];
  REQUIRE(::pipe(pipes) == 0);
  Fd reading(pipes[0]);
  Fd writing(pipes[1]);
  for (int i = 0; i < 3; i++) {
    ControlBuffer<sizeof(int) * 2> control;
    int passed[2] = {writing.get(), writing.get()};
    REQUIRE(control.Append(SOL_SOCKET, SCM_RIGHTS, passed, sizeof(passed)));
    char byte = 'x';
    iovec part{&byte, 1};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    control.AttachTo(&message);
    REQUIRE(::sendmsg(e.far.get(), &message, 0) == 1);
  }
  writing.Close();
  e.world.TurnUntilTold(Kind::kDatagram, 3);
  CHECK(e.Texts() == "<x><x><x>");
  // The pipe has no writer left: nothing here holds one.
  REQUIRE(Await(reading.get(), POLLHUP));
  char byte;
  CHECK(::read(reading.get(), &byte, 1) == 0);
}

#if defined(__linux__)
TEST_CASE("seqpacket: empty messages are messages, and the end comes once, after all of them") {
  Ends e(SOCK_SEQPACKET);
  for (const char* text : {"a", "", "c", ""}) {
    REQUIRE(::send(e.far.get(), text, std::strlen(text), 0) >= 0);
  }
  e.far.Close();
  e.world.TurnUntilTold(Kind::kEnd);
  CHECK(e.Texts() == "<a><><c><>end");
  e.world.TurnWhileDue();
  CHECK(e.world.Count(Kind::kEnd) == 1);
  // An end costs nothing more: no event is owed, and none is waited for.
  CHECK_FALSE(Has(e.world.reactor->descriptor(), POLLIN));
}

TEST_CASE("seqpacket: more messages than one call takes, then the end") {
  Ends e(SOCK_SEQPACKET);
  int sent = 0;
  std::string wanted;
  while (::send(e.far.get(), "m", 1, MSG_DONTWAIT) == 1) {
    sent++;
    wanted += "<m>";
  }
  REQUIRE(sent > kDatagramsPerBatch);
  e.far.Close();
  e.world.TurnUntilTold(Kind::kEnd);
  CHECK(e.Texts() == wanted + "end");
}

TEST_CASE("seqpacket: a paused socket keeps the end until Resume") {
  Ends e(SOCK_SEQPACKET);
  REQUIRE(e.world.reactor->Pause(e.name) == 0);
  REQUIRE(::send(e.far.get(), "x", 1, 0) == 1);
  e.far.Close();
  REQUIRE(Await(e.world.reactor->descriptor(), POLLIN));
  e.world.TurnWhileDue();
  CHECK(e.Texts().empty());
  REQUIRE(e.world.reactor->Resume(e.name) == 0);
  e.world.TurnUntilTold(Kind::kEnd);
  CHECK(e.Texts() == "<x>end");
}

TEST_CASE("seqpacket: a reset is told, and then the end") {
  Ends e(SOCK_SEQPACKET);
  REQUIRE(::send(e.descriptor, "unread", 6, 0) == 6);
  e.far.Close();
  e.world.TurnUntilTold(Kind::kEnd);
  CHECK(e.Texts() == "failedend");
  CHECK(e.world.First(Kind::kFailed).length == -ECONNRESET);
}

TEST_CASE("seqpacket: an empty datagram of another type is no end") {
  Ends e(SOCK_DGRAM);
  REQUIRE(::send(e.far.get(), "", 0, 0) == 0);
  e.world.TurnUntilTold(Kind::kDatagram);
  CHECK(e.Texts() == "<>");
}
#endif
