// Sockets that are paused, or read by their owner (reactor.cc, receive.cc): nothing wakes the loop,
// and nothing is lost.
#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include <string>

#include "reactor/limits.h"
#include "support/world.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

using records::counter::k_pollerChanges;
using records::counter::k_receives;

}  // namespace

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

TEST_CASE("a paused socket whose peer has finished can still write, and hears of room alone") {
  Connected c;
  REQUIRE(c.world.reactor->Pause(c.name) == 0);
  Write(c.far.get(), "kept");
  REQUIRE(::shutdown(c.far.get(), SHUT_WR) == 0);
  REQUIRE(AwaitEnd(c.descriptor));
  c.world.TurnWhileDue();
  size_t filled = Fill(c.descriptor);
  while (Has(c.descriptor, POLLOUT)) filled += Fill(c.descriptor);
  REQUIRE(c.world.reactor->AwaitWritable(c.name) == 0);
  CHECK(ReadExactly(c.far.get(), filled).size() == filled);
  c.world.TurnUntilTold(Kind::kWritable);
  c.world.TurnWhileDue();
  CHECK(c.world.told.size() == 1);
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
