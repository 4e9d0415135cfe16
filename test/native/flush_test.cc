// How submissions go out (flush.cc): gathered and chained per slot, in turns and outside, and what
// a wrong record does.
#include <doctest/doctest.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "reactor/limits.h"
#include "support/world.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

namespace head = records::head;
namespace header = records::header;
namespace submission = records::submission;
using records::counter::k_sends;

size_t most_per_send = 0;
int send_error = 0;

ssize_t ShortSend(int descriptor, const msghdr* message, int flags) {
  // Takes at most so many bytes, across the parts.
  std::string bytes;
  for (size_t i = 0; i < static_cast<size_t>(message->msg_iovlen); i++) {
    bytes.append(static_cast<const char*>(message->msg_iov[i].iov_base),
                 message->msg_iov[i].iov_len);
  }
  return ::send(descriptor, bytes.data(), std::min(bytes.size(), most_per_send), flags);
}

ssize_t FailingSend(int, const msghdr*, int) {
  errno = send_error;
  return -1;
}

}  // namespace

TEST_CASE("B25: fifty writes to one socket leave in one system call, in their order") {
  Connected c;
  std::string all;
  for (int i = 0; i < 50; i++) {
    c.world.Send(c.name, std::to_string(i) + ",");
    all += std::to_string(i) + ",";
  }
  double before = c.world.counter(k_sends);
  CHECK(c.world.Flush() == 0);
  CHECK(c.world.counter(k_sends) - before == 1);
  CHECK(c.world.settled[0].status == 0);
  CHECK(c.world.settled[0].taken == static_cast<int32_t>(all.size()));
  CHECK(ReadExactly(c.far.get(), all.size()) == all);
}

TEST_CASE("submissions are chained per slot: interleaved sockets cost one system call each") {
  World world;
  std::vector<Pair> pairs;
  std::vector<SlotName> names;
  for (int i = 0; i < 10; i++) {
    pairs.push_back(TcpPair());
    names.push_back(world.Take(&pairs.back().near));
  }
  for (int round = 0; round < 20; round++) {
    for (SlotName name : names)
      world.Send(name, static_cast<char>('a' + round) + std::string(2, '.'));
  }
  double before = world.counter(k_sends);
  (void)world.Flush();
  CHECK(world.counter(k_sends) - before == 10);
  for (Pair& pair : pairs) {
    std::string bytes = ReadExactly(pair.far.get(), 60);
    for (int round = 0; round < 20; round++) {
      CHECK(bytes.substr(static_cast<size_t>(round) * 3, 3) ==
            static_cast<char>('a' + round) + std::string(".."));
    }
  }
}

TEST_CASE("a chain longer than one gather write takes another, and loses nothing") {
  Connected c;
  constexpr int kParts = 2 * limits::kPartsPerWrite + 7;
  std::string all;
  for (int i = 0; i < kParts; i++) {
    c.world.Send(c.name, std::to_string(i) + ";");
    all += std::to_string(i) + ";";
  }
  double before = c.world.counter(k_sends);
  (void)c.world.Flush();
  CHECK(c.world.counter(k_sends) - before == 3);
  CHECK(ReadExactly(c.far.get(), all.size()) == all);
}

TEST_CASE("area, slab and view stand in one chain, in the order of submission") {
  Connected c;
  std::memcpy(c.world.memory.slab() + 100, "SLAB", 4);
  c.world.views[3] = "..VIEW..";
  c.world.Send(c.name, "area1");
  c.world.Submit(c.name, Operation::kSendSlab, 100, 4);
  c.world.Submit(c.name, Operation::kSendView, 2, 4, 3);
  c.world.Submit(c.name, Operation::kSendArea, 0, 0);  // an empty part is nothing
  c.world.Send(c.name, "area2");
  CHECK(c.world.Flush() > 0);
  CHECK(c.world.settled[0].status == 1);  // a view is among it: it can be given back
  CHECK(c.world.settled[0].taken == 18);
  CHECK(ReadExactly(c.far.get(), 18) == "area1SLABVIEWarea2");
}

