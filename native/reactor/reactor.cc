// Slots and the turn. See reactor.h.
#include "reactor/reactor.h"

#include <errno.h>

#include "reactor/limits.h"

namespace hawser {
namespace {

uint64_t TokenOf(int32_t index, const Slot& slot) {
  return static_cast<uint64_t>(static_cast<uint32_t>(slot.generation)) << 32 |
         static_cast<uint32_t>(index);
}

}  // namespace

int Reactor::Open(SharedMemory memory) {
  memory_ = memory;
  return poller_.Open();
}

void Reactor::Close() {
  for (int32_t index = 0; index < slots_.size(); index++) {
    Slot& slot = slots_.At(index);
    if (slot.kind == SlotKind::kFree) continue;
    if (slot.filtered) (void)AdmitHandshakes(slot.descriptor);
    (void)system_calls.close(slot.descriptor);
    slots_.Free(index);
  }
  carry_.clear();
  recarry_.clear();
  errors_.clear();
  ended_.clear();
  referenced_ = 0;
  poller_.Close();
}

// ---- slots

int Reactor::OpenSlot(int domain, int type, int protocol, SlotKind kind, SlotName* name) {
  int opened = hawser::OpenSocket(domain, type, protocol);
  if (opened < 0) return opened;
  Descriptor descriptor(opened);
  *name = slots_.Allocate(opened, kind);
  if (name->index < 0) return -ENFILE;
  Slot& slot = slots_.At(name->index);
  slot.domain = domain;
  slot.short_read_partial = domain == AF_UNIX;
  slot.sequenced = type == SOCK_SEQPACKET;
  memory_.Count(records::counter::k_openSlots);
  (void)descriptor.Release();
  return 0;
}

int Reactor::Adopt(int descriptor, SlotKind kind, SlotName* name) {
  int domain = DomainOf(descriptor);
  if (domain < 0) return domain;
  int status = SetNonBlocking(descriptor);
  if (status < 0) return status;
  *name = slots_.Allocate(descriptor, kind);
  if (name->index < 0) return -ENFILE;
  Slot& slot = slots_.At(name->index);
  slot.domain = domain;
  slot.short_read_partial = domain == AF_UNIX;
  slot.sequenced = IntegerOption(descriptor, SOL_SOCKET, SO_TYPE) == SOCK_SEQPACKET;
  SocketAddress peer;
  if (kind == SlotKind::kStream && PeerAddressOf(descriptor, &peer) == 0) {
    slot.peer = ToFlatAddress(peer);
  }
  memory_.Count(records::counter::k_openSlots);
  return 0;
}

int Reactor::StartConnect(SlotName name, const SocketAddress& address) {
  Slot* slot = slots_.Find(name);
  if (slot == nullptr) return -EBADF;
  if (slot->kind != SlotKind::kStream) return -EOPNOTSUPP;
  if (slot->connecting) return -EALREADY;
  if (slot->watched) return -EISCONN;
  int status = Connect(slot->descriptor, address);
  if (status < 0 && status != -EINPROGRESS) return status;
  slot->peer = ToFlatAddress(address);
  slot->connecting = true;
  int added = AddToPoller(name.index, *slot, kInterestRead | kInterestWrite);
  if (added < 0) return added;
  // Known at once (Unix sockets; loopback on some systems): no edge is owed for it.
  if (status == 0) {
    slot->writable = true;
    Carry(name.index, *slot);
  }
  return 0;
}

int Reactor::StartListen(SlotName name, int backlog, int32_t credits) {
  Slot* slot = slots_.Find(name);
  if (slot == nullptr) return -EBADF;
  if (slot->kind != SlotKind::kListener) return -EOPNOTSUPP;
  int status = Listen(slot->descriptor, backlog);
  if (status < 0) return status;
  slot->credits = credits < 0 ? -1 : credits;
  slot->paused = credits == 0;
  if (slot->watched) return 0;
  return AddToPoller(name.index, *slot, slot->paused ? kInterestNone : kInterestRead);
}

int Reactor::Watch(SlotName name) {
  Slot* slot = slots_.Find(name);
  if (slot == nullptr) return -EBADF;
  if (slot->watched) return 0;
  uint32_t interest =
      slot->kind == SlotKind::kListener ? kInterestRead : kInterestRead | kInterestWrite;
  return AddToPoller(name.index, *slot, interest);
}

int Reactor::Pause(SlotName name) {
  Slot* slot = slots_.Find(name);
  if (slot == nullptr) return -EBADF;
  // The interest goes at the first event that comes meanwhile: a pause that is soon over costs
  // none.
  slot->paused = true;
  return 0;
}

int Reactor::Resume(SlotName name) {
  Slot* slot = slots_.Find(name);
  if (slot == nullptr) return -EBADF;
  if (!slot->paused) return 0;
  slot->paused = false;
  if (slot->watched && !(slot->interest & kInterestRead)) {
    // Without the interest nothing would ever be heard of it again, so its owner is told.
    int status = SetInterest(name.index, *slot, slot->interest | kInterestRead);
    if (status < 0 && slot->latched == 0) slot->latched = status;
  }
  if (slot->readable || slot->latched != 0) Carry(name.index, *slot);
  return 0;
}

int Reactor::SetReadiness(SlotName name, bool on) {
  Slot* slot = slots_.Find(name);
  if (slot == nullptr) return -EBADF;
  // Whoever read in readiness mode may have left something, and no edge is owed for that.
  if (slot->readiness && !on && slot->watched && !slot->ended) slot->readable = true;
  slot->readiness = on;
  if (slot->readable && !slot->paused) Carry(name.index, *slot);
  return 0;
}

int Reactor::SetInBlocks(SlotName name, bool on) {
  Slot* slot = slots_.Find(name);
  if (slot == nullptr) return -EBADF;
  slot->in_blocks = on;
  return 0;
}

int Reactor::AwaitWritable(SlotName name) {
  Slot* slot = slots_.Find(name);
  if (slot == nullptr) return -EBADF;
  slot->blocked = true;
  return 0;
}

int Reactor::SetCredits(SlotName name, int32_t credits) {
  Slot* slot = slots_.Find(name);
  if (slot == nullptr) return -EBADF;
  if (slot->kind != SlotKind::kListener) return -EOPNOTSUPP;
  slot->credits = credits < 0 ? -1 : credits;
  return slot->credits == 0 ? Pause(name) : Resume(name);
}

int Reactor::RefuseNew(SlotName name) {
  Slot* slot = slots_.Find(name);
  if (slot == nullptr) return -EBADF;
  if (slot->kind != SlotKind::kListener || slot->domain == AF_UNIX) return -EOPNOTSUPP;
  int status = RefuseHandshakes(slot->descriptor);
  if (status == 0) slot->filtered = true;
  return status;
}

int Reactor::CloseWhenEmpty(SlotName name) {
  Slot* slot = slots_.Find(name);
  if (slot == nullptr) return -EBADF;
  if (slot->kind != SlotKind::kListener) return -EOPNOTSUPP;
  slot->drains = true;
  slot->credits = -1;
  slot->paused = false;
  // Whether there is somebody, accept(2) says; no event is waited for.
  slot->readable = true;
  Carry(name.index, *slot);
  return 0;
}

int Reactor::SetReferenced(SlotName name, bool referenced) {
  Slot* slot = slots_.Find(name);
  if (slot == nullptr) return -EBADF;
  if (slot->referenced == referenced) return 0;
  if (!referenced) CountReference(*slot, -1);
  slot->referenced = referenced;
  if (referenced) CountReference(*slot, 1);
  return 0;
}

int Reactor::CloseSlot(SlotName name, bool reset) {
  Slot* slot = slots_.Find(name);
  if (slot == nullptr) return -EBADF;
  int descriptor = slot->descriptor;
  Forget(name.index, *slot);
  if (reset) {
    CloseWithReset(descriptor);
  } else {
    (void)system_calls.close(descriptor);
  }
  return 0;
}

int Reactor::Release(SlotName name) {
  Slot* slot = slots_.Find(name);
  if (slot == nullptr) return -EBADF;
  int descriptor = slot->descriptor;
  Forget(name.index, *slot);
  return descriptor;
}

int Reactor::DescriptorOf(SlotName name) {
  Slot* slot = slots_.Find(name);
  return slot == nullptr ? -EBADF : slot->descriptor;
}

int Reactor::PeerOf(SlotName name, FlatAddress* out) {
  Slot* slot = slots_.Find(name);
  if (slot == nullptr) return -EBADF;
  *out = slot->peer;
  return 0;
}

int64_t Reactor::DropsOf(SlotName name) {
  Slot* slot = slots_.Find(name);
  return slot == nullptr ? -EBADF : static_cast<int64_t>(slot->drops);
}

// Leaves the poller before the descriptor can be closed (poller.h, rule 7).
void Reactor::Forget(int32_t index, Slot& slot) {
  Retire(index, slot);
  slots_.Reuse(index);
}

void Reactor::Retire(int32_t index, Slot& slot) {
  if (slot.watched) {
    CountReference(slot, -1);
    memory_.Count(records::counter::k_pollerChanges);
    poller_.Remove(slot.descriptor, slot.interest);
  }
  // Others may share the socket, and go on with it.
  if (slot.filtered) (void)AdmitHandshakes(slot.descriptor);
  memory_.Count(records::counter::k_openSlots, -1);
  slots_.Retire(index);
}

void Reactor::Carry(int32_t index, Slot& slot) {
  if (slot.carried) return;
  slot.carried = true;
  carry_.push_back({index, slot.generation});
}

int Reactor::AddToPoller(int32_t index, Slot& slot, uint32_t interest) {
  memory_.Count(records::counter::k_pollerChanges);
  int status = poller_.Add(slot.descriptor, TokenOf(index, slot), interest);
  if (status < 0) return status;
  slot.watched = true;
  slot.interest = static_cast<uint8_t>(interest);
  CountReference(slot, 1);
  return 0;
}

int Reactor::SetInterest(int32_t index, Slot& slot, uint32_t interest) {
  memory_.Count(records::counter::k_pollerChanges);
  int status = poller_.Modify(slot.descriptor, TokenOf(index, slot), slot.interest, interest);
  if (status == 0) slot.interest = static_cast<uint8_t>(interest);
  return status;
}

// Only watched sockets count: one that was opened and never used keeps nobody waiting.
void Reactor::CountReference(Slot& slot, int change) {
  if (!slot.referenced || !slot.watched) return;
  bool before = referenced_ > 0;
  referenced_ += change;
  if (before != (referenced_ > 0)) host_->ReferencesChanged(referenced_ > 0);
}

// ---- the turn

TurnResult Reactor::Turn() {
  // A handler that runs a nested loop gets no turn inside its own: the slab is lent to it.
  if (in_turn_) return TurnResult::kNested;
  if (!memory_.attached() || poller_.descriptor() < 0) return TurnResult::kDone;
  in_turn_ = true;
  memory_.Count(records::counter::k_turns);
  int32_t& turns = memory_.header(records::header::kTurns);
  turns = turns == INT32_MAX ? 0 : turns + 1;
  Collect();
  if (completions_ > 0) {
    memory_.header(records::header::kInTurn) = 1;
    memory_.header(records::header::kCompletionCount) = completions_;
    memory_.Count(records::counter::k_dispatches);
    memory_.Count(records::counter::k_completions, completions_);
    if (!host_->Dispatch(completions_)) DropSubmissions();
  }
  // Flush first, then reuse the slab: lent views that were sent back still stand in it.
  int32_t heads = Flush();
  // What is written from here on has no flush of this turn before it.
  memory_.header(records::header::kInTurn) = 0;
  if (heads > 0) {
    memory_.Count(records::counter::k_settlements);
    host_->Settle(heads);
  }
  if (!ended_.empty()) ReuseEnded();
  in_turn_ = false;
  return carry_.empty() ? TurnResult::kDone : TurnResult::kCarry;
}

void Reactor::ReuseEnded() {
  for (int32_t index : ended_) slots_.Reuse(index);
  ended_.clear();
}

void Reactor::DropSubmissions() {
  memory_.header(records::header::kSubmissionCount) = 0;
  memory_.header(records::header::kHeadCount) = 0;
  memory_.header(records::header::kAreaUsed) = 0;
}

}  // namespace hawser
