// The faults of syscall_faults.def in the calls of datagram sockets.
#include <doctest/doctest.h>
#include <errno.h>
#include <poll.h>

#include <cstring>

#include "reactor/limits.h"
#include "support/datagrams.h"
#include "support/syscall_table.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

constexpr const char* kData = "a datagram";

struct Receiving {
  DatagramWorld near{BoundUdp()};
  Fd far = BoundUdp();

  Receiving() { Come(); }

  void Come() {
    SocketAddress to = LocalOf(near.descriptor);
    REQUIRE(::sendto(far.get(), kData, std::strlen(kData), 0, to.get(), to.length) > 0);
    REQUIRE(Await(near.descriptor, POLLIN));
  }
};

void ReceiveDatagramsFault(Row row) {
  if (kRealSystemCalls.recvmmsg == nullptr) return;
  Receiving r;
  World& world = r.near.world;
  Inject<&SystemCalls::recvmmsg>(row.error);
  if (row.outcome == Outcome::Waited) {
    (void)world.Turn();
    CHECK(world.told.empty());
    r.Come();
    world.TurnUntilTold(Kind::kDatagram, 2);
  }
  world.TurnUntilTold(Kind::kDatagram);
  CHECK(world.First(Kind::kDatagram).bytes == kData);
  CHECK(world.Count(Kind::kFailed) == (row.outcome == Outcome::ToldAndLives ? 1 : 0));
  if (row.outcome == Outcome::ToldAndLives) CHECK(world.told[0].length == -row.error);
  CHECK(ComesToRest(&world));
  CHECK(fault.met == 1);
}

void ReceiveDatagramsAlwaysFault(Row row) {
  if (kRealSystemCalls.recvmmsg == nullptr) return;
  Receiving r;
  World& world = r.near.world;
  Inject<&SystemCalls::recvmmsg>(row.error, kAlways);
  world.TurnUntilTold(Kind::kFailed);
  CHECK(ComesToRest(&world));
  CHECK(world.Count(Kind::kFailed) == limits::kErrorsPerServe);
  for (const Told& one : world.told) CHECK(one.length == -row.error);
  // It was not given up: when the trouble is over, everything is there.
  fault.calls = 0;
  r.Come();
  world.TurnUntilTold(Kind::kDatagram, 2);
}

void ErrorQueueFault(Row row) {
  if (kRealSystemCalls.recvmmsg == nullptr) return;
  Receiving r;
  World& world = r.near.world;
  // An error without an entry that explains it, and a queue that cannot be read.
  Inject<&SystemCalls::recvmmsg>(ECONNREFUSED);
  static int queue_error;
  queue_error = row.error;
  static int queue_calls;
  queue_calls = 0;
  system_calls.recvmsg = [](int, msghdr*, int) -> ssize_t {
    errno = queue_calls++ == 0 ? queue_error : EAGAIN;
    return -1;
  };
  world.TurnUntilTold(Kind::kDatagram);
  CHECK(queue_calls >= (row.outcome == Outcome::Repeated ? 2 : 1));
  REQUIRE(world.Count(Kind::kFailed) == 1);
  CHECK(world.First(Kind::kFailed).length == -ECONNREFUSED);
  CHECK(ComesToRest(&world));
}

void SendDatagramsFault(Row row) {
  if (kRealSystemCalls.sendmmsg == nullptr) return;
  DatagramWorld near(BoundUdp());
  World& world = near.world;
  Fd far = BoundUdp();
  FlatAddress to = FlatOf(far.get());
  int32_t first = near.Submit("first", {&to});
  int32_t second = near.Submit("second", {&to});
  Inject<&SystemCalls::sendmmsg>(row.error);
  int32_t told = world.Flush();
  if (row.outcome == Outcome::Repeated) {
    CHECK(told == 0);
    CHECK(NextDatagram(far.get()) == "first");
  } else if (row.outcome == Outcome::OneIsRefused) {
    CHECK(told > 0);
    CHECK(near.IsOver(first));
    CHECK(near.Left(first) == -row.error);
    CHECK(near.IsOver(second));
    CHECK(near.Left(second) == 0);
  } else {
    CHECK(world.settled[0].status == -row.error);
    CHECK(world.settled[0].taken == 0);
    CHECK_FALSE(near.IsOver(first));
    CHECK(near.Left(first) == 5);
    CHECK(near.Left(second) == 6);
    CHECK(ComesToRest(&world));
    return;
  }
  CHECK(NextDatagram(far.get()) == "second");
  CHECK_FALSE(Has(far.get(), POLLIN));
  CHECK(ComesToRest(&world));
}

void SegmentsFault(Row row) {
  DatagramWorld near(BoundUdp());
  Fd far = BoundUdp();
  FlatAddress to = FlatOf(far.get());
  Way way{&to};
  way.stride = 3;
  int32_t index = near.Submit("aaabbbcc", way);
  Inject<&SystemCalls::getsockopt>(row.error);
  (void)near.world.Flush();
  CHECK(near.IsOver(index));
  for (const char* part : {"aaa", "bbb", "cc"}) CHECK(NextDatagram(far.get()) == part);
}

}  // namespace

const Runs& hawser::testing::DatagramRuns() {
  static const auto* runs = new Runs{
      {"receive_datagrams", ReceiveDatagramsFault},
      {"receive_datagrams_always", ReceiveDatagramsAlwaysFault},
      {"error_queue", ErrorQueueFault},
      {"send_datagrams", SendDatagramsFault},
      {"ask_segments", SegmentsFault},
  };
  return *runs;
}

TEST_CASE("system-call faults: of datagrams, each is put in, and told as what it is") {
  RunTable(DatagramRuns());
}
