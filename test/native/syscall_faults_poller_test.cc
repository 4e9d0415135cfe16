// The faults of syscall_faults.def in the poller's own calls, under a reactor: put in by the
// linker, one after the other. Not here: what the poller itself answers (poller_fault_test.cc).
#include <doctest/doctest.h>
#include <errno.h>
#include <poll.h>

#include <map>
#include <string>

#include "support/poller_faults.h"
#include "support/syscall_faults.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

void OpenFault(int error) {
  World world;
  Reactor second(&world);
  FailNextOpen(error);
  CHECK(second.Open(world.memory) == -error);
  CHECK(second.descriptor() == -1);
}

void WatchFault(int error) {
  World world;
  Pair pair = TcpPair();
  SlotName name;
  REQUIRE(world.reactor->Adopt(pair.near.get(), SlotKind::kStream, &name) == 0);
  (void)pair.near.Release();
  FailNextChange(error);
  CHECK(world.reactor->Watch(name) == -error);
  CHECK(world.reactor->referenced() == 0);
  Write(pair.far.get(), "x");
  CHECK(ComesToRest(&world));
  CHECK(world.told.empty());
  REQUIRE(world.reactor->Watch(name) == 0);
  world.TurnUntilTold(Kind::kData);
}

void WatchConnectFault(int error) {
  World world;
  Listening listening = ListenOnLoopback();
  SlotName name;
  REQUIRE(world.reactor->OpenSlot(AF_INET, SOCK_STREAM, 0, SlotKind::kStream, &name) == 0);
  FailNextChange(error);
  CHECK(world.reactor->StartConnect(name, listening.address) == -error);
  CHECK(world.reactor->referenced() == 0);
  CHECK(ComesToRest(&world));
  CHECK(world.told.empty());
  CHECK(world.reactor->CloseSlot(name, false) == 0);
}

void WatchAcceptedFault(int error) {
  World world;
  SocketAddress address;
  SlotName listener = world.Listen(&address);
  Fd first = ConnectTo(address);
  REQUIRE(Await(world.reactor->descriptor(), POLLIN));
  FailNextChange(error);
  world.TurnUntilTold(Kind::kAcceptFailed);
  CHECK(world.First(Kind::kAcceptFailed).length == -error);
  CHECK(ComesToRest(&world));
  CHECK(world.Count(Kind::kAccepted) == 0);
  // That one is gone, and knows; the next one is taken.
  CHECK(ReadToEnd(first.get()).empty());
  Fd second = ConnectTo(address);
  REQUIRE(world.reactor->Resume(listener) == 0);
  world.TurnUntilTold(Kind::kAccepted);
}

// A connection that was paused when bytes came, so that its interest is gone.
struct Paused : Connected {
  Paused() {
    REQUIRE(world.reactor->Pause(name) == 0);
    Write(far.get(), "held");
    REQUIRE(AwaitBytes(descriptor, 4));
  }
};

void GiveInterestFault(int error) {
  Paused c;
  CHECK(ComesToRest(&c.world));
  FailNextChange(error);
  REQUIRE(c.world.reactor->Resume(c.name) == 0);
  c.world.TurnUntilTold(Kind::kFailed);
  CHECK(c.world.BytesOf(c.name) == "held");
  CHECK(c.world.First(Kind::kFailed).length == -error);
  CHECK(ComesToRest(&c.world));
  CHECK(c.world.Count(Kind::kFailed) == 1);
}

void TakeInterestFault(int error) {
  Paused c;
  FailNextChange(error);
  CHECK(ComesToRest(&c.world));
  CHECK(c.world.told.empty());
  REQUIRE(c.world.reactor->Resume(c.name) == 0);
  c.world.TurnUntilTold(Kind::kData);
  CHECK(c.world.BytesOf(c.name) == "held");
}

void RemoveFault(int error) {
  Connected c;
  FailNextChange(error);
  CHECK(c.world.reactor->CloseSlot(c.name, false) == 0);
  CHECK_FALSE(IsOpen(c.descriptor));
  CHECK(ComesToRest(&c.world));
  CHECK(c.world.told.empty());
}

void AskFault(int error) {
  Connected c;
  Write(c.far.get(), "late");
  REQUIRE(AwaitBytes(c.descriptor, 4));
  FailNextWait(error);
  (void)c.world.Turn();
  CHECK(c.world.told.empty());
  c.world.TurnUntilTold(Kind::kData);
  CHECK(c.world.BytesOf(c.name) == "late");
}

using Run = void (*)(int error);

const std::map<std::string, Run>& Runs() {
  static const auto* runs = new std::map<std::string, Run>{
      {"open_poller", OpenFault},           {"watch_slot", WatchFault},
      {"watch_connect", WatchConnectFault}, {"watch_accepted", WatchAcceptedFault},
      {"give_interest", GiveInterestFault}, {"take_interest", TakeInterestFault},
      {"remove_slot", RemoveFault},         {"ask_events", AskFault},
  };
  return *runs;
}

struct Entry {
  const char* site;
  const char* error_name;
  int error;
};

constexpr Entry kEntries[] = {
#define POLLER_FAULT(site, error, outcome) {#site, #error, error},
#include "syscall_faults.def"
};

}  // namespace

TEST_CASE("system-call faults: each of the poller's is put in, and told as what it is") {
  std::map<std::string, int> counts;
  for (const Entry& entry : kEntries) {
    const std::string what = std::string(entry.site) + " meets " + entry.error_name;
    INFO(what);
    auto found = Runs().find(entry.site);
    REQUIRE(found != Runs().end());
    int before = OpenDescriptors();
    found->second(entry.error);
    FailNextChange(0);
    CHECK(OpenDescriptors() == before);
    counts[entry.site]++;
  }
  int total = 0;
  for (auto [site, count] : counts) total += count;
  CHECK(counts.size() == Runs().size());
  MESSAGE(total, " faults at ", counts.size(), " places of the poller");
}
