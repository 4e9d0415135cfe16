// Reactors of several threads share nothing but the table of system calls, which nobody writes to.
// Worth most under ThreadSanitizer.
#include <doctest/doctest.h>
#include <poll.h>

#include <string>
#include <thread>
#include <vector>

#include "support/world.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

// Echoes through a reactor of its own; the bytes that came back.
size_t EchoInAThread(int rounds) {
  World world;
  SocketAddress address;
  world.Listen(&address);
  Fd peer = ConnectTo(address);
  world.on_dispatch = [&] {
    for (const Told& one : world.told) {
      if (one.kind != Kind::kData) continue;
      world.Submit(one.slot, Operation::kSendSlab, one.offset, one.length);
    }
    world.told.clear();
  };
  size_t echoed = 0;
  for (int i = 0; i < rounds; i++) {
    const std::string message = "message " + std::to_string(i);
    Write(peer.get(), message);
    world.TurnUntil([&] { return Has(peer.get(), POLLIN); });
    echoed += ReadExactly(peer.get(), message.size()) == message ? 1 : 0;
  }
  return echoed;
}

}  // namespace

TEST_CASE("threads: a reactor in each, at the same time, each with its own sockets and memory") {
  constexpr int kRounds = 200;
  std::vector<size_t> echoed(4);
  std::vector<std::thread> threads;
  for (size_t& one : echoed) threads.emplace_back([&one] { one = EchoInAThread(kRounds); });
  for (std::thread& thread : threads) thread.join();
  for (size_t one : echoed) CHECK(one == kRounds);
}
