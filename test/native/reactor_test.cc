// Slots and the turn (reactor.cc): opening, adopting, connecting, references, and the rules of
// ends and of nesting. What a turn reads is in receive_test.cc, listeners and datagrams in
// listener_test.cc and datagram_test.cc, what a flush sends in flush_test.cc.
#include "reactor/reactor.h"

#include <doctest/doctest.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "support/world.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

constexpr SlotName kNever{12345, 1};

SlotName OpenStream(World* world, int domain = AF_INET) {
  SlotName name;
  REQUIRE(world->reactor->OpenSlot(domain, SOCK_STREAM, 0, SlotKind::kStream, &name) == 0);
  return name;
}

bool IsOpen(int descriptor) { return ::fcntl(descriptor, F_GETFD) >= 0; }

}  // namespace

TEST_CASE("B1: a connect is told exactly once, in a turn") {
  World world;
  Listening listening = ListenOnLoopback();
  SlotName name = OpenStream(&world);
  REQUIRE(world.reactor->StartConnect(name, listening.address) == 0);
  CHECK(world.told.empty());
  world.TurnUntilTold(Kind::kConnected);
  CHECK(world.First(Kind::kConnected).length == 0);
  Fd far(::accept(listening.descriptor.get(), nullptr, nullptr));
  Write(far.get(), "hello");
  world.TurnUntilTold(Kind::kData);
  world.TurnWhileDue();
  CHECK(world.Count(Kind::kConnected) == 1);
  CHECK(world.BytesOf(name) == "hello");
  FlatAddress peer;
  REQUIRE(world.reactor->PeerOf(name, &peer) == 0);
  CHECK(peer.port == ToFlatAddress(listening.address).port);
}

TEST_CASE("B1: a connect that is refused is told with the errno of SO_ERROR, and nothing follows") {
  World world;
  SlotName name = OpenStream(&world);
  int status = world.reactor->StartConnect(name, RefusingAddress());
  if (status == 0) {
    world.TurnUntilTold(Kind::kConnected);
    CHECK(world.First(Kind::kConnected).length == -ECONNREFUSED);
  } else {
    CHECK(status == -ECONNREFUSED);  // some systems know at once
  }
  world.TurnWhileDue();
  CHECK(world.told.size() == (status == 0 ? 1 : 0));
}

TEST_CASE("B1: a connect that succeeds at once is told in a turn, too, without an event") {
  World world;
  Listening listening = ListenOnLoopback();
  SlotName name = OpenStream(&world);
  RestoreSystemCalls restore;
  // The connection is made, and waited for, inside the call.
  system_calls.connect = [](int descriptor, const sockaddr* address, socklen_t length) {
    if (::connect(descriptor, address, length) < 0 && errno != EINPROGRESS) return -1;
    return Await(descriptor, POLLOUT) ? 0 : -1;
  };
  REQUIRE(world.reactor->StartConnect(name, listening.address) == 0);
  CHECK(world.told.empty());
  CHECK(world.reactor->carries());
  world.TurnUntilTold(Kind::kConnected);
  world.TurnWhileDue();
  CHECK(world.Count(Kind::kConnected) == 1);
  CHECK(world.First(Kind::kConnected).length == 0);
}

TEST_CASE("B1: a connect that a signal interrupts goes on") {
  World world;
  Listening listening = ListenOnLoopback();
  SlotName name = OpenStream(&world);
  RestoreSystemCalls restore;
  system_calls.connect = [](int descriptor, const sockaddr* address, socklen_t length) {
    (void)::connect(descriptor, address, length);
    errno = EINTR;
    return -1;
  };
  REQUIRE(world.reactor->StartConnect(name, listening.address) == 0);
  world.TurnUntilTold(Kind::kConnected);
  CHECK(world.First(Kind::kConnected).length == 0);
}

TEST_CASE("reactor: bytes that came with the connection follow in a later turn") {
  World world;
  Listening listening = ListenOnLoopback();
  SlotName name = OpenStream(&world);
  REQUIRE(world.reactor->StartConnect(name, listening.address) == 0);
  REQUIRE(Await(listening.descriptor.get(), POLLIN));
  Fd far(::accept(listening.descriptor.get(), nullptr, nullptr));
  Write(far.get(), "first");
  REQUIRE(::shutdown(far.get(), SHUT_WR) == 0);
  REQUIRE(AwaitEnd(world.reactor->DescriptorOf(name)));
  // Whoever hears of the connection can pause it before any byte is read.
  CHECK(world.Turn() == TurnResult::kCarry);
  CHECK(world.told.size() == 1);
  CHECK(world.Count(Kind::kConnected) == 1);
  world.TurnWhileDue();
  CHECK(world.BytesOf(name) == "first");
  CHECK(world.Count(Kind::kEnd) == 1);
}

