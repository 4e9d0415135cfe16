#include "support/syscall_faults.h"

#include <fcntl.h>
#include <poll.h>

namespace hawser::testing {
namespace {
constexpr int kDescriptorsLookedAt = 1024;
constexpr int kTurnsMost = 200;
}  // namespace

int OpenDescriptors() {
  int count = 0;
  for (int descriptor = 0; descriptor < kDescriptorsLookedAt; descriptor++) {
    if (IsOpen(descriptor)) count++;
  }
  return count;
}

bool IsOpen(int descriptor) { return ::fcntl(descriptor, F_GETFD) >= 0; }

bool ComesToRest(World* world) {
  for (int turns = 0; turns < kTurnsMost; turns++) {
    if (!world->reactor->carries() && !Has(world->reactor->descriptor(), POLLIN)) return true;
    (void)world->Turn();
  }
  return false;
}

}  // namespace hawser::testing
