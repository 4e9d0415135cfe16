// The protocol of the bulk suite. A client sends one byte and then:
//   'R'  bytes without end and FIN; the server answers their number, 8 bytes big-endian, and FIN
//   'S'  nothing; the server sends BULK_PATTERN over and over until the client is gone
#ifndef HAWSER_BENCH_BULK_H_
#define HAWSER_BENCH_BULK_H_

#include <stddef.h>
#include <stdint.h>

enum { BULK_PATTERN_BYTES = 64 * 1024 };

// Byte i of the pattern: also in subjects/bulk.mjs.
static inline void bulk_pattern(uint8_t* to) {
  for (size_t i = 0; i < BULK_PATTERN_BYTES; i++) to[i] = (uint8_t)(i * 31 + (i >> 8) * 7);
}

#endif  // HAWSER_BENCH_BULK_H_
