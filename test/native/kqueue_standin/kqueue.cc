// The stand-in for kqueue(2), over epoll(7). See sys/event.h for what it cannot show.
//
// A queue is an epoll descriptor, so that it is readable while an event waits. Each filter of a
// descriptor has its own duplicate in it: epoll keeps one entry for a descriptor, and the edges of
// two filters must not re-arm one another. close(2) is wrapped at link time, because it removes
// the filters of a descriptor here as it does there.
#include "kqueue_standin.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/event.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>

extern "C" {
int __real_close(int descriptor);
int __wrap_close(int descriptor);
}

namespace {

struct Knote {
  int queue;
  int descriptor;
  int duplicate;
  int16_t filter;
  uint32_t fflags;
  intptr_t data;
  void* udata;
};

using Key = std::tuple<int, int, int>;  // queue, descriptor, filter
using Knotes = std::map<Key, Knote>;

// Never destroyed: no global has a destructor.
Knotes& AllKnotes() {
  static auto* knotes = new Knotes;
  return *knotes;
}

// Held wherever the two tables are looked at, never while waiting.
std::mutex& Lock() {
  static auto* lock = new std::mutex;
  return *lock;
}

std::map<int, bool>& Queues() {
  static auto* queues = new std::map<int, bool>;
  return *queues;
}

struct Fault {
  int filter;
  int error;
};
Fault fault{0, 0};

// The largest number of events fetched at once.
constexpr int kBatch = 1024;

bool BeyondTheBuffer(const Knote& knote) {
  if (!(knote.fflags & NOTE_LOWAT)) return false;
  int size = 0;
  socklen_t length = sizeof(size);
  return ::getsockopt(knote.duplicate, SOL_SOCKET, SO_RCVBUF, &size, &length) == 0 &&
         knote.data >= size;
}

uint32_t EpollEventsOf(const Knote& knote) {
  switch (knote.filter) {
    case EVFILT_READ:
      return EPOLLET | EPOLLRDHUP | EPOLLIN;
    case EVFILT_WRITE:
      return EPOLLET | EPOLLOUT;
    default: {
      // XNU answers EVFILT_EXCEPT with plain data too, unless a low mark keeps it out.
      uint32_t events = EPOLLET | EPOLLRDHUP;
      if (knote.fflags & NOTE_OOB) events |= EPOLLPRI;
      if (!BeyondTheBuffer(knote)) events |= EPOLLIN;
      return events;
    }
  }
}

// shutdown(SHUT_WR) was called here. Nothing says so directly.
bool SendingIsShut(int descriptor) {
  int domain = 0;
  socklen_t length = sizeof(domain);
  if (::getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &length) < 0) return false;
  if (domain == AF_UNIX) {
    // On a stream nothing is sent by this.
    return ::send(descriptor, "", 0, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EPIPE;
  }
  tcp_info info{};
  length = sizeof(info);
  if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) < 0) return false;
  return info.tcpi_state == TCP_FIN_WAIT1 || info.tcpi_state == TCP_FIN_WAIT2 ||
         info.tcpi_state == TCP_CLOSING || info.tcpi_state == TCP_LAST_ACK ||
         info.tcpi_state == TCP_TIME_WAIT || info.tcpi_state == TCP_CLOSE;
}

bool IsStream(int descriptor) {
  int type = 0;
  socklen_t length = sizeof(type);
  return ::getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM;
}

// The event of a knote, from what epoll said of its duplicate.
struct kevent EventOf(const Knote& knote, uint32_t ready) {
  struct kevent event {};
  event.ident = static_cast<uintptr_t>(knote.descriptor);
  event.filter = knote.filter;
  event.flags = EV_CLEAR;
  event.udata = knote.udata;
  const bool stream = IsStream(knote.duplicate);
  bool end = stream && (ready & EPOLLHUP) != 0;
  if (knote.filter == EVFILT_WRITE) {
    end = end || (stream && SendingIsShut(knote.duplicate));
  } else {
    int bytes = 0;
    if (::ioctl(knote.duplicate, FIONREAD, &bytes) == 0) event.data = bytes;
    if (knote.filter == EVFILT_EXCEPT && (ready & EPOLLPRI)) {
      // XNU looks for the mark first, and says nothing of an end as long as it stands.
      event.fflags = NOTE_OOB;
      return event;
    }
    end = end || (ready & EPOLLRDHUP) != 0;
  }
  if (end) {
    event.flags |= EV_EOF;
    // A datagram socket's error comes without EV_EOF, and nothing names it.
    event.fflags = ready & EPOLLERR ? EIO : 0;
  }
  return event;
}

