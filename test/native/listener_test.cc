// What a turn does with listeners (receive.cc): accepting, credits, and running out of descriptors.
#include <doctest/doctest.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "reactor/limits.h"
#include "support/world.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

using records::counter::k_accepts;

int accept_errors = 0;
int accept_error = 0;

int FailingAccept(int descriptor, sockaddr* address, socklen_t* length) {
  if (accept_errors > 0) {
    accept_errors--;
    errno = accept_error;
    return -1;
  }
  return platform::AcceptSocket(descriptor, address, length);
}

void FailAccepts(int error, int times) {
  accept_error = error;
  accept_errors = times;
  system_calls.accept = FailingAccept;
}

// Connects, and waits until the listener's queue has all of them.
std::vector<Fd> ConnectMany(const SocketAddress& address, int count) {
  std::vector<Fd> peers;
  for (int i = 0; i < count; i++) {
    peers.push_back(ConnectTo(address));
    REQUIRE(Await(peers.back().get(), POLLOUT));
  }
  return peers;
}

}  // namespace

TEST_CASE("listener: a connection comes with its slot, its peer, and its bytes follow") {
  World world;
  SocketAddress address;
  SlotName listener = world.Listen(&address);
  Fd peer = ConnectTo(address);
  world.TurnUntilTold(Kind::kAccepted);
  const Told accepted = world.First(Kind::kAccepted);
  CHECK(accepted.slot.index == listener.index);
  FlatAddress expected = ToFlatAddress(LocalOf(peer.get()));
  CHECK(accepted.peer.port == expected.port);
  CHECK(accepted.peer.family == AddressFamily::kIpv4);
  FlatAddress kept;
  REQUIRE(world.reactor->PeerOf(accepted.accepted, &kept) == 0);
  CHECK(kept.port == expected.port);
  int flags = ::fcntl(world.reactor->DescriptorOf(accepted.accepted), F_GETFL);
  CHECK((flags & O_NONBLOCK) != 0);
  CHECK((::fcntl(world.reactor->DescriptorOf(accepted.accepted), F_GETFD) & FD_CLOEXEC) != 0);

  Write(peer.get(), "hello");
  world.TurnUntilTold(Kind::kData);
  CHECK(world.BytesOf(accepted.accepted) == "hello");
}

TEST_CASE("listener: bytes that stand there when the connection is accepted are not forgotten") {
  World world;
  SocketAddress address;
  world.Listen(&address);
  Fd peer = ConnectTo(address);
  REQUIRE(Await(peer.get(), POLLOUT));
  Write(peer.get(), "early");
  REQUIRE(::shutdown(peer.get(), SHUT_WR) == 0);
  world.TurnUntilTold(Kind::kEnd);
  CHECK(world.BytesOf(world.First(Kind::kAccepted).accepted) == "early");
}

TEST_CASE("B27: a listener with N credits delivers exactly N, and the rest waits in the kernel") {
  World world;
  SocketAddress address;
  SlotName listener = world.Listen(&address, 3);
  std::vector<Fd> peers = ConnectMany(address, 6);
  world.TurnUntilTold(Kind::kAccepted, 3);
  world.TurnWhileDue();
  CHECK(world.Count(Kind::kAccepted) == 3);
  CHECK_FALSE(world.reactor->carries());

  REQUIRE(world.reactor->SetCredits(listener, 2) == 0);
  world.TurnWhileDue();
  CHECK(world.Count(Kind::kAccepted) == 5);
  REQUIRE(world.reactor->SetCredits(listener, -1) == 0);
  world.TurnWhileDue();
  CHECK(world.Count(Kind::kAccepted) == 6);
}

TEST_CASE("B27: a listener without credits costs nothing, however many connect") {
  World world;
  SocketAddress address;
  SlotName listener = world.Listen(&address, 0);
  double before = world.counter(k_accepts);
  std::vector<Fd> peers = ConnectMany(address, 3);
  CHECK_FALSE(Has(world.reactor->descriptor(), POLLIN));
  world.TurnWhileDue();
  CHECK(world.counter(k_accepts) == before);
  REQUIRE(world.reactor->SetCredits(listener, 1) == 0);
  world.TurnUntilTold(Kind::kAccepted);
  world.TurnWhileDue();
  CHECK(world.Count(Kind::kAccepted) == 1);
}

TEST_CASE("B27: credits that run out stop the events, too") {
  World world;
  SocketAddress address;
  world.Listen(&address, 1);
  std::vector<Fd> peers = ConnectMany(address, 1);
  world.TurnUntilTold(Kind::kAccepted);
  peers.push_back(ConnectTo(address));
  REQUIRE(Await(peers.back().get(), POLLOUT));
  world.TurnWhileDue();  // the first event after the last credit takes the interest away
  std::vector<Fd> more = ConnectMany(address, 3);
  CHECK_FALSE(Has(world.reactor->descriptor(), POLLIN));
  CHECK(world.Count(Kind::kAccepted) == 1);
}

