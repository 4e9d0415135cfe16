// The contract of poller.h, rule by rule, on whichever backend this binary is linked with.
#include "reactor/poller.h"

#include <doctest/doctest.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <map>
#include <vector>

#include "support/sockets.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

constexpr uint64_t kToken = 0x0000000700000005u;
constexpr uint32_t kBoth = kInterestRead | kInterestWrite;

struct Opened : Poller {
  Opened() { REQUIRE(Open() == 0); }
};

// One Wait; what it said of each token. Fails when a token comes twice (rule 6).
std::map<uint64_t, uint32_t> Look(Poller* poller, int timeout_ms = 0, int capacity = 512) {
  std::vector<ReadyEvent> events(static_cast<size_t>(capacity));
  int count = poller->Wait(events.data(), capacity, timeout_ms);
  REQUIRE(count >= 0);
  REQUIRE(count <= capacity);
  std::map<uint64_t, uint32_t> seen;
  for (int i = 0; i < count; i++) {
    const ReadyEvent& event = events[static_cast<size_t>(i)];
    CHECK(seen.count(event.token) == 0);
    seen[event.token] |= event.ready;
  }
  return seen;
}

// Waits until all of `bits` were reported for the token; what was reported meanwhile.
uint32_t AwaitReady(Poller* poller, uint32_t bits, uint64_t token = kToken) {
  uint32_t seen = 0;
  while ((seen & bits) != bits) {
    auto events = Look(poller, kPatience);
    REQUIRE_FALSE(events.empty());
    seen |= events[token];
  }
  return seen;
}

bool Silent(Poller* poller) { return Look(poller).empty(); }

int ErrorOf(int descriptor) {
  int error = 0;
  socklen_t length = sizeof(error);
  REQUIRE(::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) == 0);
  return error;
}

}  // namespace

