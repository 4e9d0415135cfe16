// What the load generator sends and what it must get back, made beforehand: a few variants of one
// message, each as the bytes on the wire in either direction, so that sending is a gather write
// from constant memory and checking is one comparison. Plain bytes for TCP; for WebSocket one
// masked frame out and one unmasked frame in, in the shortest length form (RFC 6455 section 5.2).
#ifndef HAWSER_BENCH_MESSAGES_H_
#define HAWSER_BENCH_MESSAGES_H_

#include "sockets.h"

enum { VARIANTS_MAX = 64, VARIANTS_BYTES_MAX = 512 * 1024, FRAME_HEADER_MAX = 14 };

typedef enum { PROTOCOL_TCP, PROTOCOL_WS_BINARY, PROTOCOL_WS_TEXT } protocol_t;

typedef struct {
  unsigned variants;
  size_t out_bytes;
  size_t in_bytes;
  char* out[VARIANTS_MAX];
  char* in[VARIANTS_MAX];
} messages_t;

static inline uint32_t next_random(uint32_t* state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

// Returns the length of the header.
static inline size_t frame_header(char* to, unsigned opcode, size_t length, const uint8_t* key) {
  size_t at = 0;
  uint8_t* bytes = (uint8_t*)to;
  uint8_t masked = key != NULL ? 0x80 : 0;
  bytes[at++] = (uint8_t)(0x80 | opcode);
  if (length < 126) {
    bytes[at++] = (uint8_t)(masked | length);
  } else if (length < 65536) {
    bytes[at++] = masked | 126;
    bytes[at++] = (uint8_t)(length >> 8);
    bytes[at++] = (uint8_t)length;
  } else {
    bytes[at++] = masked | 127;
    for (int shift = 56; shift >= 0; shift -= 8) bytes[at++] = (uint8_t)((uint64_t)length >> shift);
  }
  if (key != NULL) {
    memcpy(bytes + at, key, 4);
    at += 4;
  }
  return at;
}

static inline void* allocate(size_t bytes) {
  void* memory = malloc(bytes > 0 ? bytes : 1);
  if (memory == NULL) fail("malloc");
  return memory;
}

static inline void make_messages(messages_t* messages, protocol_t protocol, size_t size) {
  uint32_t random = 0x9E3779B9u;
  unsigned variants = VARIANTS_MAX;
  while (variants > 2 && variants * size > VARIANTS_BYTES_MAX) variants /= 2;
  messages->variants = variants;
  for (unsigned v = 0; v < variants; v++) {
    char* payload = allocate(size);
    for (size_t i = 0; i < size; i++) {
      uint32_t value = next_random(&random);
      payload[i] = protocol == PROTOCOL_WS_TEXT ? (char)(' ' + value % 95) : (char)value;
    }
    if (protocol == PROTOCOL_TCP) {
      messages->out[v] = messages->in[v] = payload;
      messages->out_bytes = messages->in_bytes = size;
      continue;
    }
    unsigned opcode = protocol == PROTOCOL_WS_TEXT ? 1 : 2;
    uint32_t mask = next_random(&random) | 0x01010101u;
    uint8_t key[4];
    memcpy(key, &mask, sizeof key);
    char* in = allocate(size + FRAME_HEADER_MAX);
    char* out = allocate(size + FRAME_HEADER_MAX);
    size_t in_header = frame_header(in, opcode, size, NULL);
    size_t out_header = frame_header(out, opcode, size, key);
    memcpy(in + in_header, payload, size);
    for (size_t i = 0; i < size; i++) out[out_header + i] = (char)(payload[i] ^ key[i % 4]);
    messages->in[v] = in;
    messages->out[v] = out;
    messages->in_bytes = in_header + size;
    messages->out_bytes = out_header + size;
    free(payload);
  }
}

#endif  // HAWSER_BENCH_MESSAGES_H_
