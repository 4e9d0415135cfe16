// The load generator of bulk transfer through one connection, either way; see bulk.h. Received
// bytes are compared with the pattern, sent ones counted by the server. "messages" in the output
// are bytes. Output as load.c.
#include "bulk.h"
#include "clients.h"
#include "events.h"

static uint8_t pattern[BULK_PATTERN_BYTES];
static uint8_t buffer[256 * 1024];

static uint64_t send_some(int fd, uint64_t done) {
  size_t offset = (size_t)(done % BULK_PATTERN_BYTES);
  ssize_t sent = send(fd, pattern + offset, BULK_PATTERN_BYTES - offset, 0);
  if (sent < 0) {
    if (errno == EINTR) return 0;
    give_up("send", errno);
  }
  return (uint64_t)sent;
}

static uint64_t receive_some(int fd, uint64_t done) {
  ssize_t received = recv(fd, buffer, sizeof buffer, 0);
  if (received == 0) give_up("the server closed", 0);
  if (received < 0) {
    if (errno == EINTR) return 0;
    give_up("receive", errno);
  }
  size_t offset = (size_t)(done % BULK_PATTERN_BYTES);
  for (size_t at = 0; at < (size_t)received;) {
    size_t part = BULK_PATTERN_BYTES - offset;
    if (part > (size_t)received - at) part = (size_t)received - at;
    if (memcmp(buffer + at, pattern + offset, part) != 0) give_up("bytes came changed", 0);
    at += part;
    offset = 0;
  }
  return (uint64_t)received;
}

static void check_count(int fd, uint64_t sent) {
  uint8_t bytes[8];
  size_t have = 0;
  if (shutdown(fd, SHUT_WR) != 0) give_up("shutdown", errno);
  while (have < sizeof bytes) {
    ssize_t received = recv(fd, bytes + have, sizeof bytes - have, 0);
    if (received <= 0) give_up("the server did not say how much came", received < 0 ? errno : 0);
    have += (size_t)received;
  }
  uint64_t count = 0;
  for (int i = 0; i < 8; i++) count = count << 8 | bytes[i];
  if (count != sent) give_up("the server counted another number of bytes", 0);
}

int main(int argc, char** argv) {
  uint16_t port = (uint16_t)number_argument(argc, argv, "port", 0);
  int64_t warmup = number_argument(argc, argv, "warmup", 300) * 1000000;
  int64_t duration = number_argument(argc, argv, "duration", 1000) * 1000000;
  pid_t server = (pid_t)number_argument(argc, argv, "server-pid", 0);
  const char* direction = argument(argc, argv, "direction", "receive");
  bool sending = strcmp(direction, "receive") == 0;  // as the server sees it
  if (port == 0) fail_because("--port is required");
  if (!sending && strcmp(direction, "send") != 0) fail_because("--direction is receive or send");
  prepare_generator();
  bulk_pattern(pattern);
  int fd = start_connect_blocking(port, 0);
  if (fd < 0) give_up("connect", errno);
  struct timeval patience = {.tv_sec = STALL_NS / 1000000000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (send(fd, sending ? "R" : "S", 1, 0) != 1) give_up("send", errno);

  uint64_t done = 0;
  int64_t began = now_ns();
  bool measuring = false;
  snapshot_t begin = {0};
  for (;;) {
    done += sending ? send_some(fd, done) : receive_some(fd, done);
    int64_t now = now_ns();
    if (!measuring && now - began >= warmup) {
      measuring = true;
      tell("begin");
      begin = take_snapshot(done, server);
    } else if (measuring && now - begin.at >= duration) {
      break;
    }
  }
  snapshot_t end = take_snapshot(done, server);
  tell("end");
  if (sending) check_count(fd, done);
  print_window(&begin, &end);
  printf("\"connections\":1}\n");
  return 0;
}
