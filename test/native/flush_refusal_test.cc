// What a flush refuses (flush.cc): stale names, memory that is gone or was never there, and records
// that no JavaScript of the library writes.
#include <doctest/doctest.h>
#include <errno.h>
#include <poll.h>

#include "support/world.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

namespace head = records::head;
namespace header = records::header;
namespace submission = records::submission;

}  // namespace

TEST_CASE("what stands after a close is not sent to whoever has the slot next") {
  Connected c;
  c.world.Submit(c.name, Operation::kClose);
  c.world.Send(c.name, "too late");
  (void)c.world.Flush();
  CHECK(ReadToEnd(c.far.get()).empty());
}

TEST_CASE("a stale submission reaches nobody: neither bytes, nor a close, nor an abort") {
  Connected c;
  SlotName old = c.name;
  REQUIRE(c.world.reactor->CloseSlot(old, false) == 0);
  Pair pair = TcpPair();
  SlotName fresh = c.world.Take(&pair.near);
  REQUIRE(fresh.index == old.index);
  for (Operation operation : {Operation::kClose, Operation::kAbort, Operation::kShutdown}) {
    c.world.settled.clear();
    c.world.Send(old, "stale");
    c.world.Submit(old, operation);
    (void)c.world.Flush();
    CHECK(c.world.settled[0].status == -EBADF);
    CHECK(c.world.settled[0].taken == 0);
  }
  c.world.Send(fresh, "fresh");
  (void)c.world.Flush();
  CHECK(ReadExactly(pair.far.get(), 5) == "fresh");
}

TEST_CASE(
    "the memory of a view is asked anew at each flush, and one that is gone or shrunk fails "
    "alone") {
  Connected c;
  Connected* other = &c;
  Pair pair = TcpPair();
  SlotName second = c.world.Take(&pair.near);
  c.world.views[0] = "twelve bytes";
  c.world.Submit(c.name, Operation::kSendView, 0, 12, 0);
  (void)c.world.Flush();
  CHECK(c.world.resolved == 1);
  CHECK(ReadExactly(other->far.get(), 12) == "twelve bytes");

  for (bool gone : {true, false}) {
    CAPTURE(gone);
    c.world.settled.clear();
    if (gone) {
      c.world.views.clear();
    } else {
      c.world.views[0] = "short";
    }
    c.world.Submit(c.name, Operation::kSendView, 0, 12, 0);
    c.world.Send(second, "fine");
    CHECK(c.world.Flush() > 0);
    CHECK(c.world.settled[0].status == -EFAULT);
    CHECK(c.world.settled[0].taken == 0);
    CHECK(c.world.settled[1].status == 0);
    CHECK(ReadExactly(pair.far.get(), 4) == "fine");
  }
}

TEST_CASE("offsets and lengths that lie outside the memory are refused") {
  Connected c;
  const int32_t area = records::kCapacity[records::kArea];
  // Lent datagrams stand behind the slab.
  const int32_t slab = records::kCapacity[records::kSlab] + records::kCapacity[records::kLarge];
  c.world.views[0] = std::string(16, 'v');
  struct {
    Operation operation;
    int32_t offset;
    int32_t length;
  } const wrong[] = {
      {Operation::kSendArea, -1, 4},
      {Operation::kSendArea, 0, -4},
      {Operation::kSendArea, area, 1},
      {Operation::kSendArea, area - 3, 4},
      {Operation::kSendArea, INT32_MAX, INT32_MAX},
      {Operation::kSendSlab, slab - 3, 4},
      {Operation::kSendSlab, INT32_MIN, 4},
      {Operation::kSendView, 13, 4},
      {Operation::kSendView, -8, 4},
      {Operation::kSendView, INT32_MAX, 1},
  };
  for (const auto& one : wrong) {
    CAPTURE(static_cast<int32_t>(one.operation));
    CAPTURE(one.offset);
    c.world.settled.clear();
    c.world.Submit(c.name, one.operation, one.offset, one.length, 0);
    (void)c.world.Flush();
    CHECK(c.world.settled[0].status == -EFAULT);
    CHECK(c.world.settled[0].taken == 0);
  }
  CHECK_FALSE(Has(c.far.get(), POLLIN));
}