TEST_CASE("reactor: what cannot be connected says so") {
  World world;
  Listening listening = ListenOnLoopback();
  CHECK(world.reactor->StartConnect(kNever, listening.address) == -EBADF);
  SlotName datagram;
  REQUIRE(world.reactor->OpenSlot(AF_INET, SOCK_DGRAM, 0, SlotKind::kDatagram, &datagram) == 0);
  CHECK(world.reactor->StartConnect(datagram, listening.address) == -EOPNOTSUPP);

  SlotName name = OpenStream(&world);
  REQUIRE(world.reactor->StartConnect(name, listening.address) == 0);
  CHECK(world.reactor->StartConnect(name, listening.address) == -EALREADY);
  world.TurnUntilTold(Kind::kConnected);
  CHECK(world.reactor->StartConnect(name, listening.address) == -EISCONN);

  SlotName third = OpenStream(&world);
  RestoreSystemCalls restore;
  system_calls.connect = [](int, const sockaddr*, socklen_t) {
    errno = ENETUNREACH;
    return -1;
  };
  CHECK(world.reactor->StartConnect(third, listening.address) == -ENETUNREACH);
}

TEST_CASE("reactor: a failing socket(2) and a failing listen(2) are told with their errno") {
  World world;
  RestoreSystemCalls restore;
  system_calls.socket = [](int, int, int) {
    errno = EMFILE;
    return -1;
  };
  SlotName name;
  CHECK(world.reactor->OpenSlot(AF_INET, SOCK_STREAM, 0, SlotKind::kStream, &name) == -EMFILE);
  CHECK(world.reactor->OpenSlot(-1, SOCK_STREAM, 0, SlotKind::kStream, &name) == -EMFILE);
  system_calls = kRealSystemCalls;
  REQUIRE(world.reactor->OpenSlot(AF_INET, SOCK_STREAM, 0, SlotKind::kListener, &name) == 0);
  system_calls.listen = [](int, int) {
    errno = EADDRINUSE;
    return -1;
  };
  CHECK(world.reactor->StartListen(name, 1, -1) == -EADDRINUSE);
  CHECK(world.counter(records::counter::k_openSlots) == 1);
}

TEST_CASE("reactor: every function answers EBADF for a name that never was, or is stale") {
  World world;
  Pair pair = TcpPair();
  SlotName stale = world.Take(&pair.near);
  REQUIRE(world.reactor->CloseSlot(stale, false) == 0);
  for (SlotName name : {kNever, stale, SlotName{-1, 1}, SlotName{stale.index, 0}}) {
    FlatAddress peer;
    CHECK(world.reactor->Watch(name) == -EBADF);
    CHECK(world.reactor->Pause(name) == -EBADF);
    CHECK(world.reactor->Resume(name) == -EBADF);
    CHECK(world.reactor->SetCredits(name, 1) == -EBADF);
    CHECK(world.reactor->SetReferenced(name, false) == -EBADF);
    CHECK(world.reactor->StartListen(name, 1, -1) == -EBADF);
    CHECK(world.reactor->CloseSlot(name, true) == -EBADF);
    CHECK(world.reactor->Release(name) == -EBADF);
    CHECK(world.reactor->DescriptorOf(name) == -EBADF);
    CHECK(world.reactor->PeerOf(name, &peer) == -EBADF);
  }
}

TEST_CASE("reactor: a descriptor that is closed, or no socket, is not adopted") {
  World world;
  SlotName name;
  int closed = TcpPair().near.get();
  CHECK(world.reactor->Adopt(closed, SlotKind::kStream, &name) == -EBADF);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  Fd read(ends[0]);
  Fd write(ends[1]);
  CHECK(world.reactor->Adopt(read.get(), SlotKind::kStream, &name) == -ENOTSOCK);
  CHECK(IsOpen(read.get()));
  CHECK(world.counter(records::counter::k_openSlots) == 0);
}

