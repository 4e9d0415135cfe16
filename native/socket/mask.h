// The masking of WebSocket payloads (RFC 6455 section 5.3): one XOR over bytes, written so that the
// compiler makes vector instructions of it. Nothing of the protocol lives here.
#ifndef HAWSER_SOCKET_MASK_H_
#define HAWSER_SOCKET_MASK_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace hawser {

// XORs `length` bytes with a key whose first byte is the lowest of `key`. `phase` (0 to 3) is the
// index into the key of the first byte.
inline void MaskBytes(uint8_t* bytes, size_t length, uint32_t key, unsigned phase) {
  uint8_t pattern[4];
  for (unsigned i = 0; i < 4; i++) {
    pattern[i] = static_cast<uint8_t>(key >> (((i + phase) & 3) * 8));
  }
  uint64_t wide = 0;
  memcpy(&wide, pattern, sizeof pattern);
  memcpy(reinterpret_cast<uint8_t*>(&wide) + sizeof pattern, pattern, sizeof pattern);
  size_t at = 0;
  for (; at + sizeof wide <= length; at += sizeof wide) {
    uint64_t word;
    memcpy(&word, bytes + at, sizeof word);
    word ^= wide;
    memcpy(bytes + at, &word, sizeof word);
  }
  for (; at < length; at++) bytes[at] ^= pattern[at & 3];
}

}  // namespace hawser

#endif  // HAWSER_SOCKET_MASK_H_
