// The poller over kqueue(2), with EV_CLEAR for edges. See poller.h for the contract.
//
// Three filters stand for one descriptor, and Wait makes one event of them (rule 6):
//
//   EVFILT_READ    while there is read interest
//   EVFILT_WRITE   while there is write interest
//   EVFILT_EXCEPT  always, so that urgent data, hang-ups and errors are told whatever the interest
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/event.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "reactor/poller.h"

namespace hawser {
namespace {

// Filters fetched by one system call; more of them cost another turn, nothing else.
constexpr int kBatch = 512;
constexpr int kFilters = 3;

// Places in the table that finds a token again; a power of two, at most half of it is filled.
constexpr int kTableSize = 2 * kBatch;
constexpr int16_t kFree = -1;

// More than any receive buffer holds: see kWatch.
constexpr intptr_t kNeverThatMuch = 0x7fffffff;

static_assert(sizeof(void*) == sizeof(uint64_t), "udata must hold a token");

// Changes of one descriptor, applied by one system call.
struct Changes {
  const int descriptor;
  const uint64_t token;
  int count = 0;
  struct kevent list[kFilters];

  Changes(int of, uint64_t named) : descriptor(of), token(named) {}

  void Push(int16_t filter, uint16_t action, uint32_t fflags = 0, intptr_t data = 0) {
    // EV_RECEIPT: one answer for each change, and no event is fetched in passing.
    EV_SET(&list[count], static_cast<uintptr_t>(descriptor), filter,
           static_cast<uint16_t>(action | EV_RECEIPT), fflags, data,
           reinterpret_cast<void*>(static_cast<uintptr_t>(token)));
    count++;
  }

  void Add(int16_t filter) { Push(filter, EV_ADD | EV_CLEAR); }

  // XNU answers EVFILT_EXCEPT on a socket as it answers EVFILT_READ, plain data included. The low
  // mark of kqueue(2) keeps data out of it, so that a paused socket does not wake the loop with
  // every segment; only a receive buffer that is full to the brim still passes.
  void Watch() { Push(EVFILT_EXCEPT, EV_ADD | EV_CLEAR, NOTE_OOB | NOTE_LOWAT, kNeverThatMuch); }