TEST_CASE("reactor: an adopted descriptor becomes non-blocking, and a released one is free of it") {
  World world;
  Pair pair = TcpPair();
  int descriptor = pair.near.get();
  REQUIRE(::fcntl(descriptor, F_SETFL, 0) == 0);
  SlotName name = world.Take(&pair.near);
  CHECK((::fcntl(descriptor, F_GETFL) & O_NONBLOCK) != 0);
  FlatAddress peer;
  REQUIRE(world.reactor->PeerOf(name, &peer) == 0);
  CHECK(peer.port == ToFlatAddress(LocalOf(pair.far.get())).port);
  world.TurnWhileDue();

  Fd mine(world.reactor->Release(name));
  CHECK(mine.get() == descriptor);
  CHECK(world.reactor->referenced() == 0);
  Write(pair.far.get(), "x");
  REQUIRE(AwaitBytes(descriptor, 1));
  CHECK_FALSE(Has(world.reactor->descriptor(), POLLIN));
  world.TurnWhileDue();
  CHECK(world.told.empty());
  CHECK(ReadExactly(descriptor, 1) == "x");
}

TEST_CASE(
    "B19: a close with reset gives RST, a plain one FIN, and the descriptor is gone at once") {
  for (bool reset : {false, true}) {
    CAPTURE(reset);
    World world;
    Pair pair = TcpPair();
    int descriptor = pair.near.get();
    SlotName name = world.Take(&pair.near);
    REQUIRE(world.reactor->CloseSlot(name, reset) == 0);
    CHECK_FALSE(IsOpen(descriptor));
    bool was_reset = false;
    CHECK(ReadToEnd(pair.far.get(), &was_reset).empty());
    CHECK(was_reset == reset);
  }
}

TEST_CASE("reactor: a slot leaves the poller before its descriptor is closed") {
  // With a copy of the descriptor, closing alone would leave the registration behind, and its
  // events would name a slot that another socket may have by then.
  World world;
  Pair pair = TcpPair();
  Fd copy(::dup(pair.near.get()));
  SlotName name = world.Take(&pair.near);
  world.TurnWhileDue();
  REQUIRE(world.reactor->CloseSlot(name, false) == 0);
  Write(pair.far.get(), "x");
  REQUIRE(AwaitBytes(copy.get(), 1));
  CHECK_FALSE(Has(world.reactor->descriptor(), POLLIN));
}

TEST_CASE("reactor: a carried slot that is closed leaves nothing for the next use of its place") {
  World world;
  Pair first = UnixPair();
  Pair second = UnixPair();
  SlotName old = world.Take(&first.near);
  Fill(first.far.get());
  world.on_dispatch = [&] {
    if (world.dispatches > 1) return;
    // Closed and opened anew inside the handler, while the slot still stands in the carry list.
    CHECK(world.reactor->CloseSlot(old, false) == 0);
  };
  CHECK(world.Turn() == TurnResult::kCarry);
  world.Clear();
  SlotName fresh = world.Take(&second.near);
  CHECK(fresh.index == old.index);
  CHECK(fresh.generation != old.generation);
  world.dispatches = 1;
  size_t filled = Fill(second.far.get());
  // One share, as of any other, and nothing under the old name.
  CHECK(world.Turn() == TurnResult::kCarry);
  CHECK(world.Count(Kind::kData, fresh) == 1);
  world.TurnWhileDue();
  CHECK(world.Count(Kind::kData, old) == 0);
  CHECK(world.BytesOf(fresh).size() == filled);
}

TEST_CASE("reactor: a turn inside a turn does nothing, and the outer one goes on") {
  World world;
  Pair pair = TcpPair();
  SlotName name = world.Take(&pair.near);
  world.TurnWhileDue();
  world.Clear();
  Write(pair.far.get(), "outer");
  REQUIRE(AwaitBytes(world.reactor->DescriptorOf(name), 5));
  double turns = world.counter(records::counter::k_turns);
  std::string slab_in_handler;
  world.on_dispatch = [&] {
    Write(pair.far.get(), "inner");
    REQUIRE(AwaitBytes(world.reactor->DescriptorOf(name), 5));
    CHECK(world.Turn() == TurnResult::kNested);
    CHECK(world.dispatches == 1);
    const Told& data = world.First(Kind::kData);
    slab_in_handler.assign(reinterpret_cast<const char*>(world.memory.slab()) + data.offset, 5);
    world.on_dispatch = nullptr;
  };
  (void)world.Turn();
  CHECK(slab_in_handler == "outer");
  CHECK(world.counter(records::counter::k_turns) == turns + 1);
  world.TurnUntil([&] { return world.BytesOf(name).size() == 10; });
  CHECK(world.BytesOf(name) == "outerinner");
}

