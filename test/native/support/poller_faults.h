// Faults in the pollers' own system calls, put in by the linker (ld --wrap), each for one call.
// Not on macOS, whose linker cannot do it.
#ifndef HAWSER_TEST_SUPPORT_POLLER_FAULTS_H_
#define HAWSER_TEST_SUPPORT_POLLER_FAULTS_H_

namespace hawser::testing {

// The next call that makes an instance (epoll_create1, kqueue) fails with `error`.
void FailNextOpen(int error);

// The next call that changes what is watched (epoll_ctl, or a change of kevent) fails with `error`.
void FailNextChange(int error);

// The next call that asks for events fails with `error`.
void FailNextWait(int error);

// Whether close(2) ends the watch of a descriptor while a copy of it is open.
bool ClosingForgets();

}  // namespace hawser::testing

#endif  // HAWSER_TEST_SUPPORT_POLLER_FAULTS_H_
