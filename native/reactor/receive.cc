// What a turn does for a ready socket: accept, finish a connect, receive. See reactor.h.
#include <errno.h>

#include <cstring>

#include "reactor/limits.h"
#include "reactor/reactor.h"

namespace hawser {

using records::CompletionKind;
namespace counter = records::counter;

namespace {

// accept(2): errors that belong to a connection that is gone, not to the listener. The next one in
// the queue may be fine.
bool IsLostConnection(int error) {
  switch (error) {
    case -ECONNABORTED:
    case -EPROTO:
    case -EPERM:
    case -ENETDOWN:
    case -ENETUNREACH:
    case -EHOSTDOWN:
    case -EHOSTUNREACH:
    case -platform::kNotOnNetwork:
    case -ENOPROTOOPT:
    case -EOPNOTSUPP:
    case -ETIMEDOUT:
      return true;
    default:
      return false;
  }
}

}  // namespace

int32_t* Reactor::Complete(int32_t index, const Slot& slot, CompletionKind kind, int32_t offset,
                           int32_t length) {
  int32_t* record = memory_.completion(completions_++);
  record[records::completion::kSlot] = index;
  record[records::completion::kGeneration] = slot.generation;
  record[records::completion::kKind] = static_cast<int32_t>(kind);
  record[records::completion::kOffset] = offset;
  record[records::completion::kLength] = length;
  for (int word = records::completion::kPeer; word < records::completion::kWords; word++) {
    record[word] = 0;
  }
  return record;
}

bool Reactor::HasRoom() const {
  return completions_ + limits::kCompletionsPerServe <= records::kCapacity[records::kCompletions] &&
         slab_used_ + limits::kLeastReceiveRoom <= records::kCapacity[records::kSlab];
}

// Takes down what an event says. Nothing is read yet.
void Reactor::Note(const ReadyEvent& event) {
  SlotName name{static_cast<int32_t>(event.token & 0xffffffffu),
                static_cast<int32_t>(event.token >> 32)};
  Slot* slot = slots_.Find(name);
  if (slot == nullptr) return;
  if (event.ready & kHangUp) slot->hung_up = true;
  if (event.ready & kUrgent) slot->urgent = true;
  if (event.ready & kReadable) slot->readable = true;
  if ((event.ready & kWritable) && (slot->blocked || slot->connecting)) slot->writable = true;
  // A peer's FIN is no trouble: what it sent before may wait for a reader as long as it likes.
  if (event.ready & kError) slot->faulty = true;
  bool trouble = slot->faulty && !slot->troubled && !slot->ended;
  if (slot->paused && !slot->connecting) {
    // Without this every arriving segment wakes the loop for a socket that nobody reads.
    if (slot->readable && (slot->interest & kInterestRead)) {
      // A poller that cannot take it away only reports more than it has to.
      (void)SetInterest(name.index, *slot, slot->interest & ~static_cast<uint32_t>(kInterestRead));
    }
    bool is_late = slot->ended && slot->faulty;
    if (slot->writable || trouble || is_late) Carry(name.index, *slot);
    return;
  }
  if (slot->readable || slot->writable) Carry(name.index, *slot);
}

// Fills the completions of this turn.
void Reactor::Collect() {
  completions_ = 0;
  slab_used_ = 0;
  large_used_ = 0;
  block_ = BlockPlace();
  ReadyEvent events[limits::kEventsPerTurn];
  memory_.Count(counter::k_waits);
  int count = poller_.Wait(events, limits::kEventsPerTurn, 0);
  if (count > 0) memory_.Count(counter::k_events, count);
  for (int i = 0; i < count; i++) Note(events[i]);

  // First in, first out: what was carried from the last turn stands before what came just now, and
  // who is not empty after its share goes to the end.
  size_t served = 0;
  for (; served < carry_.size() && HasRoom(); served++) {
    SlotName name = carry_[served];
    Slot* slot = slots_.Find(name);
    if (slot == nullptr) continue;
    slot->carried = false;
    if (Serve(name.index, *slot)) {
      slot->carried = true;
      recarry_.push_back(name);
    }
  }
  carry_.erase(carry_.begin(), carry_.begin() + static_cast<std::ptrdiff_t>(served));
  carry_.insert(carry_.end(), recarry_.begin(), recarry_.end());
  recarry_.clear();
}

// Serves one slot once. True when it has to be served again without a new event.
bool Reactor::Serve(int32_t index, Slot& slot) {
  switch (slot.kind) {
    case SlotKind::kStream:
      return slot.connecting ? ServeConnect(index, slot) : ServeStream(index, slot);
    case SlotKind::kListener:
      return ServeListener(index, slot);
    case SlotKind::kDatagram:
      return ServeDatagrams(index, slot);
    case SlotKind::kFree:
      break;
  }
  return false;
}

bool Reactor::ServeConnect(int32_t index, Slot& slot) {
  if (!slot.writable) return false;
  slot.writable = false;
  int error = TakeSocketError(slot.descriptor);
  slot.connecting = false;
  if (error < 0) slot.ended = true;
  Complete(index, slot, CompletionKind::kConnected, 0, error);
  // The one edge that a connect owes is used up; a write that it refused hears of it here.
  if (slot.blocked) {
    slot.blocked = false;
    if (error == 0) Complete(index, slot, CompletionKind::kWritable, 0, 0);
  }
  // Data may have come in the same event as the connection; it follows in the next turn, so that
  // whoever hears of the connection can pause it first.
  return error == 0 && slot.readable && !slot.paused;
}

// End, or the first error that anything said: a recv of 0 after an error is no end.
void Reactor::Finish(int32_t index, Slot& slot, int error) {
  if (slot.latched == 0) slot.latched = error;
  slot.readable = false;
  slot.ended = true;
  if (slot.latched != 0) {
    Complete(index, slot, CompletionKind::kFailed, 0, slot.latched);
  } else {
    Complete(index, slot, CompletionKind::kEnd, 0, 0);
  }
}

// Room for a receive in the blocks of this turn. Nothing of JavaScript's runs between this and the
// receive, so the memory cannot go away under it.
bool Reactor::FindBlockRoom() {
  while (block_.size - block_.used < limits::kLeastReceiveRoom) {
    BlockPlace next;
    next.index = block_.index + 1;
    size_t size = 0;
    if (next.index >= limits::kReceiveBlocks ||
        !host_->ResolveBlock(next.index, &next.data, &size) ||
        size > static_cast<size_t>(INT32_MAX)) {
      return false;
    }
    next.size = static_cast<int32_t>(size);
    next.used = next.index == 0 ? memory_.header(records::header::kBlockUsed) : 0;
    if (next.used < 0 || next.used > next.size) return false;
    block_ = next;
  }
  return true;
}

// Behind the peer's end no recv(2) says what becomes of a connection whose own side is still open.
void Reactor::TellLateFailure(int32_t index, Slot& slot) {
  if (!slot.faulty || slot.latched != 0) return;
  slot.faulty = false;
  slot.latched = TakeSocketError(slot.descriptor);
  if (slot.latched != 0) Complete(index, slot, CompletionKind::kFailed, 0, slot.latched);
}

bool Reactor::ServeStream(int32_t index, Slot& slot) {
  if (slot.writable) {
    slot.writable = false;
    if (slot.blocked) {
      slot.blocked = false;
      Complete(index, slot, CompletionKind::kWritable, 0, 0);
    }
  }
  if (slot.ended) {
    TellLateFailure(index, slot);
    return false;
  }
  if (slot.paused) {
    if (slot.faulty && !slot.troubled) {
      slot.troubled = true;
      Complete(index, slot, CompletionKind::kTrouble, 0, 0);
    }
    return false;
  }
  if (!slot.readable && slot.latched == 0) return false;
  if (slot.readiness) {
    slot.readable = false;
    Complete(index, slot, CompletionKind::kReadable, 0, 0);
    return false;
  }

  // Twice at the most: the bytes, and the end that came with them in the same event.
  for (int attempt = 0; attempt < 2; attempt++) {
    bool in_block = slot.in_blocks && FindBlockRoom();
    int32_t& used = in_block ? block_.used : slab_used_;
    int32_t room = (in_block ? block_.size : records::kCapacity[records::kSlab]) - used;
    int32_t size = room < limits::kBytesPerReceive ? room : limits::kBytesPerReceive;
    if (size < limits::kLeastReceiveRoom) return true;
    uint8_t* into = in_block ? block_.data : memory_.slab();
    memory_.Count(counter::k_receives);
    ssize_t got = Receive(slot.descriptor, into + used, static_cast<size_t>(size));
    if (got == -EAGAIN || got == -EWOULDBLOCK) {
      slot.readable = false;
      if (slot.latched != 0) Finish(index, slot, 0);
      return false;
    }
    if (got <= 0) {
      Finish(index, slot, static_cast<int>(got));
      return false;
    }
    int32_t length = static_cast<int32_t>(got);
    if (in_block) {
      Complete(index, slot, CompletionKind::kBlockData, used, length)[records::completion::kPeer] =
          block_.index;
    } else {
      Complete(index, slot, CompletionKind::kData, used, length);
    }
    memory_.Count(counter::k_bytesReceived, length);
    used += (length + 7) & ~7;
    bool proves_nothing =
        slot.hung_up || slot.urgent || slot.short_read_partial || slot.latched != 0;
    if (length == size) return true;
    if (!proves_nothing) {
      slot.readable = false;
      return false;
    }
    slot.urgent = false;
    if (!slot.hung_up && slot.latched == 0) return true;
  }
  return true;
}

bool Reactor::ServeListener(int32_t index, Slot& slot) {
  if (slot.latched != 0) {
    slot.paused = true;
    Complete(index, slot, CompletionKind::kAcceptFailed, 0, slot.latched);
    slot.latched = 0;
    return false;
  }
  int lost = 0;
  for (int accepted = 0; accepted < limits::kAcceptsPerTurn; accepted++) {
    if (slot.paused || !slot.readable) return false;
    if (slot.credits == 0) {
      slot.paused = true;
      return false;
    }
    if (!HasRoom()) return true;
    int status = AcceptOne(index, slot);
    if (status == -EAGAIN || status == -EWOULDBLOCK) {
      slot.readable = false;
      if (slot.drains) EndListener(index, slot);
      return false;
    }
    bool is_lost = status < 0 && IsLostConnection(status);
    lost = is_lost ? lost + 1 : 0;
    if (status < 0 && (!is_lost || lost == limits::kAcceptsPerTurn)) {
      // EMFILE and its like do not go away by asking again; who listens decides when to resume. Nor
      // does what a whole share of connections in a row is said to have died of.
      slot.paused = true;
      Complete(index, slot, CompletionKind::kAcceptFailed, 0, status);
      return false;
    }
  }
  return true;
}

void Reactor::EndListener(int32_t index, Slot& slot) {
  Complete(index, slot, CompletionKind::kEnd, 0, 0);
  int descriptor = slot.descriptor;
  Retire(index, slot);
  (void)system_calls.close(descriptor);
  // Who has the place next would hide from the host whose End this is, and whose connections those
  // are that are told before it.
  ended_.push_back(index);
}

int Reactor::AcceptOne(int32_t listener_index, Slot& listener) {
  SocketAddress peer;
  memory_.Count(counter::k_accepts);
  int accepted = Accept(listener.descriptor, &peer);
  if (accepted < 0) return accepted;
  Descriptor descriptor(accepted);
  if (listener.filtered) (void)AdmitHandshakes(accepted);
  SlotName name =
      slots_.Allocate(accepted, listener.sequenced ? SlotKind::kDatagram : SlotKind::kStream);
  if (name.index < 0) return -ENFILE;
  Slot& slot = slots_.At(name.index);
  slot.peer = ToFlatAddress(peer);
  slot.domain = listener.domain;
  slot.short_read_partial = listener.short_read_partial;
  slot.sequenced = listener.sequenced;
  int status = AddToPoller(name.index, slot, kInterestRead | kInterestWrite);
  if (status < 0) {
    slots_.Free(name.index);
    return status;
  }
  (void)descriptor.Release();
  memory_.Count(counter::k_openSlots);
  if (listener.credits > 0) listener.credits--;
  int32_t position = completions_;
  int32_t* record =
      Complete(listener_index, listener, CompletionKind::kAccepted, name.index, name.generation);
  record[records::completion::kPeer] = position;
  *memory_.address(position) = slot.peer;
  return 0;
}

}  // namespace hawser