TEST_CASE(
    "writes made in a handler leave when the call is over, from the slab before it is reused") {
  Connected c;
  c.world.on_dispatch = [&] {
    const Told data = c.world.told.back();
    if (data.kind == Kind::kData) {
      c.world.Submit(c.name, Operation::kSendSlab, data.offset, data.length);
    }
    CHECK_FALSE(Has(c.far.get(), POLLIN));  // not during the call
  };
  for (std::string message : {"first message", "second one", "3"}) {
    Write(c.far.get(), message);
    REQUIRE(AwaitBytes(c.descriptor, static_cast<int>(message.size())));
    (void)c.world.Turn();
    CHECK(ReadExactly(c.far.get(), message.size()) == message);
  }
}

TEST_CASE("what the kernel did not take still stands in the slab when the host is told") {
  Connected c;
  most_per_send = 3;
  RestoreSystemCalls restore;
  static int sends;
  sends = 0;
  system_calls.sendmsg = [](int descriptor, const msghdr* message, int flags) -> ssize_t {
    if (sends++ == 0) return ShortSend(descriptor, message, flags);
    errno = EAGAIN;
    return -1;
  };
  Told data;
  c.world.on_dispatch = [&] {
    data = c.world.told.back();
    c.world.Submit(c.name, Operation::kSendSlab, data.offset, data.length);
  };
  std::string rest;
  c.world.on_settle = [&] {
    const Settled& one = c.world.settled.back();
    CHECK(one.status == -EAGAIN);
    CHECK(one.taken == 3);
    rest.assign(reinterpret_cast<const char*>(c.world.memory.slab()) + data.offset + one.taken,
                static_cast<size_t>(data.length - one.taken));
  };
  Write(c.far.get(), "abcdefgh");
  c.world.TurnUntilTold(Kind::kData);
  CHECK(rest == "defgh");
}

TEST_CASE("a partial write asks again with the rest, byte for byte") {
  for (size_t most : {size_t{1}, size_t{5}, size_t{7}}) {
    CAPTURE(most);
    Connected c;
    RestoreSystemCalls restore;
    most_per_send = most;
    system_calls.sendmsg = ShortSend;
    c.world.Send(c.name, "01234");
    c.world.Send(c.name, "56789abc");
    c.world.Send(c.name, "d");
    (void)c.world.Flush();
    CHECK(c.world.settled[0].taken == 14);
    CHECK(c.world.settled[0].status == 0);
    CHECK(ReadExactly(c.far.get(), 14) == "0123456789abcd");
  }
}

TEST_CASE("a send that a signal interrupts is repeated") {
  Connected c;
  RestoreSystemCalls restore;
  static int calls;
  calls = 0;
  system_calls.sendmsg = [](int descriptor, const msghdr* message, int flags) -> ssize_t {
    if (calls++ > 0) return ::sendmsg(descriptor, message, flags);
    errno = EINTR;
    return -1;
  };
  c.world.Send(c.name, "once");
  (void)c.world.Flush();
  CHECK(ReadExactly(c.far.get(), 4) == "once");
}

TEST_CASE("a send that takes nothing and names no errno is an error, and no hang") {
  Connected c;
  RestoreSystemCalls restore;
  system_calls.sendmsg = [](int, const msghdr*, int) -> ssize_t { return 0; };
  c.world.Send(c.name, "anything");
  CHECK(c.world.Flush() > 0);
  CHECK(c.world.settled[0].status == -EIO);
}

