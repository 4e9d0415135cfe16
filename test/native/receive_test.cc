// What a turn does with streams (receive.cc). The rule above all: nothing unread is
// forgotten. Pauses and failures are in pause_test.cc and failure_test.cc.
#include <doctest/doctest.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>
#include <set>

#include "reactor/limits.h"
#include "support/scripted_receive.h"
#include "support/world.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

using records::counter::k_receives;

std::string Pattern(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; i++) bytes[i] = static_cast<char>('a' + i * 7 % 26);
  return bytes;
}

// Writes all, with turns whenever the socket takes no more.
void WriteThrough(World* world, int descriptor, const std::string& bytes) {
  size_t at = 0;
  while (at < bytes.size()) {
    ssize_t sent = ::send(descriptor, bytes.data() + at, bytes.size() - at, 0);
    if (sent > 0) {
      at += static_cast<size_t>(sent);
    } else {
      REQUIRE(errno == EAGAIN);
      (void)world->Turn();
    }
  }
}

}  // namespace

TEST_CASE("nothing unread is forgotten: ten bytes and a FIN in one event") {
  for (bool tcp : {true, false}) {
    CAPTURE(tcp);
    Connected c(tcp);
    Write(c.far.get(), "0123456789");
    REQUIRE(::shutdown(c.far.get(), SHUT_WR) == 0);
    REQUIRE(AwaitEnd(c.descriptor));
    c.world.TurnWhileDue();
    CHECK(c.world.BytesOf(c.name) == "0123456789");
    CHECK(c.world.Count(Kind::kEnd) == 1);
    CHECK(c.world.told.back().kind == Kind::kEnd);
  }
}

TEST_CASE("nothing unread is forgotten: more than one receive takes, after one event") {
  Connected c;
  const std::string bytes = Pattern(3 * limits::kBytesPerReceive);
  WriteThrough(&c.world, c.far.get(), bytes);
  REQUIRE(AwaitBytes(c.descriptor, 1));
  c.world.TurnUntil([&] { return c.world.BytesOf(c.name).size() == bytes.size(); });
  CHECK(c.world.BytesOf(c.name) == bytes);
}

