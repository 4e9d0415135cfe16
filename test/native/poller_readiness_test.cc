// What the bits of an event say (poller.h, rules 3 to 5): ends, errors, room and urgent data.
#include <doctest/doctest.h>
#include <errno.h>
#include <poll.h>

#include "support/polling.h"
#include "support/sockets.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

int ErrorOf(int descriptor) {
  int error = 0;
  socklen_t length = sizeof(error);
  REQUIRE(::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) == 0);
  return error;
}

}  // namespace

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
    "poller rule 4: neither data, nor a FIN, nor our own FIN is an error, and ours is no hang-up") {
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

TEST_CASE("poller: urgent data is told beside readable") {
  Opened poller;
  Pair pair = TcpPair();
  REQUIRE(poller.Add(pair.near.get(), kToken, kBoth) == 0);
  AwaitReady(&poller, kWritable);
  REQUIRE(::send(pair.far.get(), "ab!", 3, MSG_OOB) == 3);
  CHECK((AwaitReady(&poller, kReadable | kUrgent) & (kHangUp | kError)) == 0);
}
