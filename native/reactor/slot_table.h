// Slots: what the reactor knows of each open socket, named by index and generation. A name outlives
// its socket harmlessly: the generation of a slot changes when it is freed, so a late completion or
// submission finds nothing.
#ifndef HAWSER_REACTOR_SLOT_TABLE_H_
#define HAWSER_REACTOR_SLOT_TABLE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "socket/address.h"

namespace hawser {

// Slots that one reactor can hold. Far above any descriptor limit; an index stays within 24 bits.
inline constexpr int32_t kMaxSlots = 1 << 24;

struct SlotName {
  int32_t index = -1;
  int32_t generation = 0;
};

enum class SlotKind : uint8_t { kFree, kStream, kListener, kDatagram };

struct Slot {
  int descriptor = -1;
  int32_t generation = 1;
  int32_t credits = -1;  // listener: connections that may still be accepted; -1 is no limit
  int latched = 0;       // the first errno, negative, kept until it is delivered
  SlotKind kind = SlotKind::kFree;
  uint8_t interest = 0;         // what the poller watches
  uint8_t segments = 0;         // datagrams: 0 not asked yet, 1 the kernel cuts, 2 it does not
  uint8_t batch = 64;           // datagrams that are asked for at once
  int32_t domain = 0;           // AF_*
  uint32_t drops = 0;           // datagrams lost for want of buffer (SO_RXQ_OVFL)
  bool watched : 1;             // added to the poller
  bool readable : 1;            // cleared by EAGAIN, or a short read without hang-up (records.def)
  bool writable : 1;            // an edge came that someone waits for
  bool hung_up : 1;             // a short read proves nothing any more
  bool urgent : 1;              // nor does it beside TCP urgent data
  bool short_read_partial : 1;  // nor ever on a Unix socket, where reads stop at control messages
  bool paused : 1;
  bool connecting : 1;
  bool blocked : 1;     // the last flush met EAGAIN
  bool ended : 1;       // End or Failed was delivered
  bool carried : 1;     // stands in the carry list
  bool referenced : 1;  // keeps the process alive
  bool troubled : 1;    // Trouble was delivered
  bool readiness : 1;   // Readable is told instead of reading
  bool faulty : 1;      // an error is known beneath, and nobody has read it yet
  bool large : 1;       // the last datagrams were longer than their share of the slab
  bool sequenced : 1;   // SOCK_SEQPACKET: datagrams over a connection, which ends
  bool in_blocks : 1;   // receives into blocks
  bool drains : 1;      // listener: closed by the accept that finds nothing
  bool filtered : 1;    // listener: handshakes were refused; what it accepts has inherited that
  FlatAddress peer;     // for error messages after the kernel has forgotten it

  Slot()
      : watched(false),
        readable(false),
        writable(false),
        hung_up(false),
        urgent(false),
        short_read_partial(false),
        paused(false),
        connecting(false),
        blocked(false),
        ended(false),
        carried(false),
        referenced(true),
        troubled(false),
        readiness(false),
        faulty(false),
        large(false),
        sequenced(false),
        in_blocks(false),
        drains(false),
        filtered(false),
        peer{} {}
};

class SlotTable {
 public:
  // Takes a free slot for an open descriptor. index -1 when there is no room.
  SlotName Allocate(int descriptor, SlotKind kind) {
    int32_t index = TakeFree();
    if (index < 0) return {};
    Slot& slot = At(index);
    int32_t generation = slot.generation;
    slot = Slot();
    slot.generation = generation;
    slot.descriptor = descriptor;
    slot.kind = kind;
    open_++;
    return {index, generation};
  }

  // Frees a slot; every name of it is stale from now on. The descriptor is the caller's to close.
  void Free(int32_t index) {
    Retire(index);
    Reuse(index);
  }

  // The same in two steps: its names are stale after the first, and its place is nobody else's
  // before the second.
  void Retire(int32_t index) {
    Slot& slot = At(index);
    slot.kind = SlotKind::kFree;
    slot.descriptor = -1;
    slot.generation = slot.generation == INT32_MAX ? 1 : slot.generation + 1;
    open_--;
  }
  void Reuse(int32_t index) { free_.push_back(index); }

  // The slot of a name, or nullptr when the name is stale or was never one.
  Slot* Find(SlotName name) {
    if (name.index < 0 || name.index >= size_) return nullptr;
    Slot& slot = At(name.index);
    if (slot.kind == SlotKind::kFree || slot.generation != name.generation) return nullptr;
    return &slot;
  }

  Slot& At(int32_t index) { return chunks_[index / kChunk][index % kChunk]; }
  int32_t size() const { return size_; }
  int32_t open() const { return open_; }

 private:
  // Slots stay where they are while the table grows.
  static constexpr int32_t kChunk = 256;

  int32_t TakeFree() {
    if (!free_.empty()) {
      int32_t index = free_.back();
      free_.pop_back();
      return index;
    }
    if (size_ == kMaxSlots) return -1;
    if (size_ % kChunk == 0) chunks_.push_back(std::make_unique<Slot[]>(kChunk));
    return size_++;
  }

  std::vector<std::unique_ptr<Slot[]>> chunks_;
  std::vector<int32_t> free_;
  int32_t size_ = 0;
  int32_t open_ = 0;
};

}  // namespace hawser

#endif  // HAWSER_REACTOR_SLOT_TABLE_H_
