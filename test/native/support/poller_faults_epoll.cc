// See poller_faults.h. For the binary that stands on epoll.
#include <errno.h>
#include <sys/epoll.h>

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
bool ClosingForgets() { return false; }
}  // namespace hawser::testing

extern "C" {
int __real_epoll_create1(int flags);
int __real_epoll_ctl(int instance, int operation, int descriptor, epoll_event* event);
int __real_epoll_wait(int instance, epoll_event* events, int capacity, int timeout);

int __wrap_epoll_create1(int flags) {
  return Fails(&open_error) ? -1 : __real_epoll_create1(flags);
}
int __wrap_epoll_ctl(int instance, int operation, int descriptor, epoll_event* event) {
  return Fails(&change_error) ? -1 : __real_epoll_ctl(instance, operation, descriptor, event);
}
int __wrap_epoll_wait(int instance, epoll_event* events, int capacity, int timeout) {
  return Fails(&wait_error) ? -1 : __real_epoll_wait(instance, events, capacity, timeout);
}
}