int AddKnote(int queue, const struct kevent& change) {
  const int descriptor = static_cast<int>(change.ident);
  if (fault.error != 0 && fault.filter == change.filter) {
    int error = fault.error;
    fault = Fault{0, 0};
    return error;
  }
  auto [place, made] = AllKnotes().try_emplace(Key(queue, descriptor, change.filter));
  Knote& knote = place->second;
  if (made) {
    int duplicate = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (duplicate < 0) {
      AllKnotes().erase(place);
      return errno;
    }
    knote = Knote{queue, descriptor, duplicate, change.filter, 0, 0, nullptr};
  }
  knote.fflags = change.fflags;
  knote.data = change.data;
  knote.udata = change.udata;
  epoll_event event{};
  event.events = EpollEventsOf(knote);
  event.data.ptr = &knote;  // std::map keeps its elements in place
  const int operation = made ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (::epoll_ctl(queue, operation, knote.duplicate, &event) == 0) return 0;
  int error = errno;
  __real_close(knote.duplicate);
  AllKnotes().erase(place);
  return error;
}

Knotes::iterator EraseKnote(Knotes::iterator place) {
  epoll_event unused{};
  ::epoll_ctl(place->second.queue, EPOLL_CTL_DEL, place->second.duplicate, &unused);
  __real_close(place->second.duplicate);
  return AllKnotes().erase(place);
}

int DeleteKnote(int queue, const struct kevent& change) {
  auto place = AllKnotes().find(Key(queue, static_cast<int>(change.ident), change.filter));
  if (place == AllKnotes().end()) return ENOENT;
  EraseKnote(place);
  return 0;
}

int ApplyChange(int queue, const struct kevent& change) {
  if (change.filter != EVFILT_READ && change.filter != EVFILT_WRITE &&
      change.filter != EVFILT_EXCEPT) {
    return EINVAL;
  }
  if (::fcntl(static_cast<int>(change.ident), F_GETFD) < 0) return EBADF;
  if (change.flags & EV_DELETE) return DeleteKnote(queue, change);
  // Only edges are shown: a poller that forgot EV_CLEAR must not pass here.
  if (!(change.flags & EV_ADD) || !(change.flags & EV_CLEAR)) return EINVAL;
  return AddKnote(queue, change);
}

}  // namespace

namespace kqueue_standin {

void FailNextAdd(int filter, int error) { fault = Fault{filter, error}; }

int FiltersOf(int descriptor) {
  std::lock_guard<std::mutex> guard(Lock());
  return static_cast<int>(std::count_if(
      AllKnotes().begin(), AllKnotes().end(),
      [descriptor](const auto& entry) { return entry.second.descriptor == descriptor; }));
}

}  // namespace kqueue_standin

extern "C" {

int __wrap_close(int descriptor) {
  std::lock_guard<std::mutex> guard(Lock());
  Queues().erase(descriptor);
  for (auto place = AllKnotes().begin(); place != AllKnotes().end();) {
    const Knote& knote = place->second;
    const bool gone = knote.descriptor == descriptor || knote.queue == descriptor;
    place = gone ? EraseKnote(place) : std::next(place);
  }
  return __real_close(descriptor);
}

int kqueue(void) {
  // Without the flag: closing it on exec is the caller's to ask for.
  std::lock_guard<std::mutex> guard(Lock());
  int queue = ::epoll_create1(0);
  if (queue >= 0) Queues()[queue] = true;
  return queue;
}

int kevent(int queue, const struct kevent* changes, int change_count, struct kevent* events,
           int event_count, const struct timespec* timeout) {
  std::unique_lock<std::mutex> guard(Lock());
  if (Queues().count(queue) == 0) {
    errno = EBADF;
    return -1;
  }
  int count = 0;
  for (int i = 0; i < change_count; i++) {
    int error = ApplyChange(queue, changes[i]);
    if (error == 0 && !(changes[i].flags & EV_RECEIPT)) continue;
    if (count == event_count) {
      errno = error;
      return -1;
    }
    events[count] = changes[i];
    events[count].flags |= EV_ERROR;
    events[count].data = error;
    count++;
  }
  if (count > 0 || event_count == 0) return count;

  if (timeout != nullptr &&
      (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= 1000000000)) {
    errno = EINVAL;
    return -1;
  }
  const int milliseconds =
      timeout == nullptr ? -1
                         : static_cast<int>(timeout->tv_sec * 1000 + timeout->tv_nsec / 1000000);
  epoll_event batch[kBatch];
  guard.unlock();
  int ready = ::epoll_wait(queue, batch, std::min(event_count, kBatch), milliseconds);
  guard.lock();
  for (int i = 0; i < ready; i++) {
    events[i] = EventOf(*static_cast<Knote*>(batch[i].data.ptr), batch[i].events);
  }
  return ready;
}

}  // extern "C"