  void Delete(int16_t filter) { Push(filter, EV_DELETE); }
};

// 0, or the -errno of the first change that failed. Deleting a filter that is not there is success.
int Apply(int queue, const Changes& changes) {
  if (changes.count == 0) return 0;
  struct kevent receipts[kFilters];
  const timespec at_once{};
  int count;
  do {
    // Changes may be repeated: adding twice is adding, deleting twice is ENOENT.
    count = ::kevent(queue, changes.list, changes.count, receipts, changes.count, &at_once);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return -errno;
  for (int i = 0; i < count; i++) {
    if (!(receipts[i].flags & EV_ERROR) || receipts[i].data == 0) continue;
    if (receipts[i].data == ENOENT && (changes.list[i].flags & EV_DELETE)) continue;
    return -static_cast<int>(receipts[i].data);
  }
  return 0;
}

// A listener is not watched for exceptions: it has none, and a connection in its queue passes every
// low mark (filt_soread_common in XNU's uipc_socket.c), so that a paused one would wake the loop.
// 1, 0, or -EBADF. What is no socket has no such filter either.
int CanBeWatched(int descriptor) {
  int listening = 0;
  socklen_t size = sizeof(listening);
  if (::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0) {
    return errno == EBADF ? -EBADF : 0;
  }
  return listening ? 0 : 1;
}

uint32_t FromKevent(const struct kevent& event) {
  const bool end = event.flags & EV_EOF;
  // Rule 4: with EV_EOF, fflags is SO_ERROR, which is still there to be read.
  if (end && event.fflags != 0) return kReadable | kWritable | kHangUp | kError;
  switch (event.filter) {
    case EVFILT_READ:
      return end ? kReadable | kHangUp : kReadable;
    case EVFILT_WRITE:
      // EV_EOF without an error is also what our own shutdown(SHUT_WR) gives; a peer that is gone
      // shows at the other two filters.
      return kWritable;
    case EVFILT_EXCEPT:
      // Only without EV_EOF are fflags a set of bits: ECONNRESET has the bit of NOTE_OOB.
      if (end) return kReadable | kHangUp;
      // Neither: a datagram socket's asynchronous error, or a full buffer. recv(2) tells which.
      return event.fflags & NOTE_OOB ? kReadable | kUrgent : kReadable;
    default:
      return 0;
  }
}

// Finds the event of a token among those already written. Cleared only as far as it is used.
class TokenTable {
 public:
  explicit TokenTable(int events) {
    while (size_ < 2 * events) size_ *= 2;
    for (int i = 0; i < size_; i++) places_[i] = kFree;
  }

  // The index that the token was given first, or `next`, which it then has.
  int Find(const ReadyEvent* events, uint64_t token, int next) {
    // Fibonacci hashing: slot and generation differ in few low bits.
    const uint32_t mask = static_cast<uint32_t>(size_ - 1);
    uint32_t place = static_cast<uint32_t>((token * 0x9E3779B97F4A7C15u) >> 32) & mask;
    while (places_[place] != kFree) {
      if (events[places_[place]].token == token) return places_[place];
      place = (place + 1) & mask;
    }
    places_[place] = static_cast<int16_t>(next);
    return next;
  }

 private:
  int size_ = 2;
  int16_t places_[kTableSize];
};

}  // namespace

Poller::~Poller() { Close(); }

int Poller::Open() {
  int descriptor = ::kqueue();
  if (descriptor < 0) return -errno;
  // A fork does not inherit a kqueue, an exec without one does (kqueue(2)).
  if (::fcntl(descriptor, F_SETFD, FD_CLOEXEC) < 0) {
    int error = -errno;
    ::close(descriptor);
    return error;
  }
  descriptor_ = descriptor;
  return 0;
}

int Poller::Add(int descriptor, uint64_t token, uint32_t interest) {
  int watched = CanBeWatched(descriptor);
  if (watched < 0) return watched;
  Changes changes(descriptor, token);
  if (interest & kInterestRead) changes.Add(EVFILT_READ);
  if (interest & kInterestWrite) changes.Add(EVFILT_WRITE);
  if (watched) changes.Watch();
  int result = Apply(descriptor_, changes);
  // All or nothing: the filters before the one that failed are there.
  if (result < 0) Remove(descriptor, interest);
  return result;
}

int Poller::Modify(int descriptor, uint64_t token, uint32_t before, uint32_t interest) {
  const uint32_t gained = interest & ~before;
  const uint32_t lost = before & ~interest;
  Changes changes(descriptor, token);
  if (gained & kInterestRead) changes.Add(EVFILT_READ);
  if (gained & kInterestWrite) changes.Add(EVFILT_WRITE);
  if (lost & kInterestRead) changes.Delete(EVFILT_READ);
  if (lost & kInterestWrite) changes.Delete(EVFILT_WRITE);
  return Apply(descriptor_, changes);
}

void Poller::Remove(int descriptor, uint32_t) {
  // close(2) would do it, but only for this number of the description; and all three whatever the
  // interest was, since a Modify may have failed half way.
  Changes changes(descriptor, 0);
  changes.Delete(EVFILT_READ);
  changes.Delete(EVFILT_WRITE);
  changes.Delete(EVFILT_EXCEPT);
  (void)Apply(descriptor_, changes);
}

int Poller::Wait(ReadyEvent* events, int capacity, int timeout_ms) {
  struct kevent batch[kBatch];
  const timespec timeout{timeout_ms / 1000, (timeout_ms % 1000) * 1000000L};
  int fetched = ::kevent(descriptor_, nullptr, 0, batch, capacity < kBatch ? capacity : kBatch,
                         timeout_ms < 0 ? nullptr : &timeout);
  if (fetched < 0) return errno == EINTR ? 0 : -errno;
  TokenTable table(fetched);
  int count = 0;
  for (int i = 0; i < fetched; i++) {
    const uint64_t token = reinterpret_cast<uintptr_t>(batch[i].udata);
    const int place = table.Find(events, token, count);
    if (place == count) {
      events[place] = ReadyEvent{token, 0};
      count++;
    }
    events[place].ready |= FromKevent(batch[i]);
  }
  return count;
}

void Poller::Close() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace hawser