TEST_CASE("poller: the instance is close-on-exec, closes once, and leaves what it watched open") {
  Pair pair = TcpPair();
  Poller poller;
  CHECK(poller.descriptor() == -1);
  REQUIRE(poller.Open() == 0);
  CHECK((::fcntl(poller.descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
  REQUIRE(poller.Add(pair.near.get(), kToken, kBoth) == 0);
  int before = poller.descriptor();
  poller.Close();
  poller.Close();
  CHECK(poller.descriptor() == -1);
  CHECK(::fcntl(before, F_GETFD) == -1);
  Write(pair.far.get(), "x");
  CHECK(ReadExactly(pair.near.get(), 1) == "x");
}

TEST_CASE("poller: a closed descriptor is refused with EBADF") {
  Opened poller;
  int number = TcpPair().near.get();
  CHECK(poller.Add(number, kToken, kInterestRead) == -EBADF);
  CHECK(poller.Add(number, kToken, kInterestNone) == -EBADF);
}

TEST_CASE("poller: Wait gives up after its time, and a signal is no event and no error") {
  Opened poller;
  CHECK(Silent(&poller));
  CHECK(Look(&poller, 1).empty());

  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) {};
  REQUIRE(::sigaction(SIGALRM, &action, &before) == 0);
  itimerval soon{{0, 5000}, {0, 5000}};
  itimerval off{};
  REQUIRE(::setitimer(ITIMER_REAL, &soon, nullptr) == 0);
  CHECK(Look(&poller, -1).empty());
  REQUIRE(::setitimer(ITIMER_REAL, &off, nullptr) == 0);
  REQUIRE(::sigaction(SIGALRM, &before, nullptr) == 0);
}

TEST_CASE(
    "poller rule 1: each change to readable is reported, and what was told is not told again") {
  Opened poller;
  for (bool tcp : {true, false}) {
    CAPTURE(tcp);
    Pair pair = tcp ? TcpPair() : UnixPair();
    REQUIRE(poller.Add(pair.near.get(), kToken, kInterestRead) == 0);
    CHECK(Silent(&poller));
    for (int round = 0; round < 3; round++) {
      Write(pair.far.get(), "ab");
      CHECK(AwaitReady(&poller, kReadable) == kReadable);
      // An edge, not a level: nobody has read, and nothing new came.
      CHECK(Silent(&poller));
      CHECK(ReadExactly(pair.near.get(), 2) == "ab");
      CHECK(Silent(&poller));
    }
    // More bytes behind unread ones are a change too.
    Write(pair.far.get(), "a");
    AwaitReady(&poller, kReadable);
    Write(pair.far.get(), "b");
    AwaitReady(&poller, kReadable);
    poller.Remove(pair.near.get(), kInterestRead);
  }
}

TEST_CASE("poller rule 1: a listener reports connections") {
  Opened poller;
  Listening listening = ListenOnLoopback();
  REQUIRE(poller.Add(listening.descriptor.get(), kToken, kInterestRead) == 0);
  CHECK(Silent(&poller));
  Fd first = ConnectTo(listening.address);
  CHECK(AwaitReady(&poller, kReadable) == kReadable);
  Fd second = ConnectTo(listening.address);
  CHECK(AwaitReady(&poller, kReadable) == kReadable);
}

TEST_CASE("poller rule 2: Add reports what is ready at that moment") {
  Opened poller;
  Pair pair = TcpPair();
  Write(pair.far.get(), "x");
  REQUIRE(AwaitBytes(pair.near.get(), 1));
  REQUIRE(poller.Add(pair.near.get(), kToken, kBoth) == 0);
  auto events = Look(&poller);
  CHECK(events[kToken] == (kReadable | kWritable));
}

TEST_CASE("poller rule 2: an interest that was not there reports what is ready at that moment") {
  Opened poller;
  Pair pair = TcpPair();
  int near = pair.near.get();
  Write(pair.far.get(), "x");
  REQUIRE(AwaitBytes(near, 1));

  REQUIRE(poller.Add(near, kToken, kInterestNone) == 0);
  CHECK(Silent(&poller));
  REQUIRE(poller.Modify(near, kToken, kInterestNone, kInterestRead) == 0);
  CHECK((Look(&poller)[kToken] & kReadable) != 0);
  REQUIRE(poller.Modify(near, kToken, kInterestRead, kBoth) == 0);
  CHECK((Look(&poller)[kToken] & kWritable) != 0);
  // Taken away and given back: told anew, since whoever paused has forgotten nothing.
  REQUIRE(poller.Modify(near, kToken, kBoth, kInterestWrite) == 0);
  (void)Look(&poller);
  REQUIRE(poller.Modify(near, kToken, kInterestWrite, kBoth) == 0);
  CHECK((Look(&poller)[kToken] & kReadable) != 0);
}

TEST_CASE("poller: without read interest, arriving bytes and connections wake nobody") {
  Opened poller;
  Pair pair = TcpPair();
  REQUIRE(poller.Add(pair.near.get(), kToken, kBoth) == 0);
  AwaitReady(&poller, kWritable);
  REQUIRE(poller.Modify(pair.near.get(), kToken, kBoth, kInterestWrite) == 0);
  (void)Look(&poller);
  for (int i = 1; i <= 3; i++) {
    Write(pair.far.get(), "x");
    REQUIRE(AwaitBytes(pair.near.get(), i));
    CHECK(Silent(&poller));
    CHECK_FALSE(Has(poller.descriptor(), POLLIN));
  }

  Listening listening = ListenOnLoopback();
  REQUIRE(poller.Add(listening.descriptor.get(), kToken + 1, kInterestNone) == 0);
  Fd peer = ConnectTo(listening.address);
  REQUIRE(Await(listening.descriptor.get(), POLLIN));
  CHECK(Silent(&poller));
  REQUIRE(poller.Modify(listening.descriptor.get(), kToken + 1, kInterestNone, kInterestRead) == 0);
  CHECK(Look(&poller)[kToken + 1] == kReadable);
  REQUIRE(poller.Modify(listening.descriptor.get(), kToken + 1, kInterestRead, kInterestNone) == 0);
  Fd other = ConnectTo(listening.address);
  REQUIRE(Await(other.get(), POLLOUT));
  CHECK(Silent(&poller));
}

TEST_CASE("poller rule 3: a FIN is readable and a hang-up, also behind data in the same event") {
  Opened poller;
  for (bool tcp : {true, false}) {
    CAPTURE(tcp);
    Pair pair = tcp ? TcpPair() : UnixPair();
    REQUIRE(poller.Add(pair.near.get(), kToken, kInterestRead) == 0);
    Write(pair.far.get(), "0123456789");
    REQUIRE(::shutdown(pair.far.get(), SHUT_WR) == 0);
    REQUIRE(AwaitEnd(pair.near.get()));
    auto events = Look(&poller);
    CHECK(events[kToken] == (kReadable | kHangUp));
    CHECK(ReadToEnd(pair.near.get()) == "0123456789");
    poller.Remove(pair.near.get(), kInterestRead);
  }
}

TEST_CASE(
    "poller rules 3 and 4: a reset is readable, a hang-up and an error, whatever the interest") {
  Opened poller;
  for (uint32_t interest :
       {uint32_t{kInterestRead}, uint32_t{kInterestWrite}, kBoth, uint32_t{kInterestNone}}) {
    CAPTURE(interest);
    Pair pair = TcpPair();
    REQUIRE(poller.Add(pair.near.get(), kToken, interest) == 0);
    (void)Look(&poller);
    Reset(&pair.far);
    uint32_t seen = AwaitReady(&poller, kReadable | kHangUp | kError);
    CHECK((seen & ~(kReadable | kWritable | kHangUp | kError)) == 0);
    CHECK(ErrorOf(pair.near.get()) == ECONNRESET);
    poller.Remove(pair.near.get(), interest);
  }
}

TEST_CASE(
    "poller rule 3: a peer that is gone without an error is a hang-up, whatever the interest") {
  Opened poller;
  for (uint32_t interest :
       {uint32_t{kInterestRead}, uint32_t{kInterestWrite}, kBoth, uint32_t{kInterestNone}}) {
    CAPTURE(interest);
    Pair pair = UnixPair();
    REQUIRE(poller.Add(pair.near.get(), kToken, interest) == 0);
    (void)Look(&poller);
    pair.far.Close();
    CHECK((AwaitReady(&poller, kReadable | kHangUp) & kError) == 0);
    poller.Remove(pair.near.get(), interest);
  }
}

TEST_CASE("poller rule 3: a hang-up comes after the interest was taken away, too") {
  Opened poller;
  Pair pair = TcpPair();
  REQUIRE(poller.Add(pair.near.get(), kToken, kBoth) == 0);
  (void)Look(&poller);
  REQUIRE(poller.Modify(pair.near.get(), kToken, kBoth, kInterestNone) == 0);
  (void)Look(&poller);
  Reset(&pair.far);
  AwaitReady(&poller, kHangUp | kError);
}

TEST_CASE("poller rule 3: an asynchronous error of a datagram socket is readable") {
  Opened poller;
  Pair pair = UdpPair();
  REQUIRE(poller.Add(pair.near.get(), kToken, kInterestRead) == 0);
  pair.far.Close();
  Write(pair.near.get(), "x");
  AwaitReady(&poller, kReadable);
  char byte;
  CHECK(::recv(pair.near.get(), &byte, 1, 0) == -1);
  CHECK(errno == ECONNREFUSED);
}

TEST_CASE("poller rule 3: an empty datagram is readable and nothing else") {
  Opened poller;
  Pair pair = UdpPair();
  REQUIRE(poller.Add(pair.near.get(), kToken, kInterestRead) == 0);
  REQUIRE(::send(pair.far.get(), "", 0, 0) == 0);
  CHECK(AwaitReady(&poller, kReadable) == kReadable);
}

TEST_CASE(
    "poller rule 4: neither data, nor a FIN, nor our own FIN is an error; ours is no hang-up") {
  Opened poller;
  for (bool tcp : {true, false}) {
    CAPTURE(tcp);
    Pair pair = tcp ? TcpPair() : UnixPair();
    REQUIRE(poller.Add(pair.near.get(), kToken, kBoth) == 0);
    AwaitReady(&poller, kWritable);
    REQUIRE(::shutdown(pair.near.get(), SHUT_WR) == 0);
    REQUIRE(AwaitEnd(pair.far.get()));
    CHECK((Look(&poller)[kToken] & (kHangUp | kError)) == 0);
    Write(pair.far.get(), "x");
    CHECK((AwaitReady(&poller, kReadable) & (kHangUp | kError)) == 0);
    pair.far.Close();
    CHECK((AwaitReady(&poller, kHangUp) & kError) == 0);
    CHECK(ErrorOf(pair.near.get()) == 0);
    poller.Remove(pair.near.get(), kBoth);
  }
}

TEST_CASE("poller rule 5: after EAGAIN, writable comes when there is room") {
  Opened poller;
  for (bool tcp : {true, false}) {
    CAPTURE(tcp);
    Pair pair = tcp ? TcpPair() : UnixPair();
    REQUIRE(poller.Add(pair.near.get(), kToken, kBoth) == 0);
    AwaitReady(&poller, kWritable);
    size_t filled = Fill(pair.near.get());
    // TCP moves bytes to the peer on its own; they may make room until the peer's buffer is full.
    while (!Silent(&poller)) filled += Fill(pair.near.get());
    CHECK(ReadExactly(pair.far.get(), filled).size() == filled);
    CHECK(AwaitReady(&poller, kWritable) == kWritable);
    poller.Remove(pair.near.get(), kBoth);
  }
}

TEST_CASE(
    "poller rule 5: a connect in progress is writable when its outcome is known, not before") {
  Opened poller;
  SUBCASE("good") {
    Listening listening = ListenOnLoopback();
    Fd socket = ConnectTo(listening.address);
    REQUIRE(poller.Add(socket.get(), kToken, kBoth) == 0);
    CHECK(AwaitReady(&poller, kWritable) == kWritable);
    CHECK(ErrorOf(socket.get()) == 0);
  }
  SUBCASE("bad") {
    Fd socket = ConnectTo(RefusingAddress());
    REQUIRE(poller.Add(socket.get(), kToken, kBoth) == 0);
    AwaitReady(&poller, kReadable | kWritable | kHangUp | kError);
    CHECK(ErrorOf(socket.get()) == ECONNREFUSED);
  }
#ifdef __linux__  // what a full queue does is not the same elsewhere
  SUBCASE("not yet") {
    Listening listening = ListenOnLoopback(0);
    Fd first = ConnectTo(listening.address);
    REQUIRE(Await(first.get(), POLLOUT));
    REQUIRE(Await(listening.descriptor.get(), POLLIN));
    Fd waiting = ConnectTo(listening.address);  // its SYN is dropped: the queue is full
    REQUIRE(poller.Add(waiting.get(), kToken, kBoth) == 0);
    CHECK(Silent(&poller));
  }
#endif
}

TEST_CASE("poller rule 6: one event a descriptor in one Wait, whatever happened to it") {
  Opened poller;
  Pair pair = TcpPair();
  Write(pair.far.get(), "x");
  REQUIRE(::send(pair.far.get(), "!", 1, MSG_OOB) == 1);
  REQUIRE(::shutdown(pair.far.get(), SHUT_WR) == 0);
  REQUIRE(AwaitEnd(pair.near.get()));
  REQUIRE(poller.Add(pair.near.get(), kToken, kBoth) == 0);
  auto events = Look(&poller);
  CHECK(events.size() == 1);
  CHECK(events[kToken] == (kReadable | kWritable | kHangUp | kUrgent));
}

TEST_CASE("poller rule 6: of many descriptors each has its own event, and none is lost") {
  constexpr int kPairs = 150;
  Opened poller;
  std::vector<Pair> pairs;
  for (int i = 0; i < kPairs; i++) {
    pairs.push_back(UnixPair());
    // Tokens as the reactor makes them: a generation above an index.
    uint64_t token = uint64_t{1} << 32 | static_cast<uint32_t>(i);
    Write(pairs.back().far.get(), "x");
    REQUIRE(poller.Add(pairs.back().near.get(), token, kBoth) == 0);
  }
  for (int capacity : {512, 64, 7, 1}) {
    CAPTURE(capacity);
    std::map<uint64_t, uint32_t> all;
    for (auto some = Look(&poller, 0, capacity); !some.empty(); some = Look(&poller, 0, capacity)) {
      for (auto [token, ready] : some) all[token] |= ready;
    }
    REQUIRE(all.size() == kPairs);
    for (auto [token, ready] : all) CHECK(ready == (kReadable | kWritable));
    for (int i = 0; i < kPairs; i++) {
      Pair& pair = pairs[static_cast<size_t>(i)];
      uint64_t token = uint64_t{1} << 32 | static_cast<uint32_t>(i);
      REQUIRE(poller.Modify(pair.near.get(), token, kBoth, kInterestNone) == 0);
      REQUIRE(poller.Modify(pair.near.get(), token, kInterestNone, kBoth) == 0);
    }
  }
}

TEST_CASE("poller rule 7: after Remove no event names the token, though the socket lives on") {
  Opened poller;
  Pair pair = TcpPair();
  Fd copy(::dup(pair.near.get()));
  int number = pair.near.get();
  REQUIRE(poller.Add(number, kToken, kBoth) == 0);
  Write(pair.far.get(), "x");
  REQUIRE(AwaitBytes(number, 1));
  poller.Remove(number, kBoth);
  pair.near.Close();
  CHECK(Silent(&poller));
  Write(pair.far.get(), "y");
  REQUIRE(AwaitBytes(copy.get(), 2));
  CHECK(Silent(&poller));

  // The number is used again, under another token.
  Pair next = TcpPair();
  Fd reused(number == next.near.get() ? next.near.Release() : ::dup2(next.near.get(), number));
  REQUIRE(reused.get() == number);
  REQUIRE(poller.Add(number, kToken + 1, kBoth) == 0);
  Write(next.far.get(), "z");
  AwaitReady(&poller, kReadable, kToken + 1);
  Reset(&pair.far);
  REQUIRE(AwaitEnd(copy.get()));
  for (auto [token, ready] : Look(&poller)) CHECK(token == kToken + 1);
  poller.Remove(number, kBoth);
  poller.Remove(number, kBoth);  // once more does no harm
}

TEST_CASE("poller rule 8: the poller's own descriptor is readable while an event waits") {
  Opened poller;
  Pair pair = TcpPair();
  REQUIRE(poller.Add(pair.near.get(), kToken, kInterestRead) == 0);
  CHECK_FALSE(Has(poller.descriptor(), POLLIN));
  Write(pair.far.get(), "x");
  REQUIRE(Await(poller.descriptor(), POLLIN));
  AwaitReady(&poller, kReadable);
  CHECK_FALSE(Has(poller.descriptor(), POLLIN));

  // Also for what a small Wait left behind, and inside another poller.
  Opened outer;
  REQUIRE(outer.Add(poller.descriptor(), kToken + 9, kInterestRead) == 0);
  Pair other = TcpPair();
  REQUIRE(poller.Add(other.near.get(), kToken + 1, kInterestRead) == 0);
  Write(pair.far.get(), "x");
  Write(other.far.get(), "x");
  REQUIRE(AwaitBytes(pair.near.get(), 2));
  REQUIRE(AwaitBytes(other.near.get(), 1));
  AwaitReady(&outer, kReadable, kToken + 9);
  CHECK(Look(&poller, 0, 1).size() == 1);
  CHECK(Has(poller.descriptor(), POLLIN));
  CHECK(Look(&poller, 0, 1).size() == 1);
  CHECK_FALSE(Has(poller.descriptor(), POLLIN));
}

TEST_CASE("poller: urgent data is told beside readable") {
  Opened poller;
  Pair pair = TcpPair();
  REQUIRE(poller.Add(pair.near.get(), kToken, kBoth) == 0);
  AwaitReady(&poller, kWritable);
  REQUIRE(::send(pair.far.get(), "ab!", 3, MSG_OOB) == 3);
  CHECK((AwaitReady(&poller, kReadable | kUrgent) & (kHangUp | kError)) == 0);
}
