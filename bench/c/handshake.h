// The client's side of the WebSocket opening handshake (RFC 6455 section 4.1) for the generators,
// with the section 1.3 example's key, so that the accept value to check is a constant.
#ifndef HAWSER_BENCH_HANDSHAKE_H_
#define HAWSER_BENCH_HANDSHAKE_H_

#include <strings.h>

#include "sockets.h"

enum { HANDSHAKE_MAX = 2048 };

// `more` is whole header lines, or "".
static inline size_t handshake_request(char* to, size_t capacity, uint16_t port, const char* more) {
  int length = snprintf(to, capacity,
                        "GET / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
                        (unsigned)port, more);
  return (size_t)length;
}

// 0 when the head is not complete yet, its length when it is right, -1 when it is wrong.
static inline ssize_t handshake_response(const char* bytes, size_t length) {
  char text[HANDSHAKE_MAX + 1];
  if (length > HANDSHAKE_MAX) return -1;
  memcpy(text, bytes, length);
  text[length] = '\0';
  char* end = strstr(text, "\r\n\r\n");
  if (end == NULL) return length == HANDSHAKE_MAX ? -1 : 0;
  if (strncmp(text, "HTTP/1.1 101", 12) != 0) return -1;
  if (strstr(text, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == NULL) return -1;
  return end - text + 4;
}

#endif  // HAWSER_BENCH_HANDSHAKE_H_
