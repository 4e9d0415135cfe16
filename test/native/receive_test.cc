// What a turn does with streams (receive.cc). The rule above all: nothing unread is forgotten.
#include <doctest/doctest.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>
#include <set>

#include "reactor/limits.h"
#include "support/world.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

using records::counter::k_pollerChanges;
using records::counter::k_receives;

struct Connected {
  World world;
  Fd far;
  SlotName name;
  int descriptor;

  explicit Connected(bool tcp = true) {
    Pair pair = tcp ? TcpPair() : UnixPair();
    descriptor = pair.near.get();
    name = world.Take(&pair.near);
    far = std::move(pair.far);
    world.TurnWhileDue();
    world.Clear();
  }
};

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

// The answers that the replaced recv gives one after the other; bytes where positive.
std::vector<ssize_t> script;
size_t scripted = 0;

ssize_t ScriptedReceive(int, void* bytes, size_t size, int) {
  if (scripted == script.size()) {
    errno = EAGAIN;
    return -1;
  }
  ssize_t answer = script[scripted++];
  if (answer < 0) {
    errno = static_cast<int>(-answer);
    return -1;
  }
  REQUIRE(static_cast<size_t>(answer) <= size);
  std::memset(bytes, 'r', static_cast<size_t>(answer));
  return answer;
}

void Script(std::vector<ssize_t> answers) {
  script = std::move(answers);
  scripted = 0;
  system_calls.recv = ScriptedReceive;
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
  Script({limits::kBytesPerReceive, limits::kBytesPerReceive, -EAGAIN});
  Write(c.far.get(), "x");
  c.world.TurnUntilTold(Kind::kData, 2);
  c.world.TurnWhileDue();
  CHECK(scripted == 3);
  CHECK_FALSE(c.world.reactor->carries());
  // EAGAIN has said that there is nothing more: a pause and its end cost no receive.
  REQUIRE(c.world.reactor->Pause(c.name) == 0);
  REQUIRE(c.world.reactor->Resume(c.name) == 0);
  CHECK_FALSE(c.world.reactor->carries());
}

