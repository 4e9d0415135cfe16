// The server's side of RFC 6455 for the reference servers: opening handshake, frame headers,
// unmasking, UTF-8. Bytes in, bytes out; no socket and no loop.
#ifndef HAWSER_BENCH_WEBSOCKET_H_
#define HAWSER_BENCH_WEBSOCKET_H_

#include <stdbool.h>
#include <stdio.h>
#include <strings.h>
#include <sys/types.h>

#include "sha1.h"

enum {
  OPCODE_CONTINUATION = 0,
  OPCODE_TEXT = 1,
  OPCODE_BINARY = 2,
  OPCODE_CLOSE = 8,
  OPCODE_PING = 9,
  OPCODE_PONG = 10,
  REQUEST_MAX = 4096,
  RESPONSE_MAX = 160,
  SERVER_HEADER_MAX = 10,
  KEY_CHARACTERS = 24,
};

static const uint64_t FRAME_MAX = 64u << 20;

typedef struct {
  bool fin;
  unsigned opcode;
  uint64_t length;
  size_t header_bytes;
  uint8_t mask[4];
} frame_t;

// 0 when more bytes are needed, -1 when the frame is wrong, 1 when the header is whole.
// Section 5.2: no extension was agreed, so reserved bits are zero; a client always masks.
static inline int parse_header(const uint8_t* bytes, size_t available, frame_t* frame) {
  if (available < 2) return 0;
  if ((bytes[0] & 0x70) != 0 || (bytes[1] & 0x80) == 0) return -1;
  frame->fin = (bytes[0] & 0x80) != 0;
  frame->opcode = bytes[0] & 15;
  if ((frame->opcode > 2 && frame->opcode < 8) || frame->opcode > 10) return -1;
  uint64_t length = bytes[1] & 127;
  size_t at = 2;
  if (frame->opcode >= 8 && (!frame->fin || length > 125)) return -1;
  if (length == 126) {
    if (available < 4) return 0;
    length = (uint64_t)bytes[2] << 8 | bytes[3];
    if (length < 126) return -1;
    at = 4;
  } else if (length == 127) {
    if (available < 10) return 0;
    length = 0;
    for (int i = 2; i < 10; i++) length = length << 8 | bytes[i];
    if (length < 65536) return -1;
    at = 10;
  }
  if (length > FRAME_MAX) return -1;
  if (available < at + 4) return 0;
  memcpy(frame->mask, bytes + at, 4);
  frame->length = length;
  frame->header_bytes = at + 4;
  return 1;
}

// An unmasked header in the shortest form; returns its length.
static inline size_t write_header(uint8_t* to, bool fin, unsigned opcode, uint64_t length) {
  to[0] = (uint8_t)((fin ? 0x80 : 0) | opcode);
  if (length < 126) {
    to[1] = (uint8_t)length;
    return 2;
  }
  if (length < 65536) {
    to[1] = 126;
    to[2] = (uint8_t)(length >> 8);
    to[3] = (uint8_t)length;
    return 4;
  }
  to[1] = 127;
  for (int i = 0; i < 8; i++) to[2 + i] = (uint8_t)(length >> (56 - 8 * i));
  return 10;
}

// Copies and unmasks in one pass (section 5.3), eight bytes at a time.
static inline void unmask(uint8_t* to, const uint8_t* from, uint64_t length, const uint8_t* key) {
  uint64_t wide = 0;
  for (int i = 0; i < 8; i++) ((uint8_t*)&wide)[i] = key[i % 4];
  uint64_t i = 0;
  for (; i + 8 <= length; i += 8) {
    uint64_t word;
    memcpy(&word, from + i, 8);
    word ^= wide;
    memcpy(to + i, &word, 8);
  }
  for (; i < length; i++) to[i] = from[i] ^ key[i % 4];
}

// UTF-8 (RFC 3629 section 4) that may be cut anywhere: what the next byte must be.
typedef struct {
  uint8_t needed;
  uint8_t low;
  uint8_t high;
} utf8_t;

static inline bool utf8_lead(utf8_t* state, uint8_t byte) {
  *state = (utf8_t){.needed = 0, .low = 0x80, .high = 0xBF};
  if (byte < 0x80) return true;
  if (byte < 0xC2 || byte > 0xF4) return false;
  state->needed = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
  if (byte == 0xE0) state->low = 0xA0;
  if (byte == 0xED) state->high = 0x9F;
  if (byte == 0xF0) state->low = 0x90;
  if (byte == 0xF4) state->high = 0x8F;
  return true;
}

// False at the first byte that cannot be. At the end of a message `needed` must be 0.
static inline bool utf8_check(utf8_t* state, const uint8_t* bytes, uint64_t length) {
  for (uint64_t i = 0; i < length; i++) {
    if (state->needed == 0) {
      uint64_t word;
      while (i + 8 <= length && (memcpy(&word, bytes + i, 8), (word & 0x8080808080808080u) == 0)) {
        i += 8;
      }
      if (i == length) return true;
      if (!utf8_lead(state, bytes[i])) return false;
      continue;
    }
    if (bytes[i] < state->low || bytes[i] > state->high) return false;
    state->needed--;
    state->low = 0x80;
    state->high = 0xBF;
  }
  return true;
}

// The value of a header in a NUL-terminated request, or NULL.
static inline const char* request_header(const char* request, const char* name) {
  size_t length = strlen(name);
  for (const char* line = strstr(request, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
    line += 2;
    if (strncasecmp(line, name, length) != 0 || line[length] != ':') continue;
    const char* value = line + length + 1;
    while (*value == ' ' || *value == '\t') value++;
    return value;
  }
  return NULL;
}

// Section 4.2. Gives the bytes of the request that were consumed, 0 when it is not whole yet, -1
// when it is no opening handshake; fills in the response.
static inline ssize_t answer_handshake(const char* bytes, size_t length, char* response,
                                       size_t* response_bytes) {
  char request[REQUEST_MAX + 1];
  size_t seen = length < REQUEST_MAX ? length : REQUEST_MAX;
  memcpy(request, bytes, seen);
  request[seen] = '\0';
  char* end = strstr(request, "\r\n\r\n");
  if (end == NULL) return length >= REQUEST_MAX ? -1 : 0;
  end[2] = '\0';
  const char* key = request_header(request, "Sec-WebSocket-Key");
  const char* version = request_header(request, "Sec-WebSocket-Version");
  const char* upgrade = request_header(request, "Upgrade");
  if (strncmp(request, "GET ", 4) != 0 || key == NULL || version == NULL || upgrade == NULL) {
    return -1;
  }
  if (strncmp(version, "13\r", 3) != 0 || strncasecmp(upgrade, "websocket", 9) != 0) return -1;
  if (strcspn(key, " \r") != KEY_CHARACTERS) return -1;
  char input[KEY_CHARACTERS + 37];
  snprintf(input, sizeof input, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
  uint8_t digest[SHA1_BYTES];
  sha1(input, strlen(input), digest);
  char accept[32];
  base64(digest, sizeof digest, accept);
  *response_bytes = (size_t)snprintf(response, RESPONSE_MAX,
                                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                     "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                                     accept);
  return end - request + 4;
}

#endif  // HAWSER_BENCH_WEBSOCKET_H_