TEST_CASE("nothing unread is forgotten: the carry list is served without any further event") {
  Connected c(false);
  int size = 4 << 20;
  REQUIRE(::setsockopt(c.far.get(), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0);
  const size_t filled = Fill(c.far.get());
  REQUIRE(filled > 2 * static_cast<size_t>(limits::kBytesPerReceive));
  CHECK(c.world.Turn() == TurnResult::kCarry);
  CHECK(c.world.reactor->carries());
  CHECK(c.world.BytesOf(c.name).size() == static_cast<size_t>(limits::kBytesPerReceive));
  while (c.world.reactor->carries()) (void)c.world.Turn();
  CHECK(c.world.BytesOf(c.name).size() == filled);
}

TEST_CASE(
    "nothing unread is forgotten: more sockets than the slab has room for, first in first out") {
  World world;
  std::vector<Pair> pairs;
  std::vector<SlotName> names;
  std::vector<size_t> filled;
  constexpr size_t kSockets = 20;
  for (size_t i = 0; i < kSockets; i++) {
    pairs.push_back(UnixPair());
    names.push_back(world.Take(&pairs.back().near));
  }
  world.TurnWhileDue();
  world.Clear();
  for (Pair& pair : pairs) filled.push_back(Fill(pair.far.get()));
  REQUIRE(filled[0] > static_cast<size_t>(limits::kBytesPerReceive));

  // Each has its first share before any has its second.
  std::set<int32_t> first_shares;
  while (first_shares.size() < kSockets) {
    REQUIRE((world.reactor->carries() || world.dispatches == 0));
    (void)world.Turn();
    for (const Told& one : world.told) {
      if (one.kind != Kind::kData) continue;
      bool second = !first_shares.insert(one.slot.index).second;
      if (second) CHECK(first_shares.size() == kSockets);
    }
    world.Clear();
    if (first_shares.size() == kSockets) break;
  }
  CHECK(first_shares.size() == kSockets);
}

TEST_CASE("nothing unread is forgotten: a full slab loses no byte and no end") {
  World world;
  std::vector<Pair> pairs;
  std::vector<SlotName> names;
  std::vector<size_t> filled;
  for (size_t i = 0; i < 12; i++) {
    pairs.push_back(UnixPair());
    names.push_back(world.Take(&pairs.back().near));
    filled.push_back(Fill(pairs.back().far.get()));
    pairs.back().far.Close();
  }
  world.TurnWhileDue();
  for (size_t i = 0; i < names.size(); i++) {
    CHECK(world.BytesOf(names[i]).size() == filled[i]);
    CHECK(world.Count(Kind::kEnd, names[i]) == 1);
  }
}

TEST_CASE("a socket that always has more does not keep another waiting") {
  World world;
  Pair busy = UnixPair();
  Pair quiet = UnixPair();
  SlotName first = world.Take(&busy.near);
  SlotName second = world.Take(&quiet.near);
  world.TurnWhileDue();
  Fill(busy.far.get());
  (void)world.Turn();
  REQUIRE(world.reactor->carries());
  world.Clear();
  // An event for what is carried already gives it no second share.
  Write(busy.far.get(), "even more");
  Write(quiet.far.get(), "x");
  (void)world.Turn();
  CHECK(world.Count(Kind::kData, first) == 1);
  CHECK(world.BytesOf(second) == "x");
}

TEST_CASE("a short read without a hang-up is the last one: one message costs one recv") {
  Connected c;
  double before = c.world.counter(k_receives);
  Write(c.far.get(), "message");
  c.world.TurnUntilTold(Kind::kData);
  CHECK(c.world.counter(k_receives) - before == 1);
  CHECK_FALSE(c.world.reactor->carries());
}

TEST_CASE("a read that fills its room exactly is asked again") {
  Connected c;
  RestoreSystemCalls restore;
  ScriptReceives({limits::kBytesPerReceive, limits::kBytesPerReceive, -EAGAIN});
  Write(c.far.get(), "x");
  c.world.TurnUntilTold(Kind::kData, 2);
  c.world.TurnWhileDue();
  CHECK(ScriptedReceives() == 3);
  CHECK_FALSE(c.world.reactor->carries());
  // EAGAIN has said that there is nothing more: a pause and its end cost no receive.
  REQUIRE(c.world.reactor->Pause(c.name) == 0);
  REQUIRE(c.world.reactor->Resume(c.name) == 0);
  CHECK_FALSE(c.world.reactor->carries());
}

TEST_CASE("a recv that a signal interrupts is repeated") {
  Connected c;
  RestoreSystemCalls restore;
  ScriptReceives({-EINTR, -EINTR, 5});
  Write(c.far.get(), "x");
  c.world.TurnUntilTold(Kind::kData);
  CHECK(c.world.BytesOf(c.name) == "rrrrr");
}

TEST_CASE("urgent data: a short read that stops at the mark is not the end of the queue") {
  Connected c;
  Write(c.far.get(), "before");
  REQUIRE(::send(c.far.get(), "!", 1, MSG_OOB) == 1);
  Write(c.far.get(), "after");
  REQUIRE(AwaitBytes(c.descriptor, 6));
  c.world.TurnUntil([&] { return c.world.BytesOf(c.name).size() >= 11; });
  CHECK(c.world.BytesOf(c.name) == "beforeafter");
}

TEST_CASE("a Unix socket: a read that stops at passed descriptors is not the end of the queue") {
  Connected c(false);
  Write(c.far.get(), "one");
  Fd passed(::dup(0));
  int number = passed.get();
  REQUIRE(SendWithDescriptors(c.far.get(), "two", 3, &number, 1) == 3);
  Write(c.far.get(), "three");
  c.world.TurnWhileDue();
  CHECK(c.world.BytesOf(c.name) == "onetwothree");
}

TEST_CASE("B15: an end is told once, after all data, and nothing is received after it") {
  Connected c;
  Write(c.far.get(), "x");
  REQUIRE(::shutdown(c.far.get(), SHUT_WR) == 0);
  c.world.TurnUntilTold(Kind::kEnd);
  double before = c.world.counter(k_receives);
  c.far.Close();
  // Whatever event may follow.
  (void)::send(c.descriptor, "y", 1, MSG_NOSIGNAL);
  REQUIRE(Await(c.world.reactor->descriptor(), POLLIN));
  c.world.TurnWhileDue();
  CHECK(c.world.counter(k_receives) == before);
  CHECK(c.world.Count(Kind::kData) == 1);
  CHECK(c.world.Count(Kind::kEnd) == 1);
}

TEST_CASE("a reset is told as ECONNRESET") {
  Connected c;
  Reset(&c.far);
  c.world.TurnUntilTold(Kind::kFailed);
  c.world.TurnWhileDue();
  CHECK(c.world.First(Kind::kFailed).length == -ECONNRESET);
  CHECK(c.world.told.size() == 1);
}

TEST_CASE("completions: the datagram fields of a stream are 0, whatever stood there before") {
  Connected c;
  for (int32_t i = 0; i < 4; i++) {
    int32_t* record = c.world.memory.completion(i);
    for (int word = 0; word < records::completion::kWords; word++) record[word] = 77;
  }
  Write(c.far.get(), "x");
  c.world.TurnUntilTold(Kind::kData);
  const Told& data = c.world.First(Kind::kData);
  for (int word = records::completion::kPeer; word < records::completion::kWords; word++) {
    CAPTURE(word);
    CHECK(data.words[static_cast<size_t>(word)] == 0);
  }
}
