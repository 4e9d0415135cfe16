// Holds connections that have done one echo and are idle then. A number on standard input opens
// connections up to that many and is answered by {"open":N}; the end of input ends all.
#include "clients.h"
#include "messages.h"

static messages_t messages;

static void echo_once(int fd) {
  ssize_t sent = send(fd, messages.out[0], messages.out_bytes, 0);
  if (sent != (ssize_t)messages.out_bytes) give_up("send", errno);
}

static void expect_echo(int fd) {
  char bytes[256];
  size_t have = 0;
  int flags = fcntl(fd, F_GETFL);
  if (fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0) fail("fcntl");
  while (have < messages.in_bytes) {
    ssize_t received = recv(fd, bytes + have, sizeof bytes - have, 0);
    if (received <= 0) give_up("no echo", received < 0 ? errno : 0);
    have += (size_t)received;
  }
  if (have != messages.in_bytes || memcmp(bytes, messages.in[0], have) != 0) {
    give_up("a message came back changed", 0);
  }
}

int main(int argc, char** argv) {
  uint16_t port = (uint16_t)number_argument(argc, argv, "port", 0);
  bool websocket = strcmp(argument(argc, argv, "protocol", "tcp"), "ws") == 0;
  if (port == 0) fail_because("--port is required");
  int64_t limit = raise_descriptor_limit() - 16;
  prepare_generator();
  make_messages(&messages, websocket ? PROTOCOL_WS_BINARY : PROTOCOL_TCP, 20);
  printf("{\"limit\":%lld}\n", (long long)limit);
  fflush(stdout);
  int64_t opened = 0;
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    int64_t wanted = strtoll(line, NULL, 10);
    if (wanted > limit) give_up("the descriptor limit is below the number of connections", 0);
    for (; opened < wanted; opened++) {
      int fd = open_client(port, (uint32_t)opened, websocket);
      echo_once(fd);
      expect_echo(fd);
    }
    printf("{\"open\":%lld}\n", (long long)opened);
    fflush(stdout);
  }
  return 0;
}
