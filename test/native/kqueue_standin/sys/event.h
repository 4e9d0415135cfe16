// kqueue(2) for Linux, as much of it as native/reactor/poller_kqueue.cc uses, so that the file is
// compiled unchanged and its rules are tested here. Written from the manual pages kqueue(2) of
// macOS and FreeBSD. Test code: it stands first on the include path of one test binary and nowhere
// else.
//
// What it cannot show:
//  - which errno stands in fflags (Linux cannot look at SO_ERROR without clearing it): it is EIO
//  - the numbers in `data` of EVFILT_WRITE and of a listener, and a low mark that is within the
//    receive buffer: one beyond it means "no data", as on a real system while the buffer has room
//  - events that XNU reports more often than once an edge (EVFILT_WRITE with every acknowledgement)
//  - a connect that waits for its first bytes (TCP_FASTOPEN_CONNECT)
//  - descriptor limits: each filter takes a descriptor here, and none there
//  - the order of events, and a queue that several threads ask at once
#ifndef HAWSER_TEST_KQUEUE_STANDIN_SYS_EVENT_H_
#define HAWSER_TEST_KQUEUE_STANDIN_SYS_EVENT_H_

#include <stdint.h>
#include <time.h>

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_EXCEPT (-15)

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_CLEAR 0x0020
#define EV_RECEIPT 0x0040
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

#define NOTE_LOWAT 0x00000001
#define NOTE_OOB 0x00000002

struct kevent {
  uintptr_t ident;
  int16_t filter;
  uint16_t flags;
  uint32_t fflags;
  intptr_t data;
  void* udata;
};

#define EV_SET(event, ident_, filter_, flags_, fflags_, data_, udata_) \
  do {                                                                 \
    struct kevent* set_ = (event);                                     \
    set_->ident = (ident_);                                            \
    set_->filter = (filter_);                                          \
    set_->flags = (flags_);                                            \
    set_->fflags = (fflags_);                                          \
    set_->data = (data_);                                              \
    set_->udata = (udata_);                                            \
  } while (0)

extern "C" {
int kqueue(void);
int kevent(int queue, const struct kevent* changes, int change_count, struct kevent* events,
           int event_count, const struct timespec* timeout);
}

#endif  // HAWSER_TEST_KQUEUE_STANDIN_SYS_EVENT_H_