TEST_CASE("B23: a full socket says how much it took, and Writable comes once when there is room") {
  for (bool tcp : {true, false}) {
    CAPTURE(tcp);
    Connected c(tcp);
    const std::string block(60000, 'b');
    int64_t taken = 0;
    bool blocked = false;
    while (!blocked) {
      c.world.settled.clear();
      c.world.Send(c.name, block);
      (void)c.world.Flush();
      REQUIRE(c.world.settled.size() == 1);
      taken += c.world.settled[0].taken;
      blocked = c.world.settled[0].status == -EAGAIN;
      if (!blocked) CHECK(c.world.settled[0].status == 0);
    }
    CHECK(c.world.Count(Kind::kWritable) == 0);
    CHECK(ReadExactly(c.far.get(), static_cast<size_t>(taken)).size() ==
          static_cast<size_t>(taken));
    c.world.TurnUntilTold(Kind::kWritable);
    c.world.TurnWhileDue();
    CHECK(c.world.Count(Kind::kWritable) == 1);
    // It is not told again as long as nothing was blocked.
    c.world.Send(c.name, "x");
    (void)c.world.Flush();
    CHECK(ReadExactly(c.far.get(), 1) == "x");
    c.world.TurnWhileDue();
    CHECK(c.world.Count(Kind::kWritable) == 1);
  }
}

TEST_CASE("a send that the caller made itself and that met EAGAIN is heard of, too") {
  Connected c;
  REQUIRE(c.world.reactor->AwaitWritable(c.name) == 0);
  size_t filled = Fill(c.descriptor);
  c.world.TurnWhileDue();
  filled += Fill(c.descriptor);
  c.world.Clear();
  REQUIRE(c.world.reactor->AwaitWritable(c.name) == 0);
  CHECK(ReadExactly(c.far.get(), filled).size() == filled);
  c.world.TurnUntilTold(Kind::kWritable);
  c.world.TurnWhileDue();
  CHECK(c.world.Count(Kind::kWritable) == 1);
  CHECK(c.world.reactor->AwaitWritable({12345, 1}) == -EBADF);
}

TEST_CASE("a write that was refused while connecting is heard of again") {
  // EAGAIN on Linux, ENOTCONN on macOS.
  SUBCASE("EAGAIN") { send_error = EAGAIN; }
  SUBCASE("ENOTCONN") { send_error = ENOTCONN; }
  World world;
  Listening listening = ListenOnLoopback();
  SlotName name;
  REQUIRE(world.reactor->OpenSlot(AF_INET, SOCK_STREAM, 0, SlotKind::kStream, &name) == 0);
  REQUIRE(world.reactor->StartConnect(name, listening.address) == 0);
  RestoreSystemCalls restore;
  system_calls.sendmsg = FailingSend;
  world.Send(name, "early");
  (void)world.Flush();
  CHECK(world.settled[0].status == -EAGAIN);
  system_calls = kRealSystemCalls;
  world.TurnUntilTold(Kind::kConnected);
  world.TurnWhileDue();
  // The one edge was the connection's; without this the writer waits for ever.
  CHECK(world.Count(Kind::kWritable) == 1);
}

TEST_CASE("shutdown comes after the bytes before it, and the other direction goes on") {
  Connected c;
  c.world.Send(c.name, "last words");
  c.world.Submit(c.name, Operation::kShutdown);
  CHECK(c.world.Flush() > 0);
  CHECK(c.world.settled[0].status == 1);
  bool reset = true;
  CHECK(ReadToEnd(c.far.get(), &reset) == "last words");
  CHECK_FALSE(reset);
  Write(c.far.get(), "answer");
  c.world.TurnUntilTold(Kind::kData);
  CHECK(c.world.BytesOf(c.name) == "answer");
}

TEST_CASE("close comes after the bytes before it, and frees the slot") {
  Connected c;
  c.world.Send(c.name, "last words");
  c.world.Submit(c.name, Operation::kClose);
  (void)c.world.Flush();
  bool reset = true;
  CHECK(ReadToEnd(c.far.get(), &reset) == "last words");
  CHECK_FALSE(reset);
  CHECK(c.world.reactor->DescriptorOf(c.name) == -EBADF);
  CHECK(::fcntl(c.descriptor, F_GETFD) == -1);
}