TEST_CASE("a recv that a signal interrupts is repeated") {
  Connected c;
  RestoreSystemCalls restore;
  Script({-EINTR, -EINTR, 5});
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

TEST_CASE("B15: an end is told once, last, and nothing is received after it") {
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
  CHECK(c.world.told.back().kind == Kind::kEnd);
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

TEST_CASE("the first errno wins: a flush that met ECONNRESET makes no clean end of it") {
  Connected c;
  RestoreSystemCalls restore;
  system_calls.sendmsg = [](int, const msghdr*, int) -> ssize_t {
    errno = ECONNRESET;
    return -1;
  };
  // What was received before it is delivered first.
  Script({4, 0});
  c.world.Send(c.name, "x");
  CHECK(c.world.Flush() > 0);
  CHECK(c.world.settled[0].status == -ECONNRESET);
  REQUIRE(c.world.reactor->carries());  // no event is needed for it
  c.world.TurnUntilTold(Kind::kFailed);
  c.world.TurnWhileDue();
  CHECK(c.world.BytesOf(c.name) == "rrrr");
  CHECK(c.world.told.back().kind == Kind::kFailed);
  CHECK(c.world.told.back().length == -ECONNRESET);
  CHECK(c.world.Count(Kind::kEnd) == 0);
  CHECK(c.world.Count(Kind::kFailed) == 1);
}

TEST_CASE("the first errno wins: over a later one of recv") {
  Connected c;
  RestoreSystemCalls restore;
  system_calls.sendmsg = [](int, const msghdr*, int) -> ssize_t {
    errno = ECONNRESET;
    return -1;
  };
  Script({-ETIMEDOUT});
  c.world.Send(c.name, "x");
  (void)c.world.Flush();
  c.world.TurnUntilTold(Kind::kFailed);
  CHECK(c.world.First(Kind::kFailed).length == -ECONNRESET);
}

TEST_CASE("the first errno wins: told when the queue turns out to be empty") {
  Connected c;
  RestoreSystemCalls restore;
  system_calls.sendmsg = [](int, const msghdr*, int) -> ssize_t {
    errno = EPIPE;
    return -1;
  };
  Script({-EAGAIN});
  c.world.Send(c.name, "x");
  (void)c.world.Flush();
  c.world.TurnUntilTold(Kind::kFailed);
  CHECK(c.world.First(Kind::kFailed).length == -EPIPE);
}

TEST_CASE("B22: bytes that came before a failure are delivered before it") {
  Connected c;
  RestoreSystemCalls restore;
  Script({3, -ECONNRESET, 0});
  Reset(&c.far);
  c.world.TurnUntilTold(Kind::kFailed);
  c.world.TurnWhileDue();
  CHECK(c.world.BytesOf(c.name) == "rrr");
  CHECK(c.world.told.back().length == -ECONNRESET);
  CHECK(c.world.told.size() == 2);
}

TEST_CASE(
    "B24: the first event on a paused socket removes its read interest, the next wake nobody") {
  Connected c;
  REQUIRE(c.world.reactor->Pause(c.name) == 0);
  double changes = c.world.counter(k_pollerChanges);
  double receives = c.world.counter(k_receives);
  Write(c.far.get(), "1");
  REQUIRE(Await(c.world.reactor->descriptor(), POLLIN));
  c.world.TurnWhileDue();
  CHECK(c.world.counter(k_pollerChanges) - changes == 1);
  for (int i = 2; i <= 4; i++) {
    Write(c.far.get(), std::to_string(i));
    REQUIRE(AwaitBytes(c.descriptor, i));
    CHECK_FALSE(Has(c.world.reactor->descriptor(), POLLIN));
  }
  CHECK_FALSE(c.world.reactor->carries());
  CHECK(c.world.counter(k_pollerChanges) - changes == 1);
  CHECK(c.world.counter(k_receives) == receives);
  CHECK(c.world.told.empty());

  REQUIRE(c.world.reactor->Resume(c.name) == 0);
  CHECK(c.world.reactor->carries());
  c.world.TurnUntilTold(Kind::kData);
  CHECK(c.world.BytesOf(c.name) == "1234");
  // And edges come again.
  c.world.TurnWhileDue();
  c.world.Clear();
  Write(c.far.get(), "5");
  c.world.TurnUntilTold(Kind::kData);
  CHECK(c.world.BytesOf(c.name) == "5");
}

TEST_CASE("a pause that is over before anything comes costs no change of the poller") {
  Connected c;
  double changes = c.world.counter(k_pollerChanges);
  REQUIRE(c.world.reactor->Pause(c.name) == 0);
  REQUIRE(c.world.reactor->Resume(c.name) == 0);
  CHECK(c.world.counter(k_pollerChanges) == changes);
  CHECK_FALSE(c.world.reactor->carries());
  Write(c.far.get(), "x");
  c.world.TurnUntilTold(Kind::kData);
}

TEST_CASE(
    "paused in the handler: what is left is held, and follows after Resume without an event") {
  Connected c(false);
  const size_t filled = Fill(c.far.get());
  REQUIRE(filled > static_cast<size_t>(limits::kBytesPerReceive));
  c.world.on_dispatch = [&] { CHECK(c.world.reactor->Pause(c.name) == 0); };
  c.world.TurnWhileDue();
  c.world.on_dispatch = nullptr;
  CHECK(c.world.BytesOf(c.name).size() == static_cast<size_t>(limits::kBytesPerReceive));
  CHECK_FALSE(c.world.reactor->carries());
  c.far.Close();
  REQUIRE(c.world.reactor->Resume(c.name) == 0);
  c.world.TurnWhileDue();
  CHECK(c.world.BytesOf(c.name).size() == filled);
  CHECK(c.world.Count(Kind::kEnd) == 1);
}

TEST_CASE(
    "B20: a paused socket that is reset is told of once, and its bytes and failure are kept") {
  Connected c;
  Write(c.far.get(), "kept");
  REQUIRE(c.world.reactor->Pause(c.name) == 0);
  c.world.TurnWhileDue();
  Reset(&c.far);
  c.world.TurnUntilTold(Kind::kTrouble);
  c.world.TurnWhileDue();
  c.world.Send(c.name, "x");
  (void)c.world.Flush();  // fails, which is one more reason to look at the slot
  c.world.TurnWhileDue();
  CHECK(c.world.told.size() == 1);
  REQUIRE(c.world.reactor->Resume(c.name) == 0);
  c.world.TurnUntilTold(Kind::kFailed);
  CHECK(c.world.First(Kind::kFailed).length == -ECONNRESET);
  CHECK(c.world.told.back().kind == Kind::kFailed);
}

TEST_CASE("a paused socket whose peer has finished is in no trouble: its bytes and end are kept") {
  for (bool tcp : {true, false}) {
    CAPTURE(tcp);
    Connected c(tcp);
    REQUIRE(c.world.reactor->Pause(c.name) == 0);
    Write(c.far.get(), "kept");
    c.world.TurnWhileDue();
    c.far.Close();
    REQUIRE(AwaitEnd(c.descriptor));
    c.world.TurnWhileDue();
    CHECK(c.world.told.empty());
    REQUIRE(c.world.reactor->Resume(c.name) == 0);
    c.world.TurnUntilTold(Kind::kEnd);
    CHECK(c.world.BytesOf(c.name) == "kept");
  }
}

TEST_CASE(
    "readiness mode: readable is told, nothing is read, and the mode's end reads what is left") {
  Connected c(false);
  double receives = c.world.counter(k_receives);
  REQUIRE(c.world.reactor->SetReadiness(c.name, true) == 0);
  Write(c.far.get(), "0123456789");
  c.world.TurnUntilTold(Kind::kReadable);
  c.world.TurnWhileDue();
  CHECK(c.world.Count(Kind::kReadable) == 1);
  CHECK(c.world.counter(k_receives) == receives);
  CHECK(ReadExactly(c.descriptor, 4) == "0123");
  REQUIRE(c.world.reactor->SetReadiness(c.name, false) == 0);
  REQUIRE(c.world.reactor->Pause(c.name) == 0);
  REQUIRE(c.world.reactor->Resume(c.name) == 0);
  c.world.TurnUntilTold(Kind::kData);
  CHECK(c.world.BytesOf(c.name) == "456789");
}

TEST_CASE("readiness mode: an end is readable, too") {
  Connected c(false);
  REQUIRE(c.world.reactor->SetReadiness(c.name, true) == 0);
  c.far.Close();
  c.world.TurnUntilTold(Kind::kReadable);
  CHECK(c.world.Count(Kind::kEnd) == 0);
}

TEST_CASE("a failure that a flush met while paused is held until Resume") {
  Connected c;
  RestoreSystemCalls restore;
  system_calls.sendmsg = [](int, const msghdr*, int) -> ssize_t {
    errno = ECONNRESET;
    return -1;
  };
  REQUIRE(c.world.reactor->Pause(c.name) == 0);
  c.world.Send(c.name, "x");
  (void)c.world.Flush();
  c.world.TurnWhileDue();
  CHECK(c.world.Count(Kind::kFailed) == 0);
  REQUIRE(c.world.reactor->Resume(c.name) == 0);
  c.world.TurnUntilTold(Kind::kFailed);
  CHECK(c.world.First(Kind::kFailed).length == -ECONNRESET);
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
