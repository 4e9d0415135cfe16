// What the pollers do when their own system calls fail. The faults are put in by the linker.
#include <doctest/doctest.h>
#include <errno.h>

#include "reactor/poller.h"
#include "support/poller_faults.h"
#include "support/sockets.h"

using namespace hawser;
using namespace hawser::testing;

namespace {
constexpr uint64_t kToken = 3;
}

TEST_CASE("poller: Open tells why there is no instance, and can be called again") {
  Poller poller;
  for (int error : {EMFILE, ENFILE, ENOMEM}) {
    FailNextOpen(error);
    CHECK(poller.Open() == -error);
    CHECK(poller.descriptor() == -1);
  }
  CHECK(poller.Open() == 0);
}

TEST_CASE("poller: Add and Modify tell why they failed, and Remove has nothing to tell") {
  Poller poller;
  REQUIRE(poller.Open() == 0);
  Pair pair = TcpPair();
  for (int error : {ENOMEM, ENOSPC}) {
    FailNextChange(error);
    CHECK(poller.Add(pair.near.get(), kToken, kInterestRead) == -error);
  }
  // Nothing of the failed attempts is left.
  Write(pair.far.get(), "x");
  REQUIRE(AwaitBytes(pair.near.get(), 1));
  ReadyEvent event;
  CHECK(poller.Wait(&event, 1, 0) == 0);

  REQUIRE(poller.Add(pair.near.get(), kToken, kInterestRead) == 0);
  FailNextChange(ENOMEM);
  CHECK(poller.Modify(pair.near.get(), kToken, kInterestRead, kInterestRead | kInterestWrite) ==
        -ENOMEM);
  CHECK(poller.Wait(&event, 1, 0) == 1);
  CHECK(event.token == kToken);
  FailNextChange(EBADF);
  poller.Remove(pair.near.get(), kInterestRead);
}

TEST_CASE("poller: Wait takes EINTR for no event and tells any other error") {
  Poller poller;
  REQUIRE(poller.Open() == 0);
  ReadyEvent event;
  FailNextWait(EINTR);
  CHECK(poller.Wait(&event, 1, -1) == 0);
  FailNextWait(EINVAL);
  CHECK(poller.Wait(&event, 1, -1) == -EINVAL);
}