TEST_CASE("B28: out of descriptors is told once, does not spin, and loses no connection") {
  World world;
  SocketAddress address;
  SlotName listener = world.Listen(&address);
  RestoreSystemCalls restore;
  for (int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
    CAPTURE(error);
    world.Clear();
    std::vector<Fd> peers = ConnectMany(address, 2);
    FailAccepts(error, 1000);
    world.TurnUntilTold(Kind::kAcceptFailed);
    CHECK(world.First(Kind::kAcceptFailed).length == -error);
    double before = world.counter(k_accepts);
    world.TurnWhileDue();
    peers.push_back(ConnectTo(address));
    REQUIRE(Await(peers.back().get(), POLLOUT));
    world.TurnWhileDue();
    CHECK(world.counter(k_accepts) == before);
    CHECK(world.Count(Kind::kAcceptFailed) == 1);

    // It comes back when whoever listens says so, without any further event.
    FailAccepts(error, 0);
    REQUIRE(world.reactor->Resume(listener) == 0);
    world.TurnWhileDue();
    CHECK(world.Count(Kind::kAccepted) == 3);
  }
}

TEST_CASE("listener: a connection that was lost in the queue does not hold up the next") {
  World world;
  SocketAddress address;
  world.Listen(&address);
  RestoreSystemCalls restore;
  for (int error : {ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH, ETIMEDOUT, EPERM, EINTR}) {
    CAPTURE(error);
    world.Clear();
    FailAccepts(error, 3);
    Fd peer = ConnectTo(address);
    world.TurnUntilTold(Kind::kAccepted);
    CHECK(world.Count(Kind::kAcceptFailed) == 0);
  }
}

TEST_CASE("listener: a storm of connections is taken in shares, and none is forgotten") {
  World world;
  SocketAddress address;
  constexpr int kMany = limits::kAcceptsPerTurn + 10;
  world.Listen(&address, -1, kMany + 10);
  Pair other = TcpPair();
  SlotName stream = world.Take(&other.near);
  world.TurnWhileDue();
  std::vector<Fd> peers = ConnectMany(address, kMany);
  Write(other.far.get(), "x");
  REQUIRE(AwaitBytes(world.reactor->DescriptorOf(stream), 1));
  CHECK(world.Turn() == TurnResult::kCarry);
  CHECK(world.Count(Kind::kAccepted) == limits::kAcceptsPerTurn);
  CHECK(world.BytesOf(stream) == "x");
  world.TurnWhileDue();
  CHECK(world.Count(Kind::kAccepted) == kMany);
}

TEST_CASE("listener: an accepted connection that cannot be watched leaves no descriptor behind") {
  World world;
  SocketAddress address;
  world.Listen(&address);
  Fd peer = ConnectTo(address);
  RestoreSystemCalls restore;
  static int accepted;
  accepted = -1;
  system_calls.accept = [](int descriptor, sockaddr* from, socklen_t* length) {
    // A closed descriptor: the poller refuses it with EBADF.
    accepted = platform::AcceptSocket(descriptor, from, length);
    if (accepted >= 0) ::close(accepted);
    return accepted;
  };
  world.TurnUntilTold(Kind::kAcceptFailed);
  CHECK(world.First(Kind::kAcceptFailed).length == -EBADF);
  CHECK(world.counter(records::counter::k_openSlots) == 1);
  CHECK(::fcntl(accepted, F_GETFD) == -1);
}

TEST_CASE("listener: what is no listener has no credits and cannot listen") {
  World world;
  Pair pair = TcpPair();
  SlotName name = world.Take(&pair.near);
  CHECK(world.reactor->SetCredits(name, 1) == -EOPNOTSUPP);
  CHECK(world.reactor->StartListen(name, 1, -1) == -EOPNOTSUPP);
}

TEST_CASE("B29: a listener that closes when it is empty takes in all that is queued first") {
  World world;
  SocketAddress address;
  constexpr int kMany = limits::kAcceptsPerTurn + 10;
  SlotName listener = world.Listen(&address, 0, kMany + 10);
  std::vector<Fd> peers = ConnectMany(address, kMany);
  world.TurnWhileDue();
  CHECK(world.Count(Kind::kAccepted) == 0);
  REQUIRE(world.reactor->CloseWhenEmpty(listener) == 0);
  world.TurnWhileDue();
  CHECK(world.Count(Kind::kAccepted) == kMany);
  CHECK(world.Count(Kind::kEnd, listener) == 1);
  CHECK(world.told.back().kind == Kind::kEnd);
  CHECK(world.reactor->DescriptorOf(listener) == -EBADF);
  CHECK(world.counter(records::counter::k_openSlots) == kMany);
  CHECK(world.reactor->CloseWhenEmpty(listener) == -EBADF);
}