TEST_CASE("reactor: a handler may close the reactor in the middle of a turn") {
  World world;
  Pair pair = TcpPair();
  SlotName name = world.Take(&pair.near);
  int descriptor = world.reactor->DescriptorOf(name);
  Write(pair.far.get(), "x");
  world.on_dispatch = [&] {
    world.Send(name, "late");
    world.reactor->Close();
  };
  world.TurnUntil([&] { return world.dispatches == 1; });
  CHECK_FALSE(IsOpen(descriptor));
  CHECK(ReadToEnd(pair.far.get()).empty());
  CHECK(world.Turn() == TurnResult::kDone);
}

TEST_CASE("reactor: closing closes every socket, more than once, and a turn is nothing then") {
  World world;
  std::vector<Pair> pairs;
  std::vector<int> descriptors;
  for (int i = 0; i < 20; i++) {
    pairs.push_back(TcpPair());
    descriptors.push_back(pairs.back().near.get());
    world.Take(&pairs.back().near);
  }
  Fill(pairs[0].far.get());
  (void)world.Turn();
  world.reactor->Close();
  world.reactor->Close();
  for (int descriptor : descriptors) CHECK_FALSE(IsOpen(descriptor));
  CHECK(world.reactor->referenced() == 0);
  CHECK_FALSE(world.reactor->carries());
  CHECK(world.Turn() == TurnResult::kDone);
}

TEST_CASE("reactor: a reactor that was never opened does nothing") {
  struct Nobody : ReactorHost {
    bool Dispatch(int32_t) override { return false; }
    void Settle(int32_t) override {}
    bool ResolveBlock(int32_t, uint8_t**, size_t*) override { return false; }
    bool ResolveView(int32_t, const uint8_t**, size_t*) override { return false; }
    void ReferencesChanged(bool) override {}
  } host;
  Reactor reactor(&host);
  CHECK(reactor.Turn() == TurnResult::kDone);
  CHECK(reactor.descriptor() == -1);
}

TEST_CASE(
    "reactor: who keeps the process alive: watched and referenced sockets, and only changes tell") {
  World world;
  SlotName idle = OpenStream(&world);
  CHECK(world.reactor->referenced() == 0);
  Pair pair = TcpPair();
  SlotName first = world.Take(&pair.near);
  SlotName second = world.Take(&pair.far);
  CHECK(world.reactor->referenced() == 2);
  CHECK(world.references == std::vector<bool>{true});
  REQUIRE(world.reactor->SetReferenced(first, false) == 0);
  REQUIRE(world.reactor->SetReferenced(first, false) == 0);
  CHECK(world.reactor->referenced() == 1);
  REQUIRE(world.reactor->CloseSlot(first, false) == 0);
  CHECK(world.reactor->referenced() == 1);
  REQUIRE(world.reactor->SetReferenced(second, false) == 0);
  CHECK(world.references == std::vector<bool>{true, false});
  REQUIRE(world.reactor->SetReferenced(second, true) == 0);
  REQUIRE(world.reactor->CloseSlot(second, false) == 0);
  CHECK(world.references == std::vector<bool>{true, false, true, false});
  CHECK(world.reactor->referenced() == 0);
  REQUIRE(world.reactor->SetReferenced(idle, false) == 0);
  CHECK(world.reactor->referenced() == 0);
}

TEST_CASE("B25: a hundred sockets ready in one turn cost one call, one wait, one receive each") {
  World world;
  std::vector<Pair> pairs;
  std::vector<SlotName> names;
  for (int i = 0; i < 100; i++) {
    pairs.push_back(TcpPair());
    names.push_back(world.Take(&pairs.back().near));
  }
  world.TurnWhileDue();
  world.Clear();
  for (size_t i = 0; i < pairs.size(); i++) {
    Write(pairs[i].far.get(), std::to_string(i));
    REQUIRE(AwaitBytes(world.reactor->DescriptorOf(names[i]), 1));
  }
  double waits = world.counter(records::counter::k_waits);
  double receives = world.counter(records::counter::k_receives);
  double changes = world.counter(records::counter::k_pollerChanges);
  CHECK(world.Turn() == TurnResult::kDone);
  CHECK(world.dispatches == 1);
  CHECK(world.Count(Kind::kData) == 100);
  for (size_t i = 0; i < pairs.size(); i++) CHECK(world.BytesOf(names[i]) == std::to_string(i));
  CHECK(world.counter(records::counter::k_waits) - waits == 1);
  CHECK(world.counter(records::counter::k_receives) - receives == 100);
  CHECK(world.counter(records::counter::k_pollerChanges) - changes == 0);
}
