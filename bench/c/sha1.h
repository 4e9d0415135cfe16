// SHA-1 (RFC 3174) of short inputs and base64 (RFC 4648 section 4), for the opening handshake.
#ifndef HAWSER_BENCH_SHA1_H_
#define HAWSER_BENCH_SHA1_H_

#include <stdint.h>
#include <string.h>

enum { SHA1_BYTES = 20, SHA1_INPUT_MAX = 119 };

static inline uint32_t rotate_left(uint32_t value, unsigned bits) {
  return (value << bits) | (value >> (32 - bits));
}

static inline void sha1_block(uint32_t state[5], const uint8_t block[64]) {
  uint32_t words[80];
  for (int i = 0; i < 16; i++) {
    words[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
  }
  for (int i = 16; i < 80; i++) {
    words[i] = rotate_left(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
  }
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
  for (int i = 0; i < 80; i++) {
    uint32_t mixed = 0;
    if (i < 20) {
      mixed = ((b & c) | (~b & d)) + 0x5A827999u;
    } else if (i < 40) {
      mixed = (b ^ c ^ d) + 0x6ED9EBA1u;
    } else if (i < 60) {
      mixed = ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDCu;
    } else {
      mixed = (b ^ c ^ d) + 0xCA62C1D6u;
    }
    uint32_t next = rotate_left(a, 5) + mixed + e + words[i];
    e = d;
    d = c;
    c = rotate_left(b, 30);
    b = a;
    a = next;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
}

// Of at most SHA1_INPUT_MAX bytes.
static inline void sha1(const char* input, size_t length, uint8_t digest[SHA1_BYTES]) {
  uint32_t state[5] = {0x67452301u, 0xEFCDAB89u, 0x98BADCFEu, 0x10325476u, 0xC3D2E1F0u};
  uint8_t blocks[128] = {0};
  memcpy(blocks, input, length);
  blocks[length] = 0x80;
  size_t count = length + 9 <= 64 ? 1 : 2;
  uint64_t bits = (uint64_t)length * 8;
  for (int i = 0; i < 8; i++) blocks[count * 64 - 1 - (size_t)i] = (uint8_t)(bits >> (8 * i));
  for (size_t i = 0; i < count; i++) sha1_block(state, blocks + 64 * i);
  for (int i = 0; i < SHA1_BYTES; i++) digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

// Writes 4 * ceil(length / 3) characters and a NUL.
static inline void base64(const uint8_t* input, size_t length, char* output) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t at = 0;
  for (size_t i = 0; i < length; i += 3) {
    uint32_t group = (uint32_t)input[i] << 16;
    if (i + 1 < length) group |= (uint32_t)input[i + 1] << 8;
    if (i + 2 < length) group |= input[i + 2];
    output[at++] = alphabet[group >> 18];
    output[at++] = alphabet[group >> 12 & 63];
    output[at++] = i + 1 < length ? alphabet[group >> 6 & 63] : '=';
    output[at++] = i + 2 < length ? alphabet[group & 63] : '=';
  }
  output[at] = '\0';
}

#endif  // HAWSER_BENCH_SHA1_H_
