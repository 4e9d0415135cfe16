// The layout of the shared memory (records.h, shared_memory.h).
#include "reactor/records.h"

#include <doctest/doctest.h>

#include <set>
#include <vector>

#include "reactor/limits.h"
#include "reactor/shared_memory.h"

using namespace hawser;

TEST_CASE("records: regions follow one another, aligned and without overlap, up to the whole") {
  size_t end = 0;
  for (int region = 0; region < records::kRegionCount; region++) {
    CAPTURE(region);
    size_t offset = records::OffsetOf(region);
    CHECK(offset % records::kAlignment == 0);
    CHECK(offset >= end);
    CHECK(offset - end < records::kAlignment);
    end = offset + records::kElementBytes[region] * static_cast<size_t>(records::kCapacity[region]);
  }
  CHECK(records::kTotalBytes >= end);
  CHECK(records::kTotalBytes - end < records::kAlignment);
}

TEST_CASE("records: each accessor names its own memory, first and last element alike") {
  std::vector<uint64_t> block(records::kTotalBytes / sizeof(uint64_t));
  auto* base = reinterpret_cast<uint8_t*>(block.data());
  SharedMemory memory(base);
  CHECK(memory.attached());
  CHECK_FALSE(SharedMemory().attached());
  const struct {
    records::Region region;
    const void* first;
    const void* last;
  } all[] = {
      {records::kCompletions, memory.completion(0),
       memory.completion(records::kCapacity[records::kCompletions] - 1)},
      {records::kAddresses, memory.address(0),
       memory.address(records::kCapacity[records::kAddresses] - 1)},
      {records::kSubmissions, memory.submission(0),
       memory.submission(records::kCapacity[records::kSubmissions] - 1)},
      {records::kHeads, memory.head(0), memory.head(records::kCapacity[records::kHeads] - 1)},
      {records::kArea, memory.area(), memory.area() + records::kCapacity[records::kArea] - 1},
      {records::kSlab, memory.slab(), memory.slab() + records::kCapacity[records::kSlab] - 1},
  };
  for (const auto& one : all) {
    CAPTURE(static_cast<int>(one.region));
    size_t bytes = records::kElementBytes[one.region];
    CHECK(static_cast<const uint8_t*>(one.first) == base + records::OffsetOf(one.region));
    CHECK(static_cast<const uint8_t*>(one.last) ==
          base + records::OffsetOf(one.region) +
              bytes * static_cast<size_t>(records::kCapacity[one.region] - 1));
  }
  memory.header(records::header::kEpoch) = 7;
  memory.Count(records::counter::k_sends, 2);
  memory.Count(records::counter::k_sends);
  CHECK(block[0] != 0);
  double sends;
  std::memcpy(
      &sends,
      base + records::OffsetOf(records::kCounters) + sizeof(double) * records::counter::k_sends,
      sizeof(sends));
  CHECK(sends == 3);
}

TEST_CASE("records: every completion can have an address, and a turn always has room to begin") {
  CHECK(records::kCapacity[records::kAddresses] >= records::kCapacity[records::kCompletions]);
  CHECK(records::kCapacity[records::kCompletions] >= limits::kCompletionsPerServe);
  CHECK(records::kCapacity[records::kSlab] >= limits::kDatagramRoom);
  CHECK(records::kCapacity[records::kSlab] >= limits::kBytesPerReceive);
  CHECK(limits::kBytesPerReceive >= limits::kLeastReceiveRoom);
}

TEST_CASE("records: kinds and operations have numbers of their own") {
  std::set<int> kinds;
  std::set<int> operations;
#define COMPLETION_KIND(name, value, help) CHECK(kinds.insert(value).second);
#include "reactor/records.def"
#define OPERATION(name, value, help) CHECK(operations.insert(value).second);
#include "reactor/records.def"
  CHECK(kinds.count(0) == 0);
  CHECK(operations.count(0) == 0);
}