TEST_CASE("B29: between the accept that finds nothing and the close nothing else happens") {
  World world;
  SocketAddress address;
  SlotName listener = world.Listen(&address);
  RestoreSystemCalls restore;
  static std::string calls;
  calls.clear();
  system_calls.accept = [](int descriptor, sockaddr* from, socklen_t* length) {
    int accepted = platform::AcceptSocket(descriptor, from, length);
    calls += accepted >= 0 ? "accepted " : errno == EAGAIN ? "nothing " : "failed ";
    return accepted;
  };
  system_calls.close = [](int descriptor) {
    calls += "close ";
    return ::close(descriptor);
  };
  std::vector<Fd> peers = ConnectMany(address, 2);
  REQUIRE(world.reactor->CloseWhenEmpty(listener) == 0);
  world.on_dispatch = [] { calls += "told "; };
  world.TurnUntilTold(Kind::kEnd);
  CHECK(calls == "accepted accepted nothing close told ");
}

TEST_CASE("B29: the place of a listener that ended is nobody else's before all is told") {
  World world;
  SocketAddress address;
  SlotName listener = world.Listen(&address);
  std::vector<Fd> peers = ConnectMany(address, 2);
  REQUIRE(world.reactor->CloseWhenEmpty(listener) == 0);
  SlotName opened;
  world.on_dispatch = [&] {
    if (world.Count(Kind::kEnd) == 0) return;
    CHECK(world.reactor->CloseSlot(listener, false) == -EBADF);
    REQUIRE(world.reactor->OpenSlot(AF_INET, SOCK_STREAM, 0, SlotKind::kStream, &opened) == 0);
  };
  world.TurnUntilTold(Kind::kEnd);
  CHECK(world.Count(Kind::kAccepted, listener) == 2);
  CHECK(opened.index >= 0);
  CHECK(opened.index != listener.index);
  // Then it is free.
  SlotName later;
  REQUIRE(world.reactor->OpenSlot(AF_INET, SOCK_STREAM, 0, SlotKind::kStream, &later) == 0);
  CHECK(later.index == listener.index);
  CHECK(world.counter(records::counter::k_openSlots) == 4);
}

TEST_CASE("B28: out of descriptors, a listener that drains waits as any other") {
  World world;
  SocketAddress address;
  SlotName listener = world.Listen(&address, 0);
  std::vector<Fd> peers = ConnectMany(address, 3);
  RestoreSystemCalls restore;
  FailAccepts(EMFILE, 1);
  REQUIRE(world.reactor->CloseWhenEmpty(listener) == 0);
  world.TurnWhileDue();
  CHECK(world.Count(Kind::kAcceptFailed) == 1);
  CHECK(world.Count(Kind::kEnd) == 0);
  CHECK(world.reactor->DescriptorOf(listener) >= 0);
  REQUIRE(world.reactor->Resume(listener) == 0);
  world.TurnWhileDue();
  CHECK(world.Count(Kind::kAccepted) == 3);
  CHECK(world.Count(Kind::kEnd, listener) == 1);
}

TEST_CASE("B29: new handshakes are refused, those under way go on and leave no trace") {
  if (platform::kAttachFilter == kAbsent) return;
  World world;
  SocketAddress address;
  SlotName listener = world.Listen(&address);
  int descriptor = world.reactor->DescriptorOf(listener);
  // The last segment of the handshake is passed over, so that it is under way until data comes.
  int seconds = 5;
  REQUIRE(::setsockopt(descriptor, IPPROTO_TCP, platform::kTcpDeferAccept, &seconds,
                       sizeof(seconds)) == 0);
  Fd early = ConnectTo(address);
  REQUIRE(Await(early.get(), POLLOUT));
  Fd shared(::dup(descriptor));
  REQUIRE(world.reactor->RefuseNew(listener) == 0);
  Fd late = ConnectTo(address);
  CHECK_FALSE(Has(late.get(), POLLOUT));
  world.TurnWhileDue();
  CHECK(world.Count(Kind::kAccepted) == 0);

  Write(early.get(), "hello");
  world.TurnUntilTold(Kind::kData);
  SlotName accepted = world.First(Kind::kAccepted).accepted;
  CHECK(world.BytesOf(accepted) == "hello");
  // In instructions; 0 where there is none (SO_GET_FILTER, which has the same number).
  auto program_length = [](int of) {
    socklen_t length = 0;
    REQUIRE(::getsockopt(of, SOL_SOCKET, platform::kAttachFilter, nullptr, &length) == 0);
    return length;
  };
  CHECK(program_length(shared.get()) > 0);
  CHECK(program_length(world.reactor->DescriptorOf(accepted)) == 0);

  // Who shares the socket goes on with it.
  REQUIRE(world.reactor->CloseWhenEmpty(listener) == 0);
  world.TurnUntilTold(Kind::kEnd);
  CHECK(program_length(shared.get()) == 0);
}

TEST_CASE("listener: only a listener over TCP can refuse, only a listener can drain") {
  World world;
  Pair pair = TcpPair();
  SlotName name = world.Take(&pair.near);
  CHECK(world.reactor->RefuseNew(name) == -EOPNOTSUPP);
  CHECK(world.reactor->CloseWhenEmpty(name) == -EOPNOTSUPP);
  SlotName path;
  REQUIRE(world.reactor->OpenSlot(AF_UNIX, SOCK_STREAM, 0, SlotKind::kListener, &path) == 0);
  CHECK(world.reactor->RefuseNew(path) == -EOPNOTSUPP);
}
