// The memory that native code and JavaScript share (records.def), as typed pointers. It does not
// own the memory: whoever made it keeps it alive longer than the reactor.
#ifndef HAWSER_REACTOR_SHARED_MEMORY_H_
#define HAWSER_REACTOR_SHARED_MEMORY_H_

#include "reactor/records.h"

namespace hawser {

class SharedMemory {
 public:
  SharedMemory() = default;
  explicit SharedMemory(uint8_t* base) : base_(base) {}

  bool attached() const { return base_ != nullptr; }

  int32_t& header(records::header::Word word) const {
    return reinterpret_cast<int32_t*>(base_ + records::OffsetOf(records::kHeader))[word];
  }
  void Count(records::counter::Index index, double amount = 1) const {
    reinterpret_cast<double*>(base_ + records::OffsetOf(records::kCounters))[index] += amount;
  }
  int32_t* completion(int index) const {
    return reinterpret_cast<int32_t*>(base_ + records::OffsetOf(records::kCompletions)) +
           index * records::completion::kWords;
  }
  FlatAddress* address(int index) const {
    return reinterpret_cast<FlatAddress*>(base_ + records::OffsetOf(records::kAddresses)) + index;
  }
  int32_t* submission(int index) const {
    return reinterpret_cast<int32_t*>(base_ + records::OffsetOf(records::kSubmissions)) +
           index * records::submission::kWords;
  }
  int32_t* head(int index) const {
    return reinterpret_cast<int32_t*>(base_ + records::OffsetOf(records::kHeads)) +
           index * records::head::kWords;
  }
  uint8_t* area() const { return base_ + records::OffsetOf(records::kArea); }
  uint8_t* slab() const { return base_ + records::OffsetOf(records::kSlab); }
  uint8_t* large() const { return base_ + records::OffsetOf(records::kLarge); }
  FlatAddress* route(int index) const {
    return reinterpret_cast<FlatAddress*>(base_ + records::OffsetOf(records::kRoutes)) + index;
  }

 private:
  uint8_t* base_ = nullptr;
};

}  // namespace hawser

#endif  // HAWSER_REACTOR_SHARED_MEMORY_H_
