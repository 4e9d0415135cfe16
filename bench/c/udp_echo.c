// The limit of UDP echo: recvmmsg, then sendmmsg of the same bytes to where they came from.
#include "udp.h"

#if defined(__linux__)
#include "events.h"
#include "subject.h"

enum { BATCH = 64, EACH_BYTES = 2048 };

static struct mmsghdr headers[BATCH];
static struct iovec vectors[BATCH];
static struct sockaddr_in peers[BATCH];
static uint8_t memory[BATCH][EACH_BYTES];

static void prepare(void) {
  for (int i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){.iov_base = memory[i], .iov_len = EACH_BYTES};
    headers[i].msg_hdr = (struct msghdr){.msg_name = &peers[i],
                                         .msg_namelen = sizeof peers[i],
                                         .msg_iov = &vectors[i],
                                         .msg_iovlen = 1};
  }
}

static void echo(int fd) {
  for (;;) {
    for (int i = 0; i < BATCH; i++) {
      vectors[i].iov_len = EACH_BYTES;
      headers[i].msg_hdr.msg_namelen = sizeof peers[i];
    }
    int count = recvmmsg(fd, headers, BATCH, MSG_DONTWAIT, NULL);
    if (count <= 0) return;
    for (int i = 0; i < count; i++) vectors[i].iov_len = headers[i].msg_len;
    // What the kernel does not take is lost, as datagrams may be.
    sendmmsg(fd, headers, (unsigned)count, 0);
    if (count < BATCH) return;
  }
}

int main(void) {
  int fd = bind_udp();
  int buffer = receive_buffer(fd);
  prepare();
  int poller = events_open();
  if (events_add_reader(poller, fd, (void*)(intptr_t)fd) != 0) fail("events_add");
  if (events_add_reader(poller, STDIN_FILENO, (void*)(intptr_t)STDIN_FILENO) != 0) fail("stdin");
  announce_with(bound_port(fd), "receiveBuffer", buffer);
  static event_t events[EVENTS_MAX];
  for (;;) {
    int count = events_wait(poller, events, -1);
    for (int i = 0; i < count; i++) {
      if ((int)(intptr_t)event_data(&events[i]) == fd) {
        echo(fd);
      } else {
        answer_runner();
      }
    }
  }
}
#else
int main(void) { no_udp_here(); }
#endif
