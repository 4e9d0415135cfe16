// How submissions go out: one gather write per slot, then its shutdown or close. See reactor.h.
//
// The memory of submissions is written by JavaScript. Every index and length in it is checked here,
// so that nothing written there can make native code touch memory that is not its own.
#include <errno.h>

#include "reactor/chain.h"
#include "reactor/limits.h"

namespace hawser {

using records::Operation;
namespace counter = records::counter;

int32_t Reactor::Flush() {
  using records::header::kAreaUsed;
  using records::header::kEpoch;
  using records::header::kHeadCount;
  using records::header::kSubmissionCount;
  int32_t heads = memory_.header(kHeadCount);
  int32_t told = 0;
  if (heads > 0 && heads <= records::kCapacity[records::kHeads]) {
    view_ = ResolvedView();
    memory_.Count(counter::k_flushes);
    memory_.Count(counter::k_submissions, memory_.header(kSubmissionCount));
    for (int32_t i = 0; i < heads; i++) {
      int32_t* head = memory_.head(i);
      FlushHead(head);
      if (head[records::head::kStatus] != 0) told++;
    }
  }
  // Never negative: -1 is the epoch of who has submitted nothing yet, and would then be taken for
  // one that has, in somebody else's chain.
  int32_t& epoch = memory_.header(kEpoch);
  epoch = epoch == INT32_MAX ? 0 : epoch + 1;
  memory_.header(kSubmissionCount) = 0;
  memory_.header(kHeadCount) = 0;
  memory_.header(kAreaUsed) = 0;
  return told > 0 ? heads : 0;
}

void Reactor::FlushHead(int32_t* head) {
  Chain chain{};
  int32_t first = head[records::head::kFirst];
  int32_t count = memory_.header(records::header::kSubmissionCount);
  head[records::head::kStatus] = 0;
  head[records::head::kTaken] = 0;
  if (count > records::kCapacity[records::kSubmissions] || first < 0 || first >= count) {
    head[records::head::kStatus] = -EINVAL;
    return;
  }
  const int32_t* record = memory_.submission(first);
  chain.name = {record[records::submission::kSlot], record[records::submission::kGeneration]};
  chain.slot = slots_.Find(chain.name);
  chain.next = first;
  chain.left = count;
  if (chain.slot == nullptr) {
    head[records::head::kStatus] = -EBADF;
    return;
  }
  if (EndsInAbort(first, count)) {
    (void)CloseSlot(chain.name, true);
    head[records::head::kStatus] = 1;
    return;
  }
  if (chain.slot->kind == SlotKind::kDatagram) {
    while (SendDatagrams(&chain)) {
    }
  } else {
    while (SendChain(&chain)) {
    }
  }
  head[records::head::kTaken] = chain.taken;
  head[records::head::kStatus] = chain.status == 0 && chain.tells ? 1 : chain.status;
}

// Whether an abort stands in the chain: it goes before everything else there.
bool Reactor::EndsInAbort(int32_t first, int32_t count) {
  int32_t at = first;
  for (int32_t left = count; left > 0 && at >= 0 && at < count; left--) {
    const int32_t* record = memory_.submission(at);
    if (record[records::submission::kOperation] == static_cast<int32_t>(Operation::kAbort)) {
      return true;
    }
    at = record[records::submission::kNext];
  }
  return false;
}

// Asks for a view once, where many parts of it are sent one after the other.
bool Reactor::FindView(int32_t index) {
  if (index >= 0 && index == view_.index) return true;
  ResolvedView found;
  found.index = index;
  if (!host_->ResolveView(index, &found.data, &found.size)) return false;
  view_ = found;
  return true;
}

// Where the bytes of a submission stand. False when it names memory that is not there.
bool Reactor::ResolvePart(const int32_t* record, const uint8_t** bytes) {
  int64_t offset = record[records::submission::kOffset];
  int64_t length = record[records::submission::kLength];
  if (offset < 0 || length < 0) return false;
  const uint8_t* base = nullptr;
  size_t size = 0;
  switch (static_cast<Operation>(record[records::submission::kOperation])) {
    case Operation::kSendArea:
    case Operation::kDatagramArea:
      base = memory_.area();
      size = static_cast<size_t>(records::kCapacity[records::kArea]);
      break;
    case Operation::kSendSlab:
    case Operation::kDatagramSlab:
      base = memory_.slab();
      size = static_cast<size_t>(records::kCapacity[records::kSlab]) +
             static_cast<size_t>(records::kCapacity[records::kLarge]);
      break;
    case Operation::kSendView:
    case Operation::kDatagramView:
      if (!FindView(record[records::submission::kView])) return false;
      base = view_.data;
      size = view_.size;
      break;
    default:
      return false;
  }
  if (static_cast<size_t>(offset + length) > size) return false;
  *bytes = base + offset;
  return true;
}

namespace {

// How many of the parts make `bytes`, which are fewer than all; the last one is cut to that.
int PartsOf(size_t bytes, iovec* parts) {
  int count = 0;
  for (; bytes > 0; count++) {
    if (parts[count].iov_len > bytes) parts[count].iov_len = bytes;
    bytes -= parts[count].iov_len;
  }
  return count;
}

}  // namespace

// Carries out the next step of a chain: one gather write, or one operation. False when the chain is
// over, blocked or failed.
bool Reactor::SendChain(Chain* chain) {
  iovec parts[limits::kPartsPerWrite];
  int count = 0;
  size_t total = 0;
  while (chain->next >= 0 && count < limits::kPartsPerWrite) {
    if (chain->left <= 0 || chain->next >= memory_.header(records::header::kSubmissionCount)) {
      chain->status = -EINVAL;
      return false;
    }
    const int32_t* record = memory_.submission(chain->next);
    auto operation = static_cast<Operation>(record[records::submission::kOperation]);
    bool sends = operation == Operation::kSendArea || operation == Operation::kSendSlab ||
                 operation == Operation::kSendView;
    if (!sends) {
      // It stays for the next step, after these bytes.
      if (count > 0) break;
      chain->left--;
      chain->next = record[records::submission::kNext];
      RunOperation(operation, chain);
      return chain->status == 0 && chain->slot != nullptr;
    }
    chain->left--;
    const uint8_t* bytes = nullptr;
    if (!ResolvePart(record, &bytes)) {
      // A stream with a hole is no stream: it fails, as with an error of the kernel's.
      FailChain(chain, -EFAULT);
      return false;
    }
    if (operation == Operation::kSendView) chain->tells = true;
    int32_t length = record[records::submission::kLength];
    if (length > 0) {
      parts[count++] = {const_cast<uint8_t*>(bytes), static_cast<size_t>(length)};
      total += static_cast<size_t>(length);
    }
    chain->next = record[records::submission::kNext];
  }
  if (count == 0) return false;
  if (chain->slot->kind != SlotKind::kStream) {
    chain->status = -EOPNOTSUPP;
    return false;
  }

  const auto share = static_cast<size_t>(limits::kBytesPerFlush - chain->taken);
  if (total <= share) return SendParts(chain, parts, count, total) && chain->next >= 0;
  if (SendParts(chain, parts, PartsOf(share, parts), share)) Yield(chain);
  return false;
}

// Enough for one flush: the rest waits as after EAGAIN, but for the next turn instead of an event.
void Reactor::Yield(Chain* chain) {
  chain->status = -EAGAIN;
  chain->slot->blocked = true;
  chain->slot->writable = true;
  Carry(chain->name.index, *chain->slot);
}

// Gives the kernel all parts. False when it took less than all.
bool Reactor::SendParts(Chain* chain, iovec* parts, int count, size_t total) {
  int first = 0;
  while (total > 0) {
    memory_.Count(counter::k_sends);
    ssize_t sent = SendGather(chain->slot->descriptor, parts + first, count - first);
    // XNU says so, where Linux says EAGAIN, as long as a connect is in progress.
    if (sent == -ENOTCONN && chain->slot->connecting) sent = -EAGAIN;
    // No kernel does this; asked again and again it would be a hang.
    if (sent == 0) sent = -EIO;
    if (sent < 0) {
      chain->status = static_cast<int32_t>(sent == -EWOULDBLOCK ? -EAGAIN : sent);
      if (chain->status == -EAGAIN) {
        chain->slot->blocked = true;
      } else {
        FailChain(chain, chain->status);
      }
      return false;
    }
    memory_.Count(counter::k_bytesSent, static_cast<double>(sent));
    chain->taken += static_cast<int32_t>(sent);
    total -= static_cast<size_t>(sent);
    // Only EAGAIN proves that the buffer is full and that an edge is owed, so a partial write asks
    // again with the rest.
    size_t skip = static_cast<size_t>(sent);
    while (skip > 0 && skip >= parts[first].iov_len) skip -= parts[first++].iov_len;
    if (skip > 0) {
      parts[first].iov_base = static_cast<uint8_t*>(parts[first].iov_base) + skip;
      parts[first].iov_len -= skip;
    }
  }
  return true;
}

// Latched: what was received before is still delivered, and this is then told instead of whatever
// recv(2) says afterwards.
void Reactor::FailChain(Chain* chain, int32_t error) {
  if (chain->slot->latched == 0) chain->slot->latched = error;
  // Behind the peer's end the flush is who tells, and the kernel says the first errno only once.
  chain->status = chain->slot->ended ? chain->slot->latched : error;
  Carry(chain->name.index, *chain->slot);
}

void Reactor::RunOperation(Operation operation, Chain* chain) {
  chain->tells = true;
  switch (operation) {
    case Operation::kTell:
      return;
    case Operation::kShutdown:
      chain->status = Shutdown(chain->slot->descriptor, SHUT_WR);
      // The peer is gone already, which recv(2) tells; a close behind this is still to be done.
      if (chain->status == -ENOTCONN) chain->status = 0;
      // Nothing else would ever tell it: the peer waits for the end, and this side for the peer.
      if (chain->status < 0) FailChain(chain, chain->status);
      return;
    case Operation::kClose:
      (void)CloseSlot(chain->name, false);
      chain->slot = nullptr;
      return;
    default:
      chain->status = -EINVAL;
      return;
  }
}

}  // namespace hawser