TEST_CASE("a wrong record ends its chain: operations, indexes, rings, counts") {
  Connected c;
  SUBCASE("an operation that does not exist") {
    c.world.Submit(c.name, static_cast<Operation>(99));
    (void)c.world.Flush();
    CHECK(c.world.settled[0].status == -EINVAL);
  }
  SUBCASE("a next beyond the submissions") {
    c.world.Send(c.name, "x");
    c.world.memory.submission(0)[submission::kNext] = 1;
    (void)c.world.Flush();
    CHECK(c.world.settled[0].status == -EINVAL);
  }
  SUBCASE("a next far beyond the memory") {
    for (int32_t next : {INT32_MAX, 1 << 24, records::kCapacity[records::kSubmissions]}) {
      c.world.settled.clear();
      for (int i = 0; i < 3; i++) c.world.Send(c.name, "x");
      c.world.memory.submission(1)[submission::kNext] = next;
      (void)c.world.Flush();
      CHECK(c.world.settled[0].status == -EINVAL);
    }
  }
  SUBCASE("a ring") {
    for (int i = 0; i < 3; i++) c.world.Send(c.name, "x");
    c.world.memory.submission(2)[submission::kNext] = 0;
    (void)c.world.Flush();
    CHECK(c.world.settled[0].status == -EINVAL);
  }
  SUBCASE("a ring of what sends nothing") {
    c.world.Submit(c.name, Operation::kTell);
    c.world.memory.submission(0)[submission::kNext] = 0;
    (void)c.world.Flush();
    CHECK(c.world.settled[0].status == -EINVAL);
  }
  SUBCASE("a head beyond the submissions") {
    for (int32_t first : {1, -1, INT32_MAX, INT32_MIN}) {
      c.world.Send(c.name, "x");
      c.world.memory.head(0)[head::kFirst] = first;
      (void)c.world.reactor->Flush();
      CHECK(c.world.memory.head(0)[head::kStatus] == -EINVAL);
    }
  }
  SUBCASE("a count that is wrong, and a head that it would allow") {
    const int32_t beyond = records::kCapacity[records::kSubmissions];
    for (int32_t first : {beyond, INT32_MAX - 1}) {
      c.world.Send(c.name, "x");
      c.world.memory.header(header::kSubmissionCount) = INT32_MAX;
      c.world.memory.head(0)[head::kFirst] = first;
      (void)c.world.reactor->Flush();
      CHECK(c.world.memory.head(0)[head::kStatus] == -EINVAL);
    }
  }
  SUBCASE("counts that cannot be") {
    for (int32_t count :
         {INT32_MAX, INT32_MIN, -1, records::kCapacity[records::kSubmissions] + 1}) {
      c.world.Send(c.name, "x");
      c.world.memory.header(header::kSubmissionCount) = count;
      (void)c.world.reactor->Flush();
      CHECK(c.world.memory.header(header::kSubmissionCount) == 0);
    }
    for (int32_t count : {INT32_MAX, INT32_MIN, -1, records::kCapacity[records::kHeads] + 1}) {
      c.world.memory.header(header::kHeadCount) = count;
      CHECK(c.world.reactor->Flush() == 0);
      CHECK(c.world.memory.header(header::kHeadCount) == 0);
    }
  }
  // Whatever it was, the next submission goes out.
  World& world = c.world;
  world.memory.header(header::kAreaUsed) = 0;
  ReadExactly(c.far.get(), 0);
  world.settled.clear();
  world.Send(c.name, "good");
  (void)world.Flush();
  CHECK(world.settled[0].status == 0);
}

TEST_CASE("bytes to a listener or to a slot without a connection are refused") {
  World world;
  SocketAddress address;
  SlotName listener = world.Listen(&address);
  world.Send(listener, "x");
  (void)world.Flush();
  CHECK(world.settled[0].status == -EOPNOTSUPP);
}

TEST_CASE("a stream whose memory is gone fails, after what it received") {
  Connected c;
  c.world.views.clear();
  c.world.Submit(c.name, Operation::kSendView, 0, 12, 0);
  CHECK(c.world.Flush() > 0);
  REQUIRE(c.world.reactor->carries());
  c.world.TurnUntilTold(Kind::kFailed);
  CHECK(c.world.First(Kind::kFailed).length == -EFAULT);
}
