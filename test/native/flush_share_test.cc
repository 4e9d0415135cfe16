// What one flush gives the kernel for one slot at the most (limits::kBytesPerFlush): the rest goes
// out in the turns that follow, in order, and the others have theirs in between.
#include <doctest/doctest.h>
#include <errno.h>

#include <algorithm>

#include "reactor/limits.h"
#include "support/datagrams.h"
#include "support/world.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

constexpr int32_t kGigabyte = 1 << 30;

// Views of a gigabyte that nobody reads: the calls below only count.
class Vast : public World {
 private:
  bool ResolveView(int32_t, const uint8_t** data, size_t* size) override {
    *data = memory.area();
    *size = kGigabyte;
    return true;
  }
};

size_t given = 0;
size_t most_given = 0;

ssize_t TakeAll(int, const msghdr* message, int) {
  size_t bytes = 0;
  for (size_t i = 0; i < static_cast<size_t>(message->msg_iovlen); i++) {
    bytes += message->msg_iov[i].iov_len;
  }
  most_given = std::max(most_given, bytes);
  given += bytes;
  return static_cast<ssize_t>(bytes);
}

}  // namespace

TEST_CASE("flush share: a kernel that takes gigabytes is given a share, and the count is true") {
  Vast world;
  Pair pair = TcpPair();
  SlotName name = world.Take(&pair.near);
  world.TurnWhileDue();
  RestoreSystemCalls restore;
  system_calls.sendmsg = TakeAll;
  given = most_given = 0;
  for (int view = 0; view < 5; view++) world.Submit(name, Operation::kSendView, 0, kGigabyte, view);
  CHECK(world.Flush() > 0);
  CHECK(world.settled[0].status == -EAGAIN);
  CHECK(world.settled[0].taken == limits::kBytesPerFlush);
  CHECK(given == static_cast<size_t>(limits::kBytesPerFlush));
  CHECK(most_given == given);
  // No event is needed for the rest.
  REQUIRE(world.reactor->carries());
  (void)world.Turn();
  CHECK(world.Count(Kind::kWritable) == 1);
  CHECK_FALSE(world.reactor->carries());
}

TEST_CASE("flush share: what ends exactly at it is done, with what stands behind it") {
  for (int32_t beyond : {0, 1}) {
    CAPTURE(beyond);
    Vast world;
    Pair pair = TcpPair();
    SlotName name = world.Take(&pair.near);
    world.TurnWhileDue();
    RestoreSystemCalls restore;
    system_calls.sendmsg = TakeAll;
    world.Submit(name, Operation::kSendView, 0, limits::kBytesPerFlush - 10, 0);
    world.Submit(name, Operation::kSendView, 0, 10, 1);
    if (beyond > 0) world.Submit(name, Operation::kSendView, 0, beyond, 2);
    world.Submit(name, Operation::kClose);
    CHECK(world.Flush() > 0);
    CHECK(world.settled[0].taken == limits::kBytesPerFlush);
    CHECK(world.settled[0].status == (beyond > 0 ? -EAGAIN : 1));
    CHECK((world.reactor->DescriptorOf(name) >= 0) == (beyond > 0));
  }
}

TEST_CASE("flush share: a paused slot hears of its rest too") {
  Vast world;
  Pair pair = TcpPair();
  SlotName name = world.Take(&pair.near);
  world.TurnWhileDue();
  REQUIRE(world.reactor->Pause(name) == 0);
  RestoreSystemCalls restore;
  system_calls.sendmsg = TakeAll;
  world.Submit(name, Operation::kSendView, 0, kGigabyte, 0);
  CHECK(world.Flush() > 0);
  (void)world.Turn();
  CHECK(world.Count(Kind::kWritable) == 1);
}

TEST_CASE("flush share: datagrams have one, and none is lost between the flushes") {
  DatagramWorld near(BoundUdp());
  FlatAddress to = FlatOf(near.descriptor);
  RestoreSystemCalls restore;
  static int messages_taken;
  messages_taken = 0;
  system_calls.sendmmsg = [](int, platform::MultiMessage*, unsigned int count, int) -> int {
    messages_taken += static_cast<int>(count);
    return static_cast<int>(count);
  };
  if (kRealSystemCalls.sendmmsg == nullptr) return;
  near.world.views[0] = std::string(40 << 20, 'd');
  near.world.Submit(near.name, Operation::kDatagramView, 0, 40 << 20, 0);
  int32_t* record = near.world.memory.submission(0);
  *near.world.memory.route(0) = to;
  record[records::submission::kPeer] = 0;
  record[records::submission::kLocal] = -1;
  record[records::submission::kStride] = 1000;
  CHECK(near.world.Flush() > 0);
  CHECK(near.world.settled[0].status == -EAGAIN);
  int32_t taken = near.world.settled[0].taken;
  CHECK(taken >= limits::kBytesPerFlush);
  CHECK(taken < 2 * limits::kBytesPerFlush);
  CHECK(record[records::submission::kOffset] == taken);
  CHECK(record[records::submission::kLength] == (40 << 20) - taken);
  CHECK(messages_taken > 0);
  near.world.TurnUntilTold(Kind::kWritable);
}
