// How datagrams go out: as many submissions of a chain as one sendmmsg(2) takes, runs of equal
// segments as one message where the kernel cuts them (UDP_SEGMENT), one by one where it does not.
// One datagram that is refused keeps none of the others. See reactor.h; the memory of submissions
// is not trusted, as in flush.cc.
#include <errno.h>

#include "reactor/chain.h"
#include "reactor/limits.h"

namespace hawser {

using records::Operation;
namespace counter = records::counter;
namespace submission = records::submission;

namespace {

bool IsDatagram(Operation operation) {
  return operation == Operation::kDatagramArea || operation == Operation::kDatagramSlab ||
         operation == Operation::kDatagramView;
}

// Errors of UDP_SEGMENT itself: a device without checksum offload, a kernel without the option,
// segments beyond the path MTU, or a queue that has no room for all of them, and maybe never has.
// Without segments the datagrams speak for themselves.
bool MayBeOfSegments(int error) {
  return error == -EIO || error == -EINVAL || error == -ENOPROTOOPT || error == -EMSGSIZE ||
         error == -ENOBUFS;
}

void Refuse(int32_t* record, int error) {
  record[submission::kOperation] = 0;
  record[submission::kLength] = error;
}

}  // namespace

// The messages of one system call, and the records that they came from.
struct Reactor::DatagramRun {
  int32_t record[kDatagramsPerBatch];
  int32_t bytes[kDatagramsPerBatch];
  bool segmented[kDatagramsPerBatch];
  bool plain = false;  // no segments in this run, whatever the kernel can do
};

// Carries out the next step of a chain: one run of datagrams, or one operation. False when the
// chain is over, blocked or failed.
bool Reactor::SendDatagrams(Chain* chain) {
  if (send_batch_ == nullptr) send_batch_ = std::make_unique<SendBatch>();
  if (chain->next < 0) return false;
  int32_t count = memory_.header(records::header::kSubmissionCount);
  if (chain->left <= 0 || chain->next >= count) {
    chain->status = -EINVAL;
    return false;
  }
  int32_t* record = memory_.submission(chain->next);
  auto operation = static_cast<Operation>(record[submission::kOperation]);
  if (!IsDatagram(operation)) {
    chain->left--;
    chain->next = record[submission::kNext];
    RunOperation(operation, chain);
    return chain->status == 0 && chain->slot != nullptr;
  }
  DatagramRun run;
  if (GatherDatagrams(chain, &run) < 0) return false;
  SendRun(chain, &run);
  if (chain->status != 0) return false;
  if (chain->taken < limits::kBytesPerFlush || chain->next < 0) return true;
  Yield(chain);
  return false;
}

// Fills the batch from the chain. chain->next stays at the first record that is not over.
// 0, or -errno with the chain's status set.
int Reactor::GatherDatagrams(Chain* chain, DatagramRun* run) {
  send_batch_->Clear();
  int32_t count = memory_.header(records::header::kSubmissionCount);
  int32_t at = chain->next;
  for (int32_t left = chain->left; at >= 0 && !send_batch_->full(); left--) {
    if (left <= 0 || at >= count) {
      chain->status = -EINVAL;
      return -EINVAL;
    }
    int32_t* record = memory_.submission(at);
    auto operation = static_cast<Operation>(record[submission::kOperation]);
    // 0: refused by AddSegments below in an earlier run.
    if (record[submission::kOperation] != 0) {
      if (!IsDatagram(operation)) break;
      if (operation == Operation::kDatagramView) chain->tells = true;
      int status = AddSegments(chain, at, run);
      if (status < 0) {
        chain->tells = true;
        Refuse(record, status);
      }
    }
    at = record[submission::kNext];
  }
  return 0;
}

// Adds the messages of one record, as far as the batch has room. 0, or -errno for what cannot be
// sent at all.
int Reactor::AddSegments(Chain* chain, int32_t index, DatagramRun* run) {
  int32_t* record = memory_.submission(index);
  const uint8_t* bytes = nullptr;
  if (!ResolvePart(record, &bytes)) return -EFAULT;
  int32_t length = record[submission::kLength];
  int32_t stride = record[submission::kStride];
  if (stride < 0 || stride > kBytesPerMessage) return -EINVAL;
  DatagramRoute route;
  int32_t peer = record[submission::kPeer];
  int32_t local = record[submission::kLocal];
  constexpr int32_t kRoutes = records::kCapacity[records::kRoutes];
  if (peer >= kRoutes || local >= kRoutes) return -EFAULT;
  if (peer >= 0) route.to = memory_.route(peer);
  if (local >= 0) route.local = memory_.route(local);
  route.interface_index = record[submission::kInterface];
  route.traffic_class = record[submission::kEcn] & 0xff;
  Slot& slot = *chain->slot;
  if (stride > 0 && stride < length && slot.segments == 0) {
    slot.segments = CanSegment(slot.descriptor) ? 1 : 2;
  }
  bool segments = stride > 0 && slot.segments == 1 && !run->plain;
  int32_t most = length;
  if (stride > 0) {
    int32_t fit = kBytesPerMessage / stride;
    most = segments ? stride * (fit < kSegmentsPerMessage ? fit : kSegmentsPerMessage) : stride;
  }
  int32_t done = 0;
  do {
    int32_t size = length - done < most ? length - done : most;
    route.stride = segments && size > stride ? stride : 0;
    int position = send_batch_->count();
    int status = send_batch_->Add(bytes + done, static_cast<size_t>(size), route, slot.domain);
    if (status < 0) return status;
    run->record[position] = index;
    run->bytes[position] = size;
    run->segmented[position] = route.stride > 0;
    done += size;
  } while (done < length && !send_batch_->full());
  return 0;
}

// Sends the batch. On the way it moves the chain past every record that is over.
void Reactor::SendRun(Chain* chain, DatagramRun* run) {
  int total = send_batch_->count();
  int drained = 0;
  int sent = 0;
  while (sent < total) {
    memory_.Count(counter::k_sends);
    int taken = send_batch_->Send(chain->slot->descriptor, sent);
    if (taken < 0) {
      bool is_segmented = run->segmented[sent];
      if (taken == -EAGAIN || (taken == -ENOBUFS && !is_segmented)) {
        chain->status = taken;
        if (taken == -EAGAIN) chain->slot->blocked = true;
        return;
      }
      if (is_segmented && MayBeOfSegments(taken)) {
        // Everything from here on is gathered anew, without segments.
        if (taken == -EIO || taken == -ENOPROTOOPT) chain->slot->segments = 2;
        run->plain = true;
        if (GatherDatagrams(chain, run) < 0) return;
        total = send_batch_->count();
        sent = 0;
        continue;
      }
      // Another datagram's error may have been said to this one (B39), and is as long as the error
      // queue has any: once more. Without one it is its own.
      if (drained < limits::kDrainsPerSend && DrainErrors(chain->name.index, *chain->slot) > 0) {
        drained++;
        Carry(chain->name.index, *chain->slot);
        continue;
      }
      drained = 0;
      int32_t refused = run->record[sent];
      Refuse(memory_.submission(refused), taken);
      chain->tells = true;
      while (sent < total && run->record[sent] == refused) sent++;
    } else {
      drained = 0;
      for (int i = sent; i < sent + taken; i++) {
        int32_t* record = memory_.submission(run->record[i]);
        record[submission::kOffset] += run->bytes[i];
        record[submission::kLength] -= run->bytes[i];
        chain->taken += run->bytes[i];
        memory_.Count(counter::k_bytesSent, run->bytes[i]);
        if (record[submission::kLength] <= 0) record[submission::kOperation] = 0;
      }
      sent += taken;
    }
  }
  while (chain->next >= 0 && chain->left > 0 &&
         memory_.submission(chain->next)[submission::kOperation] == 0) {
    chain->left--;
    chain->next = memory_.submission(chain->next)[submission::kNext];
    if (chain->next >= memory_.header(records::header::kSubmissionCount)) return;
  }
}

}  // namespace hawser
