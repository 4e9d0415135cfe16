// Sockets of the bench programs: addresses, non-blocking TCP, command-line values, fatal errors.
// No event loop and no protocol. A bench program that cannot do its work ends with a sentence.
#ifndef HAWSER_BENCH_SOCKETS_H_
#define HAWSER_BENCH_SOCKETS_H_

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static inline _Noreturn void fail(const char* what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static inline _Noreturn void fail_because(const char* why) {
  fprintf(stderr, "%s\n", why);
  exit(1);
}

// The value after --NAME, or the given default.
static inline const char* argument(int argc, char** argv, const char* name, const char* otherwise) {
  for (int i = 1; i + 1 < argc; i++) {
    if (strncmp(argv[i], "--", 2) == 0 && strcmp(argv[i] + 2, name) == 0) return argv[i + 1];
  }
  return otherwise;
}

static inline int64_t number_argument(int argc, char** argv, const char* name, int64_t otherwise) {
  const char* text = argument(argc, argv, name, NULL);
  if (text == NULL) return otherwise;
  char* end = NULL;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || value < 0) {
    fprintf(stderr, "--%s takes a whole number, not \"%s\"\n", name, text);
    exit(2);
  }
  return value;
}

static inline void make_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) fail("fcntl(O_NONBLOCK)");
}

static inline void set_no_delay(int fd) {
  int on = 1;
  if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) fail("TCP_NODELAY");
#if defined(SO_NOSIGPIPE)
  setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
}

static inline struct sockaddr_in loopback(uint32_t host_part, uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(0x7F000000u | host_part);
  return address;
}

static inline uint16_t bound_port(int fd) {
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  if (getsockname(fd, (struct sockaddr*)&address, &length) != 0) fail("getsockname");
  return ntohs(address.sin_port);
}

// A listener on a free port of 127.0.0.1.
static inline int listen_tcp(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) fail("socket");
  struct sockaddr_in address = loopback(1, 0);
  if (bind(fd, (struct sockaddr*)&address, sizeof address) != 0) fail("bind");
  if (listen(fd, 4096) != 0) fail("listen");
  make_nonblocking(fd);
  return fd;
}

// -1 with errno EAGAIN when nobody waits.
static inline int accept_nonblocking(int listener) {
#if defined(__linux__)
  return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
  int fd = accept(listener, NULL, NULL);
  if (fd >= 0) make_nonblocking(fd);
  return fd;
#endif
}

// One source address has some 28,000 ports, so on Linux, where all of 127/8 is local, many
// connections leave from several.
static inline void bind_source(int fd, uint32_t index) {
#if defined(__linux__)
  int on = 1;
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  struct sockaddr_in source = loopback(2 + index % 32, 0);
  if (bind(fd, (struct sockaddr*)&source, sizeof source) != 0) fail("bind");
#else
  (void)fd;
  (void)index;
#endif
}

static inline int connect_client(uint16_t port, uint32_t index, bool blocking) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return -1;
  if (!blocking) make_nonblocking(fd);
  set_no_delay(fd);
  bind_source(fd, index);
  struct sockaddr_in address = loopback(1, port);
  if (connect(fd, (struct sockaddr*)&address, sizeof address) != 0 && errno != EINPROGRESS) {
    int error = errno;
    close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

// Starts a connection to 127.0.0.1:port, non-blocking; -1 with errno when that fails at once.
static inline int start_connect(uint16_t port, uint32_t index) {
  return connect_client(port, index, false);
}

// Returns when connected, and leaves the descriptor blocking.
static inline int start_connect_blocking(uint16_t port, uint32_t index) {
  return connect_client(port, index, true);
}

// The value of a number in a flat JSON object, as the runner sends orders.
static inline int64_t json_number(const char* json, const char* name, int64_t otherwise) {
  char key[64];
  snprintf(key, sizeof key, "\"%s\":", name);
  const char* found = strstr(json, key);
  return found == NULL ? otherwise : strtoll(found + strlen(key), NULL, 10);
}

// As many descriptors as this user may have; returns that number.
static inline int64_t raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) fail("getrlimit");
  struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
#if defined(__APPLE__)
  if (raised.rlim_cur > 10240) raised.rlim_cur = 10240;
#endif
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  return (int64_t)limit.rlim_cur;
}

#endif  // HAWSER_BENCH_SOCKETS_H_
