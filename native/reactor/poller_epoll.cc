// The poller over epoll(7), edge-triggered. See poller.h for the contract.
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "reactor/poller.h"

namespace hawser {
namespace {

// Events fetched by one system call; more of them cost another turn, nothing else.
constexpr int kBatch = 512;

uint32_t ToEpoll(uint32_t interest) {
  uint32_t events = EPOLLET;
  if (interest & kInterestRead) events |= EPOLLIN | EPOLLRDHUP | EPOLLPRI;
  if (interest & kInterestWrite) events |= EPOLLOUT;
  return events;
}

uint32_t FromEpoll(uint32_t events) {
  uint32_t ready = 0;
  // Rule 3: whatever happened, recv(2) is who tells.
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)) ready |= kReadable;
  // EPOLLHUP and EPOLLERR end a connect in progress, with or without EPOLLOUT.
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) ready |= kWritable;
  if (events & (EPOLLRDHUP | EPOLLHUP)) ready |= kHangUp;
  if (events & EPOLLERR) ready |= kError;
  if (events & EPOLLPRI) ready |= kUrgent;
  return ready;
}

}  // namespace

Poller::~Poller() { Close(); }

int Poller::Open() {
  int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
  if (descriptor < 0) return -errno;
  descriptor_ = descriptor;
  return 0;
}

int Poller::Add(int descriptor, uint64_t token, uint32_t interest) {
  epoll_event event{};
  event.events = ToEpoll(interest);
  event.data.u64 = token;
  return ::epoll_ctl(descriptor_, EPOLL_CTL_ADD, descriptor, &event) < 0 ? -errno : 0;
}

int Poller::Modify(int descriptor, uint64_t token, uint32_t, uint32_t interest) {
  epoll_event event{};
  event.events = ToEpoll(interest);
  event.data.u64 = token;
  return ::epoll_ctl(descriptor_, EPOLL_CTL_MOD, descriptor, &event) < 0 ? -errno : 0;
}

void Poller::Remove(int descriptor, uint32_t) {
  // Explicit, because close(2) alone removes nothing while another descriptor shares the
  // description (a dup, a forked child): see epoll(7), question 6.
  epoll_event unused{};
  (void)::epoll_ctl(descriptor_, EPOLL_CTL_DEL, descriptor, &unused);
}

int Poller::Wait(ReadyEvent* events, int capacity, int timeout_ms) {
  epoll_event batch[kBatch];
  int count = ::epoll_wait(descriptor_, batch, capacity < kBatch ? capacity : kBatch, timeout_ms);
  if (count < 0) return errno == EINTR ? 0 : -errno;
  for (int i = 0; i < count; i++) {
    events[i].token = batch[i].data.u64;
    events[i].ready = FromEpoll(batch[i].events);
  }
  return count;
}

void Poller::Close() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace hawser
