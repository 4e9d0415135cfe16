// What the UDP programs share: a bound socket with large buffers, and saying that this system lacks
// what they measure (recvmmsg, sendmmsg, UDP_SEGMENT and UDP_GRO are Linux's, udp(7)).
#ifndef HAWSER_BENCH_UDP_H_
#define HAWSER_BENCH_UDP_H_

#include "sockets.h"

#if defined(__linux__)
#include <netinet/udp.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SOL_UDP
#define SOL_UDP 17
#endif

enum { UDP_BUFFER_BYTES = 8 * 1024 * 1024, GSO_SEGMENTS_MAX = 64 };

static inline void set_option(int fd, int level, int name, int value, const char* what) {
  if (setsockopt(fd, level, name, &value, sizeof value) != 0) fail(what);
}

// As large as this user may have; gives what it got.
static inline int grow_buffer(int fd, int force, int polite) {
  int wanted = UDP_BUFFER_BYTES;
  if (setsockopt(fd, SOL_SOCKET, force, &wanted, sizeof wanted) != 0) {
    setsockopt(fd, SOL_SOCKET, polite, &wanted, sizeof wanted);
  }
  int got = 0;
  socklen_t size = sizeof got;
  if (getsockopt(fd, SOL_SOCKET, polite, &got, &size) != 0) fail("getsockopt");
  return got;
}

static inline int receive_buffer(int fd) { return grow_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF); }

static inline int bind_udp(void) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  struct sockaddr_in address = loopback(1, 0);
  if (bind(fd, (struct sockaddr*)&address, sizeof address) != 0) fail("bind");
  grow_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
  return fd;
}

static inline int connect_udp(uint16_t port) {
  int fd = bind_udp();
  struct sockaddr_in address = loopback(1, port);
  if (connect(fd, (struct sockaddr*)&address, sizeof address) != 0) fail("connect");
  return fd;
}

#else

static inline _Noreturn void no_udp_here(void) {
  printf(
      "{\"unavailable\":\"the UDP references need recvmmsg and UDP_SEGMENT, which are "
      "Linux's\"}\n");
  exit(3);
}

#endif  // __linux__

#endif  // HAWSER_BENCH_UDP_H_
