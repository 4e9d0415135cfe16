// Ways to ask a poller in its tests.
#ifndef HAWSER_TEST_SUPPORT_POLLING_H_
#define HAWSER_TEST_SUPPORT_POLLING_H_

#include <doctest/doctest.h>

#include <map>
#include <vector>

#include "reactor/poller.h"
#include "support/sockets.h"

namespace hawser::testing {

// A token as the reactor makes them: a generation above an index.
inline constexpr uint64_t kToken = 0x0000000700000005u;
inline constexpr uint32_t kBoth = kInterestRead | kInterestWrite;

struct Opened : Poller {
  Opened() { REQUIRE(Open() == 0); }
};

// One Wait; what it said of each token. Fails when a token comes twice (rule 6).
inline std::map<uint64_t, uint32_t> Look(Poller* poller, int timeout_ms = 0, int capacity = 512) {
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
inline uint32_t AwaitReady(Poller* poller, uint32_t bits, uint64_t token = kToken) {
  uint32_t seen = 0;
  while ((seen & bits) != bits) {
    auto events = Look(poller, kPatience);
    REQUIRE_FALSE(events.empty());
    seen |= events[token];
  }
  return seen;
}

inline bool Silent(Poller* poller) { return Look(poller).empty(); }

}  // namespace hawser::testing

#endif  // HAWSER_TEST_SUPPORT_POLLING_H_
