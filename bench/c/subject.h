// The line protocol every bench subject speaks, for the reference servers in C: one JSON line
// with the port when ready, `usage` on standard input answers with CPU time, the end of standard
// input ends the process (so that none outlives a runner that was killed).
#ifndef HAWSER_BENCH_SUBJECT_H_
#define HAWSER_BENCH_SUBJECT_H_

#include <signal.h>

#include "sockets.h"

static inline void announce(uint16_t port) {
  signal(SIGPIPE, SIG_IGN);
  printf("{\"port\":%u,\"pid\":%ld,\"runtime\":\"C\",\"version\":\"%s\"}\n", (unsigned)port,
         (long)getpid(), __VERSION__);
  fflush(stdout);
}

// Called when standard input is readable.
static inline void answer_runner(void) {
  char line[256];
  ssize_t length = read(STDIN_FILENO, line, sizeof line);
  if (length == 0) exit(0);
  if (length < 0) return;
  struct rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) != 0) fail("getrusage");
  for (ssize_t i = 0; i < length; i++) {
    if (line[i] != '\n') continue;
    printf("{\"user\":%lld,\"system\":%lld}\n",
           (long long)usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec,
           (long long)usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec);
  }
  fflush(stdout);
}

#endif  // HAWSER_BENCH_SUBJECT_H_
