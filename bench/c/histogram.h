// A histogram of durations in nanoseconds: buckets of 1/128 of a power of two, so that a value read
// back is at most 0.8 % off, from 1 ns to 18 minutes in 28 KiB. Percentiles only, no clock.
#ifndef HAWSER_BENCH_HISTOGRAM_H_
#define HAWSER_BENCH_HISTOGRAM_H_

#include <stdint.h>
#include <stdio.h>

enum {
  HISTOGRAM_SUB_BITS = 7,
  HISTOGRAM_SUB = 1 << HISTOGRAM_SUB_BITS,
  HISTOGRAM_MAX_BITS = 40,
  HISTOGRAM_BUCKETS = (HISTOGRAM_MAX_BITS - HISTOGRAM_SUB_BITS + 1) * HISTOGRAM_SUB,
};

typedef struct {
  uint64_t counts[HISTOGRAM_BUCKETS];
  uint64_t total;
  uint64_t sum;
  uint64_t max;
} histogram_t;

static inline unsigned histogram_bucket(uint64_t value) {
  if (value >= (1ull << HISTOGRAM_MAX_BITS)) value = (1ull << HISTOGRAM_MAX_BITS) - 1;
  if (value < HISTOGRAM_SUB) return (unsigned)value;
  unsigned exponent = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
  return (exponent + 1) * HISTOGRAM_SUB + (unsigned)((value >> exponent) & (HISTOGRAM_SUB - 1));
}

// The middle of a bucket.
static inline uint64_t histogram_value(unsigned bucket) {
  unsigned row = bucket / HISTOGRAM_SUB;
  uint64_t column = bucket % HISTOGRAM_SUB;
  if (row == 0) return column;
  unsigned exponent = row - 1;
  return ((HISTOGRAM_SUB + column) << exponent) + ((1ull << exponent) >> 1);
}

static inline void histogram_add(histogram_t* histogram, uint64_t value) {
  histogram->counts[histogram_bucket(value)]++;
  histogram->total++;
  histogram->sum += value;
  if (value > histogram->max) histogram->max = value;
}

// The smallest value that at least this share of all values does not exceed.
static inline uint64_t histogram_quantile(const histogram_t* histogram, double quantile) {
  if (histogram->total == 0) return 0;
  double exact = quantile * (double)histogram->total;
  uint64_t rank = (uint64_t)exact;
  if ((double)rank < exact || rank == 0) rank++;
  uint64_t seen = 0;
  for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
    seen += histogram->counts[bucket];
    if (seen >= rank) {
      uint64_t value = histogram_value(bucket);
      return value < histogram->max ? value : histogram->max;
    }
  }
  return histogram->max;
}

// "latency":{...} in nanoseconds, with the points a percentile plot wants.
static inline void histogram_print(const histogram_t* histogram) {
  static const double points[] = {0,    0.1,   0.25,  0.5,    0.75,   0.9,     0.95,
                                  0.99, 0.995, 0.999, 0.9995, 0.9999, 0.99999, 1};
  printf("\"latency\":{\"count\":%llu,\"mean\":%.0f,\"p50\":%llu,\"p99\":%llu,\"p999\":%llu,",
         (unsigned long long)histogram->total,
         histogram->total > 0 ? (double)histogram->sum / (double)histogram->total : 0,
         (unsigned long long)histogram_quantile(histogram, 0.5),
         (unsigned long long)histogram_quantile(histogram, 0.99),
         (unsigned long long)histogram_quantile(histogram, 0.999));
  printf("\"max\":%llu,\"curve\":[", (unsigned long long)histogram->max);
  for (unsigned i = 0; i < sizeof points / sizeof points[0]; i++) {
    printf("%s[%g,%llu]", i > 0 ? "," : "", points[i],
           (unsigned long long)histogram_quantile(histogram, points[i]));
  }
  printf("]}");
}

#endif  // HAWSER_BENCH_HISTOGRAM_H_
