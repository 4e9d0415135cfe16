// The contract of poller.h, rule by rule, on whichever backend this binary is linked with. What the
// bits of an event say (rules 3 to 5) is in poller_readiness_test.cc.
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

#include "support/polling.h"
#include "support/sockets.h"

using namespace hawser;
using namespace hawser::testing;

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