TEST_CASE("shutdown and then close, as a peer that has gone before lets them") {
  Connected c;
  Reset(&c.far);
  REQUIRE(AwaitEnd(c.descriptor));
  c.world.Submit(c.name, Operation::kShutdown);
  c.world.Submit(c.name, Operation::kClose);
  (void)c.world.Flush();
  // shutdown(2) says ENOTCONN here; the descriptor must go all the same.
  CHECK(::fcntl(c.descriptor, F_GETFD) == -1);
  CHECK(c.world.reactor->DescriptorOf(c.name) == -EBADF);
}

TEST_CASE("B19: abort comes instead of the bytes, wherever it stands in the chain") {
  for (bool last : {true, false}) {
    CAPTURE(last);
    Connected c;
    c.world.Send(c.name, "never");
    c.world.Submit(c.name, Operation::kAbort);
    if (!last) c.world.Send(c.name, "nor this");
    (void)c.world.Flush();
    bool reset = false;
    CHECK(ReadToEnd(c.far.get(), &reset).empty());
    CHECK(reset);
    CHECK(::fcntl(c.descriptor, F_GETFD) == -1);
    CHECK(c.world.reactor->DescriptorOf(c.name) == -EBADF);
  }
}

TEST_CASE("Tell: the host hears when all before it was taken") {
  Connected c;
  c.world.Send(c.name, "x");
  c.world.Submit(c.name, Operation::kTell);
  CHECK(c.world.Flush() > 0);
  CHECK(c.world.settled[0].status == 1);
  CHECK(c.world.settled[0].taken == 1);
}

TEST_CASE("an epoch is never that of who has submitted nothing, however many there were") {
  Connected c;
  c.world.memory.header(header::kEpoch) = INT32_MAX;
  c.world.memory.header(header::kTurns) = INT32_MAX;
  c.world.Send(c.name, "last");
  (void)c.world.Flush();
  CHECK(c.world.memory.header(header::kEpoch) == 0);
  (void)c.world.Turn();
  CHECK(c.world.memory.header(header::kEpoch) == 1);
  CHECK(c.world.memory.header(header::kTurns) == 0);
  CHECK(ReadExactly(c.far.get(), 4) == "last");
}

TEST_CASE("a flush empties what was submitted and begins an epoch, and nothing is sent twice") {
  Connected c;
  int32_t epoch = c.world.memory.header(header::kEpoch);
  c.world.Send(c.name, "once");
  (void)c.world.Flush();
  CHECK(c.world.memory.header(header::kEpoch) == epoch + 1);
  CHECK(c.world.memory.header(header::kSubmissionCount) == 0);
  CHECK(c.world.memory.header(header::kHeadCount) == 0);
  CHECK(c.world.memory.header(header::kAreaUsed) == 0);
  CHECK(c.world.reactor->Flush() == 0);
  CHECK(ReadExactly(c.far.get(), 4) == "once");
  CHECK_FALSE(Has(c.far.get(), POLLIN));
}

TEST_CASE(
    "a host that cannot be called any more: its submissions are dropped, and nothing crashes") {
  Connected c;
  c.world.on_dispatch = [&] {
    c.world.Send(c.name, "dropped");
    c.world.reachable = false;
  };
  Write(c.far.get(), "x");
  c.world.TurnUntilTold(Kind::kData);
  CHECK(c.world.counter(k_sends) == 0);
  CHECK(c.world.memory.header(header::kSubmissionCount) == 0);
  CHECK_FALSE(Has(c.far.get(), POLLIN));
}

TEST_CASE("B54: a send that fails says with which errno, once, and no SIGPIPE is raised") {
  Connected c;
  Reset(&c.far);
  REQUIRE(AwaitEnd(c.descriptor));
  c.world.Send(c.name, "x");
  CHECK(c.world.Flush() > 0);
  CHECK(c.world.settled[0].status == -ECONNRESET);
  c.world.TurnUntilTold(Kind::kFailed);
  c.world.TurnWhileDue();
  CHECK(c.world.First(Kind::kFailed).length == -ECONNRESET);
  CHECK(c.world.told.size() == 1);
}
