// The first errno wins (receive.cc, flush.cc): what any call says first is told, after the bytes
// that came before it.
#include <doctest/doctest.h>
#include <errno.h>
#include <sys/socket.h>

#include "support/scripted_receive.h"
#include "support/world.h"

using namespace hawser;
using namespace hawser::testing;

TEST_CASE("the first errno wins: a flush that met ECONNRESET makes no clean end of it") {
  Connected c;
  RestoreSystemCalls restore;
  system_calls.sendmsg = [](int, const msghdr*, int) -> ssize_t {
    errno = ECONNRESET;
    return -1;
  };
  // What was received before it is delivered first.
  ScriptReceives({4, 0});
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
  ScriptReceives({-ETIMEDOUT});
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
  ScriptReceives({-EAGAIN});
  c.world.Send(c.name, "x");
  (void)c.world.Flush();
  c.world.TurnUntilTold(Kind::kFailed);
  CHECK(c.world.First(Kind::kFailed).length == -EPIPE);
}

TEST_CASE("B22: bytes that came before a failure are delivered before it") {
  Connected c;
  RestoreSystemCalls restore;
  ScriptReceives({3, -ECONNRESET, 0});
  Reset(&c.far);
  c.world.TurnUntilTold(Kind::kFailed);
  c.world.TurnWhileDue();
  CHECK(c.world.BytesOf(c.name) == "rrr");
  CHECK(c.world.told.back().length == -ECONNRESET);
  CHECK(c.world.told.size() == 2);
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

TEST_CASE("behind the peer's end a reset is told too, once, paused or not") {
  for (bool paused : {false, true}) {
    CAPTURE(paused);
    Connected c;
    REQUIRE(::shutdown(c.far.get(), SHUT_WR) == 0);
    c.world.TurnUntilTold(Kind::kEnd);
    c.world.Clear();
    if (paused) REQUIRE(c.world.reactor->Pause(c.name) == 0);
    Reset(&c.far);
    c.world.TurnUntilTold(Kind::kFailed);
    c.world.TurnWhileDue();
    REQUIRE(c.world.told.size() == 1);
    // Linux says EPIPE of a reset behind a FIN.
    int error = c.world.First(Kind::kFailed).length;
    CHECK((error == -ECONNRESET || error == -EPIPE));
    // The kernel has forgotten it; the flush has not.
    RestoreSystemCalls restore;
    system_calls.sendmsg = [](int, const msghdr*, int) -> ssize_t {
      errno = ENOTCONN;
      return -1;
    };
    c.world.Send(c.name, "x");
    CHECK(c.world.Flush() > 0);
    CHECK(c.world.settled[0].status == error);
  }
}
