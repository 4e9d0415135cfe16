// What a turn does for a datagram socket: as many datagrams in one system call as there is room
// for, straight into the slab, and what the error queue says of those sent earlier. See reactor.h.
//
// Each datagram of a batch has a small share of the slab, for nearly all are short, and a place in
// Large where it goes on. Only a place that was used is spent; so a turn takes hundreds of small
// datagrams, and none is ever cut for want of room.
#include <errno.h>

#include <algorithm>
#include <cstring>

#include "reactor/limits.h"
#include "reactor/reactor.h"

namespace hawser {

using records::CompletionKind;
namespace completion = records::completion;
namespace counter = records::counter;

namespace {

constexpr int32_t kLargePlaces = records::kCapacity[records::kLarge] / limits::kDatagramRoom;
static_assert(kLargePlaces > 0);
static_assert(kDatagramsPerBatch < 1 << (17 - records::kFollowersShift));

}  // namespace

bool Reactor::ServeDatagrams(int32_t index, Slot& slot) {
  if (slot.writable) {
    slot.writable = false;
    if (slot.blocked) {
      slot.blocked = false;
      Complete(index, slot, CompletionKind::kWritable, 0, 0);
    }
  }
  if (slot.faulty) {
    slot.faulty = false;
    (void)DrainErrors(index, slot);
  }
  if (!TellErrors(index, slot)) return true;
  if (slot.ended) return false;
  int errors = 0;
  for (int count = 0; count < limits::kDatagramsPerTurn;) {
    // More errors than one look took are looked for in the next turn.
    if (slot.paused || !slot.readable) return slot.faulty;
    int room = PlaceDatagrams(slot);
    if (room == 0) return true;
    int got = ReceiveDatagrams(index, slot, room);
    if (got == -EAGAIN) {
      slot.readable = false;
      return slot.faulty;
    }
    if (got < 0) {
      // An asynchronous error was taken by this call. Where the error queue says whom it concerns,
      // that is told; the socket lives on either way. One that comes meanwhile has its own event.
      if (DrainErrors(index, slot) == 0) {
        Complete(index, slot, CompletionKind::kFailed, 0, got);
      } else if (!TellErrors(index, slot)) {
        return true;
      }
      if (++errors == limits::kErrorsPerServe) slot.readable = false;
      got = 1;
    } else {
      errors = 0;
      if (receive_batch_->error() < 0 && HasRoom()) {
        Complete(index, slot, CompletionKind::kFailed, 0, receive_batch_->error());
      }
      if (!MayHaveMore(slot, room, got)) slot.readable = false;
    }
    if (slot.ended) return false;
    count += got;
  }
  return true;
}

// Whether datagrams may be left behind a batch, and how many are asked for next: each that is asked
// for costs as much as a small copy, whether it comes or not. A batch that was not filled has met
// an empty queue, and what arrives after that has its own event. Not so beside an error, which may
// stand behind the datagrams, nor on a Unix socket, which may have ended.
bool Reactor::MayHaveMore(Slot& slot, int room, int got) {
  if (got == room) {
    slot.batch = static_cast<uint8_t>(std::min(2 * slot.batch, kDatagramsPerBatch));
    return true;
  }
  if (got < slot.batch / 4) {
    slot.batch = static_cast<uint8_t>(std::max(slot.batch / 2, limits::kLeastBatch));
  }
  return slot.domain == AF_UNIX || slot.faulty || receive_batch_->error() < 0;
}

// Says where the next datagrams go. How many there is room for.
int Reactor::PlaceDatagrams(const Slot& slot) {
  if (receive_batch_ == nullptr) receive_batch_ = std::make_unique<ReceiveBatch>();
  int32_t share = limits::kPeerPathRoom + (slot.large ? 0 : limits::kSmallDatagramRoom);
  int32_t places = std::min(kLargePlaces - large_used_,
                            (records::kCapacity[records::kSlab] - slab_used_) / share);
  // One more completion may follow the datagrams: an error.
  places = std::min(places, records::kCapacity[records::kCompletions] - completions_ - 1);
  int count = std::max(0, std::min(places, static_cast<int32_t>(slot.batch)));
  uint8_t* small = memory_.slab() + slab_used_;
  uint8_t* large = memory_.large() + static_cast<ptrdiff_t>(large_used_) * limits::kDatagramRoom;
  for (int i = 0; i < count; i++, large += limits::kDatagramRoom) {
    if (slot.large) {
      receive_batch_->Place(i, {large, static_cast<size_t>(limits::kDatagramRoom)}, {nullptr, 0});
      continue;
    }
    constexpr auto kSmall = static_cast<size_t>(limits::kSmallDatagramRoom);
    receive_batch_->Place(i, {small, kSmall},
                          {large + kSmall, static_cast<size_t>(limits::kDatagramRoom) - kSmall});
    small += kSmall;
  }
  return count;
}

// One batch. How many datagrams came, or -errno.
int Reactor::ReceiveDatagrams(int32_t index, Slot& slot, int count) {
  memory_.Count(counter::k_receives);
  int got = receive_batch_->Receive(slot.descriptor, count);
  if (got <= 0) return got == 0 ? -EAGAIN : got;
  // Anybody who may send here could else fill the table of descriptors.
  for (int i = 0; i < got && slot.domain == AF_UNIX; i++) {
    if (receive_batch_->has_details(i)) receive_batch_->CloseDescriptors(i);
  }
  int32_t base = slab_used_;
  if (!slot.large) slab_used_ += got * limits::kSmallDatagramRoom;
  int32_t spent = slot.large ? got : 0;
  bool any_large = false;
  int ended_at = slot.sequenced ? EndOfSequence(got) : got;
  for (int i = 0; i < ended_at; i++) {
    int32_t length = static_cast<int32_t>(
        std::min(receive_batch_->size(i), static_cast<size_t>(limits::kDatagramRoom)));
    int32_t place = large_used_ + i;
    int32_t offset = records::kCapacity[records::kSlab] + place * limits::kDatagramRoom;
    if (!slot.large) {
      int32_t small = base + i * limits::kSmallDatagramRoom;
      if (length <= limits::kSmallDatagramRoom) {
        offset = small;
      } else {
        std::memcpy(memory_.slab() + offset, memory_.slab() + small,
                    static_cast<size_t>(limits::kSmallDatagramRoom));
        spent = i + 1;
      }
    }
    memory_.Count(counter::k_bytesReceived, length);
    any_large |= CompleteDatagram(index, slot, i, offset, ended_at - 1 - i) ||
                 length > limits::kSmallDatagramRoom;
  }
  large_used_ += spent;
  slot.large = any_large;
  if (ended_at < got) Finish(index, slot, 0);
  return got;
}

// Where the end stands among what a sequenced socket gave: recv(2) says 0 of it as of an empty
// message, again and again, but only a message has a time (SO_TIMESTAMPNS, which is on there).
int Reactor::EndOfSequence(int count) {
  for (int i = 0; i < count; i++) {
    if (receive_batch_->size(i) == 0 && !receive_batch_->has_details(i)) return i;
  }
  return count;
}

// Writes the completion of the datagram at `at` of the batch. Whether it is a coalesced run.
bool Reactor::CompleteDatagram(int32_t index, Slot& slot, int at, int32_t offset, int followers) {
  DatagramDetails details = receive_batch_->details(at);
  int32_t length = static_cast<int32_t>(
      std::min(receive_batch_->size(at), static_cast<size_t>(limits::kDatagramRoom)));
  int32_t position = completions_;
  int32_t* record = Complete(index, slot, CompletionKind::kDatagram, offset, length);
  FlatAddress flat = ToFlatAddress(receive_batch_->peer(at));
  if (flat.family == AddressFamily::kUnix) StorePath(PathOf(receive_batch_->peer(at)), &flat);
  record[completion::kPeer] = flat.family == AddressFamily::kNone ? -1 : position;
  *memory_.address(position) = flat;
  record[completion::kLocal] = -1;
  if (details.local.family != AddressFamily::kNone) {
    int32_t local = records::kCapacity[records::kCompletions] + position;
    record[completion::kLocal] = local;
    *memory_.address(local) = details.local;
  }
  record[completion::kInterface] = details.interface_index;
  uint32_t word = static_cast<uint32_t>(followers) << records::kFollowersShift |
                  static_cast<uint32_t>(details.hop_limit & 0xff) << records::kHopLimitShift;
  if (details.traffic_class >= 0) {
    word |= static_cast<uint32_t>(details.traffic_class | records::kClassKnownBit);
  }
  if (receive_batch_->truncated(at)) word |= static_cast<uint32_t>(records::kTruncatedBit);
  record[completion::kEcn] = static_cast<int32_t>(word);
  record[completion::kStride] = details.stride < length ? details.stride : 0;
  auto time = static_cast<uint64_t>(details.time_ns);
  record[completion::kTimeLow] = static_cast<int32_t>(time & 0xffffffffu);
  record[completion::kTimeHigh] = static_cast<int32_t>(time >> 32);
  if (details.has_drops) slot.drops = details.drops;
  return details.stride > 0;
}

// A path does not fit into a flat address: it stands in the slab behind the datagrams
// (records.def).
void Reactor::StorePath(const UnixPath& path, FlatAddress* flat) {
  static_assert(sizeof(sockaddr_un::sun_path) + 8 <= limits::kPeerPathRoom);
  flat->scope = static_cast<uint32_t>(slab_used_);
  flat->port = static_cast<uint16_t>(path.size);
  if (path.size > 0) std::memcpy(memory_.slab() + slab_used_, path.data, path.size);
  slab_used_ += (static_cast<int32_t>(path.size) + 7) & ~7;
}

// Empties the error queue into the list of what is to be told. How many entries there were.
int Reactor::DrainErrors(int32_t index, Slot& slot) {
  if (slot.domain == AF_UNIX) return 0;
  int count = 0;
  for (; count < limits::kErrorsPerDrain; count++) {
    DatagramError error;
    if (TakeDatagramError(slot.descriptor, &error) <= 0) break;
    if (errors_.size() < limits::kPendingErrors) {
      errors_.push_back({{index, slot.generation}, error});
    }
  }
  if (count == limits::kErrorsPerDrain) slot.faulty = true;
  return count;
}

// Tells what error queues gave for this slot, and forgets what they gave for slots that are gone.
// False when there is no room for all of it.
bool Reactor::TellErrors(int32_t index, Slot& slot) {
  size_t kept = 0;
  bool has_room = true;
  for (const PendingError& one : errors_) {
    bool is_ours = one.slot.index == index && one.slot.generation == slot.generation;
    if (is_ours && HasRoom()) {
      int32_t position = completions_;
      int32_t* record = Complete(index, slot, CompletionKind::kDatagramError, 0, one.error.error);
      bool has_peer = one.error.peer.family != AddressFamily::kNone;
      record[completion::kPeer] = has_peer ? position : -1;
      record[completion::kLocal] = -1;
      record[completion::kStride] = static_cast<int32_t>(one.error.info);
      *memory_.address(position) = one.error.peer;
    } else if (is_ours || slots_.Find(one.slot) != nullptr) {
      if (is_ours) has_room = false;
      errors_[kept++] = one;
    }
  }
  errors_.resize(kept);
  return has_room;
}

}  // namespace hawser
