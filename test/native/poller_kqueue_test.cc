// What only kqueue needs: several filters for one descriptor, changed by one call.
#include <doctest/doctest.h>
#include <errno.h>
#include <sys/event.h>

#include "kqueue_standin/kqueue_standin.h"
#include "reactor/poller.h"
#include "support/poller_faults.h"
#include "support/sockets.h"

using namespace hawser;
using namespace hawser::testing;

namespace {
constexpr uint64_t kToken = 3;
constexpr uint32_t kBoth = kInterestRead | kInterestWrite;
}  // namespace

TEST_CASE("kqueue: an Add of which one filter fails leaves no filter behind") {
  Poller poller;
  REQUIRE(poller.Open() == 0);
  Pair pair = TcpPair();
  for (int filter : {EVFILT_READ, EVFILT_WRITE, EVFILT_EXCEPT}) {
    CAPTURE(filter);
    kqueue_standin::FailNextAdd(filter, ENOMEM);
    CHECK(poller.Add(pair.near.get(), kToken, kBoth) == -ENOMEM);
    CHECK(kqueue_standin::FiltersOf(pair.near.get()) == 0);
  }
  CHECK(poller.Add(pair.near.get(), kToken, kBoth) == 0);
  CHECK(kqueue_standin::FiltersOf(pair.near.get()) == 3);
}

TEST_CASE("kqueue: after a Modify that failed half way, Remove leaves nothing behind") {
  Poller poller;
  REQUIRE(poller.Open() == 0);
  Pair pair = TcpPair();
  REQUIRE(poller.Add(pair.near.get(), kToken, kInterestNone) == 0);
  kqueue_standin::FailNextAdd(EVFILT_WRITE, ENOMEM);
  CHECK(poller.Modify(pair.near.get(), kToken, kInterestNone, kBoth) == -ENOMEM);
  poller.Remove(pair.near.get(), kInterestNone);
  CHECK(kqueue_standin::FiltersOf(pair.near.get()) == 0);
}

TEST_CASE("kqueue: a change that a signal interrupted is made nevertheless") {
  Poller poller;
  REQUIRE(poller.Open() == 0);
  Pair pair = TcpPair();
  FailNextChange(EINTR);
  CHECK(poller.Add(pair.near.get(), kToken, kBoth) == 0);
  FailNextChange(EINTR);
  poller.Remove(pair.near.get(), kBoth);
  CHECK(kqueue_standin::FiltersOf(pair.near.get()) == 0);
}

TEST_CASE("kqueue: an interest that stays costs no change, and a filter that is gone is no error") {
  Poller poller;
  REQUIRE(poller.Open() == 0);
  Pair pair = TcpPair();
  REQUIRE(poller.Add(pair.near.get(), kToken, kInterestRead) == 0);
  FailNextChange(ENOMEM);
  CHECK(poller.Modify(pair.near.get(), kToken, kInterestRead, kInterestRead) == 0);
  CHECK(poller.Modify(pair.near.get(), kToken, kBoth, kInterestRead) == -ENOMEM);
  CHECK(poller.Modify(pair.near.get(), kToken, kBoth, kInterestRead) == 0);
}

TEST_CASE("kqueue: a listener has no filter for exceptions") {
  Poller poller;
  REQUIRE(poller.Open() == 0);
  Listening listening = ListenOnLoopback();
  REQUIRE(poller.Add(listening.descriptor.get(), kToken, kInterestRead) == 0);
  CHECK(kqueue_standin::FiltersOf(listening.descriptor.get()) == 1);
}

TEST_CASE("kqueue stand-in: close removes the filters of a descriptor, and a queue its own") {
  Pair pair = TcpPair();
  int number = pair.near.get();
  {
    Poller poller;
    REQUIRE(poller.Open() == 0);
    REQUIRE(poller.Add(number, kToken, kBoth) == 0);
    REQUIRE(poller.Add(pair.far.get(), kToken, kBoth) == 0);
    pair.near.Close();
    CHECK(kqueue_standin::FiltersOf(number) == 0);
    CHECK(ReadToEnd(pair.far.get()).empty());
  }
  CHECK(kqueue_standin::FiltersOf(pair.far.get()) == 0);
}
