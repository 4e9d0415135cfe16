// See poller_faults.h. For the binary that stands on the stand-in for kqueue.
#include <errno.h>
#include <sys/event.h>

#include <utility>

#include "support/poller_faults.h"

namespace {
int open_error = 0;
int change_error = 0;
int wait_error = 0;

bool Fails(int* error) {
  if (*error == 0) return false;
  errno = std::exchange(*error, 0);
  return true;
}
}  // namespace

namespace hawser::testing {
void FailNextOpen(int error) { open_error = error; }
void FailNextChange(int error) { change_error = error; }
void FailNextWait(int error) { wait_error = error; }
bool ClosingForgets() { return true; }
}  // namespace hawser::testing

extern "C" {
int __real_kqueue(void);
int __real_kevent(int queue, const struct kevent* changes, int change_count, struct kevent* events,
                  int event_count, const struct timespec* timeout);

int __wrap_kqueue(void) { return Fails(&open_error) ? -1 : __real_kqueue(); }
int __wrap_kevent(int queue, const struct kevent* changes, int change_count, struct kevent* events,
                  int event_count, const struct timespec* timeout) {
  if (Fails(change_count > 0 ? &change_error : &wait_error)) return -1;
  return __real_kevent(queue, changes, change_count, events, event_count, timeout);
}
}
