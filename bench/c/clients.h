// Opens many connections one after the other, for generators that do not measure the opening.
#ifndef HAWSER_BENCH_CLIENTS_H_
#define HAWSER_BENCH_CLIENTS_H_

#include "handshake.h"
#include "window.h"

// Blocks until the connection is there and, for WebSocket, upgraded; then it is non-blocking.
static inline int open_client(uint16_t port, uint32_t index, bool websocket) {
  int fd = start_connect_blocking(port, index);
  if (fd < 0) give_up("connect", errno);
  if (websocket) {
    char bytes[HANDSHAKE_MAX];
    size_t length = handshake_request(bytes, sizeof bytes, port, "");
    if (send(fd, bytes, length, 0) != (ssize_t)length) give_up("upgrade", errno);
    size_t have = 0;
    ssize_t head = 0;
    while (head == 0) {
      ssize_t received = recv(fd, bytes + have, sizeof bytes - have, 0);
      if (received <= 0) give_up("the upgrade was not answered", received < 0 ? errno : 0);
      have += (size_t)received;
      head = handshake_response(bytes, have);
    }
    if (head != (ssize_t)have) give_up("the upgrade was not answered as asked", 0);
  }
  make_nonblocking(fd);
  return fd;
}

#endif  // HAWSER_BENCH_CLIENTS_H_
