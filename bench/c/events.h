// Readiness, edge-triggered, over epoll (Linux) or kqueue (macOS), for the bench programs.
// The only file here that includes a poller's header; no policy and no protocol.
//
// Both filters are registered once. An event carries the pointer it was registered with. On
// kqueue readable and writable come as two events, so a connection may appear twice in a batch.
#ifndef HAWSER_BENCH_EVENTS_H_
#define HAWSER_BENCH_EVENTS_H_

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_MAX = 512 };

#if defined(__linux__)
#include <sys/epoll.h>
#include <sys/syscall.h>

typedef struct epoll_event event_t;

static inline int events_open(void) { return epoll_create1(EPOLL_CLOEXEC); }

static inline int events_add(int poller, int fd, void* data) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                              .data = {.ptr = data}};
  return epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

// Reading only, for listeners and standard input.
static inline int events_add_reader(int poller, int fd, void* data) {
  struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = data}};
  return epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

// timeout_ns < 0 waits without end.
static inline int events_wait(int poller, event_t* events, int64_t timeout_ns) {
  if (timeout_ns < 0) return epoll_wait(poller, events, EVENTS_MAX, -1);
  if (timeout_ns == 0) return epoll_wait(poller, events, EVENTS_MAX, 0);
#if defined(SYS_epoll_pwait2)
  struct timespec wait = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
  long count = syscall(SYS_epoll_pwait2, poller, events, EVENTS_MAX, &wait, NULL, 0);
  if (count >= 0 || errno != ENOSYS) return (int)count;
#endif
  return epoll_wait(poller, events, EVENTS_MAX, (int)(timeout_ns / 1000000));
}

static inline void* event_data(const event_t* event) { return event->data.ptr; }
static inline bool event_readable(const event_t* event) {
  return (event->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
}
static inline bool event_writable(const event_t* event) { return (event->events & EPOLLOUT) != 0; }
// The peer has finished or failed: a short read is not the last one.
static inline bool event_ending(const event_t* event) {
  return (event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
}

#elif defined(__APPLE__) || defined(__FreeBSD__)
#include <sys/event.h>

typedef struct kevent event_t;

static inline int events_open(void) { return kqueue(); }

static inline int events_add(int poller, int fd, void* data) {
  struct kevent changes[2];
  EV_SET(&changes[0], fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, data);
  EV_SET(&changes[1], fd, EVFILT_WRITE, EV_ADD | EV_CLEAR, 0, 0, data);
  return kevent(poller, changes, 2, NULL, 0, NULL);
}

static inline int events_add_reader(int poller, int fd, void* data) {
  struct kevent change;
  EV_SET(&change, fd, EVFILT_READ, EV_ADD, 0, 0, data);
  return kevent(poller, &change, 1, NULL, 0, NULL);
}

static inline int events_wait(int poller, event_t* events, int64_t timeout_ns) {
  struct timespec wait = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
  return kevent(poller, NULL, 0, events, EVENTS_MAX, timeout_ns < 0 ? NULL : &wait);
}

static inline void* event_data(const event_t* event) { return event->udata; }
static inline bool event_readable(const event_t* event) { return event->filter == EVFILT_READ; }
static inline bool event_writable(const event_t* event) { return event->filter == EVFILT_WRITE; }
static inline bool event_ending(const event_t* event) { return (event->flags & EV_EOF) != 0; }

#else
#error "the bench programs know epoll and kqueue"
#endif

#endif  // HAWSER_BENCH_EVENTS_H_
