// C++'s view of records.def: offsets of the regions and names of the words in them.
#ifndef HAWSER_REACTOR_RECORDS_H_
#define HAWSER_REACTOR_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "socket/address.h"

namespace hawser::records {

inline constexpr size_t kAlignment = 64;
constexpr size_t Align(size_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

enum Region : int {
#define REGION(name, element_bytes, count, help) k##name,
#include "reactor/records.def"
  kRegionCount
};

inline constexpr size_t kElementBytes[] = {
#define REGION(name, element_bytes, count, help) element_bytes,
#include "reactor/records.def"
};

inline constexpr int32_t kCapacity[] = {
#define REGION(name, element_bytes, count, help) count,
#include "reactor/records.def"
};

constexpr size_t OffsetOf(int region) {
  size_t offset = 0;
  for (int i = 0; i < region; i++) {
    offset += Align(kElementBytes[i] * static_cast<size_t>(kCapacity[i]));
  }
  return offset;
}

// Bytes of the whole shared memory.
inline constexpr size_t kTotalBytes = OffsetOf(kRegionCount);

namespace header {
enum Word : int {
#define HEADER(name, help) k##name,
#include "reactor/records.def"
  kCount
};
}  // namespace header
static_assert(header::kCount <= kCapacity[kHeader]);

namespace counter {
enum Index : int {
#define COUNTER(name, help) k_##name,
#include "reactor/records.def"
  kCount
};
}  // namespace counter
static_assert(counter::kCount <= kCapacity[kCounters]);

namespace completion {
enum Word : int {
#define COMPLETION(name, help) k##name,
#include "reactor/records.def"
  kWords
};
}  // namespace completion
static_assert(completion::kWords * 4 == kElementBytes[kCompletions]);

enum class CompletionKind : int32_t {
#define COMPLETION_KIND(name, value, help) k##name = (value),
#include "reactor/records.def"
};

namespace submission {
enum Word : int {
#define SUBMISSION(name, help) k##name,
#include "reactor/records.def"
  kWords
};
}  // namespace submission
static_assert(submission::kWords * 4 == kElementBytes[kSubmissions]);

enum class Operation : int32_t {
#define OPERATION(name, value, help) k##name = (value),
#include "reactor/records.def"
};

namespace head {
enum Word : int {
#define HEAD(name, help) k##name,
#include "reactor/records.def"
  kWords
};
}  // namespace head
static_assert(head::kWords * 4 == kElementBytes[kHeads]);
static_assert(sizeof(FlatAddress) == kElementBytes[kAddresses]);

// The bit of a completion's Ecn word that says that the datagram was cut.
inline constexpr int32_t kTruncatedBit = 1 << 8;
inline constexpr int32_t kClassKnownBit = 1 << 9;
inline constexpr int kFollowersShift = 10;
inline constexpr int kHopLimitShift = 24;

// Offsets of datagrams in Large go on from those in the slab.
static_assert(OffsetOf(kLarge) == OffsetOf(kSlab) + static_cast<size_t>(kCapacity[kSlab]));
// A completion's peer stands at its own index in Addresses, its local address behind all of those.
static_assert(kCapacity[kAddresses] >= 2 * kCapacity[kCompletions]);

}  // namespace hawser::records

#endif  // HAWSER_REACTOR_RECORDS_H_
