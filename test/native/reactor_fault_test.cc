// What the reactor does when the poller fails under it. The faults are put in by the linker.
#include <doctest/doctest.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "support/poller_faults.h"
#include "support/world.h"

using namespace hawser;
using namespace hawser::testing;

TEST_CASE("reactor: an event that names a slot's last use is dropped") {
  // The registration stays behind: its removal fails, and a copy keeps the socket open.
  World world;
  Pair first = TcpPair();
  Fd copy(::dup(first.near.get()));
  SlotName old = world.Take(&first.near);
  world.TurnWhileDue();
  FailNextChange(ENOMEM);
  REQUIRE(world.reactor->CloseSlot(old, false) == 0);
  Pair second = TcpPair();
  SlotName fresh = world.Take(&second.near);
  REQUIRE(fresh.index == old.index);
  world.TurnWhileDue();
  world.Clear();
  double events = world.counter(records::counter::k_events);
  double receives = world.counter(records::counter::k_receives);
  Write(first.far.get(), "for nobody");
  REQUIRE(AwaitBytes(copy.get(), 10));
  world.TurnWhileDue();
  // kqueue forgets a descriptor that is closed; epoll does not, as long as a copy is open.
  CHECK((world.counter(records::counter::k_events) > events) == !ClosingForgets());
  CHECK(world.counter(records::counter::k_receives) == receives);
  CHECK(world.told.empty());
}

TEST_CASE(
    "reactor: a socket that the poller refuses is refused, and its descriptor stays the caller's") {
  World world;
  Pair pair = TcpPair();
  SlotName name;
  int descriptor = pair.near.get();
  REQUIRE(world.reactor->Adopt(descriptor, SlotKind::kStream, &name) == 0);
  FailNextChange(ENOSPC);
  CHECK(world.reactor->Watch(name) == -ENOSPC);
  CHECK(world.reactor->referenced() == 0);
  CHECK(world.reactor->Watch(name) == 0);  // and can be tried again
  CHECK(world.reactor->referenced() == 1);
  CHECK(world.reactor->Release(name) == descriptor);

  Listening listening = ListenOnLoopback();
  REQUIRE(world.reactor->OpenSlot(AF_INET, SOCK_STREAM, 0, SlotKind::kStream, &name) == 0);
  FailNextChange(ENOSPC);
  CHECK(world.reactor->StartConnect(name, listening.address) == -ENOSPC);
  CHECK(world.reactor->CloseSlot(name, false) == 0);
}

TEST_CASE("reactor: a pause that the poller cannot make loses nothing") {
  World world;
  Pair pair = TcpPair();
  SlotName name = world.Take(&pair.near);
  world.TurnWhileDue();
  REQUIRE(world.reactor->Pause(name) == 0);
  Write(pair.far.get(), "kept");
  REQUIRE(AwaitBytes(world.reactor->DescriptorOf(name), 4));
  FailNextChange(ENOMEM);
  (void)world.Turn();
  REQUIRE(world.reactor->Resume(name) == 0);
  world.TurnUntilTold(Kind::kData);
  CHECK(world.BytesOf(name) == "kept");
}

TEST_CASE("reactor: a failing wait is a turn without events, and what is carried is served") {
  World world;
  Pair pair = UnixPair();
  SlotName name = world.Take(&pair.near);
  size_t filled = Fill(pair.far.get());
  while (world.Turn() == TurnResult::kCarry) FailNextWait(EBADF);
  FailNextWait(0);
  CHECK(world.BytesOf(name).size() == filled);
}

TEST_CASE("reactor: Open tells why there is no poller") {
  World world;
  Reactor second(&world);
  FailNextOpen(EMFILE);
  CHECK(second.Open(world.memory) == -EMFILE);
  CHECK(second.Turn() == TurnResult::kDone);
}

TEST_CASE("reactor: a socket whose interest cannot be given back is failed, after what it holds") {
  World world;
  Pair pair = TcpPair();
  int descriptor = pair.near.get();
  SlotName name = world.Take(&pair.near);
  world.TurnWhileDue();
  REQUIRE(world.reactor->Pause(name) == 0);
  Write(pair.far.get(), "held");
  REQUIRE(AwaitBytes(descriptor, 4));
  world.TurnWhileDue();  // takes the interest away
  world.Clear();
  FailNextChange(ENOMEM);
  REQUIRE(world.reactor->Resume(name) == 0);
  world.TurnUntilTold(Kind::kFailed);
  CHECK(world.BytesOf(name) == "held");
  CHECK(world.First(Kind::kFailed).length == -ENOMEM);
}
