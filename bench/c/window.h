// The measured window of a generator: what is read at its two ends, how it is told to the runner,
// and how a generator gives up. The clocks of both processes are read here and nowhere else.
#ifndef HAWSER_BENCH_WINDOW_H_
#define HAWSER_BENCH_WINDOW_H_

#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include "clocks.h"
#include "sockets.h"

// With no progress for this long a generator gives up.
static const int64_t STALL_NS = 5000000000;

typedef struct {
  int64_t at;
  uint64_t completed;
  int64_t own_cpu;
  int64_t server_cpu;
  int64_t own_wait;
  int64_t server_wait;
} snapshot_t;

static inline void prepare_generator(void) {
  signal(SIGPIPE, SIG_IGN);
#if defined(__linux__)
  prctl(PR_SET_TIMERSLACK, 1);  // the default of 50 us is half of what the open loop measures
#endif
}

static inline _Noreturn void give_up(const char* why, int error) {
  printf("{\"error\":\"%s%s%s\"}\n", why, error != 0 ? ": " : "",
         error != 0 ? strerror(error) : "");
  exit(1);
}

static inline void tell(const char* event) {
  printf("{\"event\":\"%s\"}\n", event);
  fflush(stdout);
}

static inline snapshot_t take_snapshot(uint64_t completed, pid_t server) {
  return (snapshot_t){.at = now_ns(),
                      .completed = completed,
                      .own_cpu = own_cpu_ns(),
                      .server_cpu = process_cpu_ns(server),
                      .own_wait = run_queue_wait_ns(getpid()),
                      .server_wait = run_queue_wait_ns(server)};
}

static inline void print_difference(const char* name, int64_t begin, int64_t end) {
  if (begin >= 0 && end >= 0) {
    printf("\"%s\":%lld,", name, (long long)(end - begin));
  } else {
    printf("\"%s\":null,", name);
  }
}

// The beginning of the result's line; the caller ends it.
static inline void print_window(const snapshot_t* begin, const snapshot_t* end) {
  printf("{\"messages\":%llu,\"seconds\":%.9f,",
         (unsigned long long)(end->completed - begin->completed),
         (double)(end->at - begin->at) / 1e9);
  print_difference("generatorCpuNs", begin->own_cpu, end->own_cpu);
  print_difference("serverCpuNs", begin->server_cpu, end->server_cpu);
  print_difference("generatorWaitNs", begin->own_wait, end->own_wait);
  print_difference("serverWaitNs", begin->server_wait, end->server_wait);
}

#endif  // HAWSER_BENCH_WINDOW_H_
