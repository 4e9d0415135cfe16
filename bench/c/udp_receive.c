// The limit of receiving datagrams: recvmmsg in batches with the control messages that a complete
// interface delivers (destination, TOS, time), every datagram touched. With --gro the kernel
// coalesces (UDP_GRO) and segments are walked here. `count` answers what came.
#include "udp.h"

#if defined(__linux__)
#include "events.h"
#include "subject.h"

enum { BATCH = 64, PLAIN_BYTES = 2048, GRO_BYTES = 65536, CONTROL_BYTES = 256 };

// What a caller would be told of each message.
typedef struct {
  struct in_pktinfo destination;
  uint8_t tos;
  struct timespec time;
  int segment_bytes;
} info_t;

static uint64_t datagrams;
static uint64_t sum;  // of first bytes
static info_t last;

static void read_control(struct msghdr* message, info_t* info) {
  info->segment_bytes = 0;
  for (struct cmsghdr* c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      memcpy(&info->destination, CMSG_DATA(c), sizeof info->destination);
    } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
      info->tos = *CMSG_DATA(c);
    } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
      memcpy(&info->time, CMSG_DATA(c), sizeof info->time);
    } else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
      memcpy(&info->segment_bytes, CMSG_DATA(c), sizeof info->segment_bytes);
    }
  }
}

static void touch(const uint8_t* bytes, size_t length, size_t segment) {
  for (size_t at = 0; at < length; at += segment) {
    sum += bytes[at];
    datagrams++;
  }
}

static struct mmsghdr headers[BATCH];
static struct iovec vectors[BATCH];
static struct sockaddr_in peers[BATCH];
static char controls[BATCH][CONTROL_BYTES];

static void prepare(size_t each) {
  uint8_t* memory = malloc(BATCH * each);
  if (memory == NULL) fail("malloc");
  for (int i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){.iov_base = memory + (size_t)i * each, .iov_len = each};
  }
}

static void drain(int fd) {
  for (;;) {
    for (int i = 0; i < BATCH; i++) {
      headers[i].msg_hdr = (struct msghdr){.msg_name = &peers[i],
                                           .msg_namelen = sizeof peers[i],
                                           .msg_iov = &vectors[i],
                                           .msg_iovlen = 1,
                                           .msg_control = controls[i],
                                           .msg_controllen = CONTROL_BYTES};
    }
    int count = recvmmsg(fd, headers, BATCH, MSG_DONTWAIT, NULL);
    if (count < 0) {
      if (errno == EINTR) continue;
      return;
    }
    for (int i = 0; i < count; i++) {
      size_t length = headers[i].msg_len;
      read_control(&headers[i].msg_hdr, &last);
      size_t segment = last.segment_bytes > 0 ? (size_t)last.segment_bytes : length;
      touch(vectors[i].iov_base, length, segment > 0 ? segment : 1);
    }
    if (count < BATCH) return;
  }
}

static bool answer_count(const char* line) {
  if (strcmp(line, "count") != 0) return false;
  printf("{\"datagrams\":%llu,\"sum\":%llu}\n", (unsigned long long)datagrams,
         (unsigned long long)sum);
  return true;
}

int main(int argc, char** argv) {
  bool gro = argc > 1 && strcmp(argv[1], "--gro") == 0;
  answer_more = answer_count;
  int fd = bind_udp();
  int buffer = receive_buffer(fd);
  set_option(fd, IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO");
  set_option(fd, IPPROTO_IP, IP_RECVTOS, 1, "IP_RECVTOS");
  set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1, "SO_TIMESTAMPNS");
  if (gro) set_option(fd, SOL_UDP, UDP_GRO, 1, "UDP_GRO");
  prepare(gro ? GRO_BYTES : PLAIN_BYTES);
  int poller = events_open();
  if (events_add_reader(poller, fd, (void*)(intptr_t)fd) != 0) fail("events_add");
  if (events_add_reader(poller, STDIN_FILENO, (void*)(intptr_t)STDIN_FILENO) != 0) fail("stdin");
  announce_with(bound_port(fd), "receiveBuffer", buffer);
  static event_t events[EVENTS_MAX];
  for (;;) {
    int count = events_wait(poller, events, -1);
    for (int i = 0; i < count; i++) {
      if ((int)(intptr_t)event_data(&events[i]) == fd) {
        drain(fd);
      } else {
        answer_runner();
      }
    }
  }
}
#else
int main(void) { no_udp_here(); }
#endif
