// The readiness contract that the reactor stands on, and the class that both backends implement:
// poller_epoll.cc and poller_kqueue.cc. The build chooses one; each is the only file that includes
// its system header. No policy lives here: a poller reports, it never reads, writes or closes.
//
// The contract, which test/native/poller_test.cc checks on both backends:
//
//  1. Edges. A descriptor is added once and reports each change from "not ready" to "ready" at
//     least once. It may report more often. Who is told "readable" must read until EAGAIN, or
//     remember that it did not: no second report is owed for what was there at the first one.
//  2. State at the start. Adding a descriptor, and giving it an interest that it did not have,
//     reports what is ready at that moment.
//  3. An end is readable. A peer's FIN, a reset and an asynchronous error all set kReadable, so
//     that recv(2) can say which it was. kHangUp is set beside it when the peer has finished or
//     the connection is gone, also when data stands before the end in the same event.
//  4. kError means that SO_ERROR is set or that the error queue holds something.
//  5. kWritable is an edge too: after a send that met EAGAIN it comes when there is room. For a
//     connect in progress it comes when the outcome is known, good or bad.
//  6. One event a descriptor in one Wait. A backend whose system tells read and write apart
//     merges them.
//  7. Order of removal: Remove, then close. After Remove returns no event names that token, not
//     even one of the same Wait whose events are still being looked through by the caller (the
//     caller checks the generation in the token).
//  8. The poller's own descriptor is readable while an event waits, so that it can stand in
//     another poller.
#ifndef HAWSER_REACTOR_POLLER_H_
#define HAWSER_REACTOR_POLLER_H_

#include <cstdint>

namespace hawser {

// What one event says. A set of bits.
enum Readiness : uint32_t {
  kReadable = 1u << 0,
  kWritable = 1u << 1,
  kHangUp = 1u << 2,
  kError = 1u << 3,
  // TCP urgent data stands in the queue: recv(2) stops at its mark, so a short read does not mean
  // that the queue is empty.
  kUrgent = 1u << 4,
};

// What a descriptor is asked about. Hang-ups and errors are always reported.
enum Interest : uint32_t {
  kInterestNone = 0,
  kInterestRead = 1u << 0,
  kInterestWrite = 1u << 1,
};

struct ReadyEvent {
  uint64_t token;  // as given to Add
  uint32_t ready;  // Readiness bits
};

// Not copyable: it owns the descriptor of the epoll or kqueue instance.
class Poller {
 public:
  Poller() = default;
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // Makes the instance. 0, or -errno (EMFILE, ENFILE, ENOMEM).
  int Open();

  // Starts to watch a descriptor. 0, or -errno (ENOMEM, ENOSPC, EEXIST, EPERM, EBADF).
  int Add(int descriptor, uint64_t token, uint32_t interest);

  // Changes the interest of a watched descriptor. `before` is what it was.
  int Modify(int descriptor, uint64_t token, uint32_t before, uint32_t interest);

  // Stops watching. Never fails in a way that a caller could mend. `interest` is what it was.
  void Remove(int descriptor, uint32_t interest);

  // Waits at most `timeout_ms` (0: not at all; -1: for ever). The number of events written to
  // `events`, at most `capacity`; or -errno. EINTR counts as no event.
  int Wait(ReadyEvent* events, int capacity, int timeout_ms);

  // The instance's own descriptor (rule 8), or -1 before Open.
  int descriptor() const { return descriptor_; }

  // Closes the instance. Watched descriptors stay open.
  void Close();

 private:
  int descriptor_ = -1;
};

}  // namespace hawser

#endif  // HAWSER_REACTOR_POLLER_H_
