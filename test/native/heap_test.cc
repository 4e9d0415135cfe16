// What freed memory costs when it comes again (platform/heap.h).
#include "platform/heap.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <vector>

namespace {

constexpr size_t kBlock = 256u << 10;
constexpr size_t kBlocks = 32;
constexpr long kPage = 4096;

long Faults() {
  struct rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

void AllocateTouchAndFree() {
  std::vector<void*> blocks;
  for (size_t i = 0; i < kBlocks; i++) {
    void* block = malloc(kBlock);
    REQUIRE(block != nullptr);
    memset(block, 1, kBlock);
    blocks.push_back(block);
  }
  for (void* block : blocks) free(block);
}

}  // namespace

// Sanitizers bring an allocator of their own.
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("heap: blocks that come and go fault once, not each time") {
  hawser::platform::KeepFreedMemory();
  AllocateTouchAndFree();
  long before = Faults();
  for (int i = 0; i < 10; i++) AllocateTouchAndFree();
  CHECK(Faults() - before < static_cast<long>(kBlocks * kBlock) / kPage);
}
#else
TEST_CASE("heap: harmless with another allocator") {
  hawser::platform::KeepFreedMemory();
  AllocateTouchAndFree();
  CHECK(Faults() > 0);
}
#endif
