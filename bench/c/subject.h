// The line protocol every bench subject speaks, for the reference servers in C: one JSON line
// with the port when ready, `usage` on standard input answers with CPU time, the end of standard
// input ends the process (so that none outlives a runner that was killed).
#ifndef HAWSER_BENCH_SUBJECT_H_
#define HAWSER_BENCH_SUBJECT_H_

#if defined(__APPLE__)
#include <libproc.h>
#endif

#include "sockets.h"

// With one more number for the runner.
static inline void announce_with(uint16_t port, const char* name, long long value) {
  signal(SIGPIPE, SIG_IGN);
  printf("{\"port\":%u,\"pid\":%ld,\"runtime\":\"C\",\"version\":\"%s\",\"%s\":%lld}\n",
         (unsigned)port, (long)getpid(), __VERSION__, name, value);
  fflush(stdout);
}

static inline void announce(uint16_t port) { announce_with(port, "protocol", 1); }

// Bytes of this process that are in memory; 0 where the system does not tell.
static inline long long resident_bytes(void) {
#if defined(__linux__)
  FILE* file = fopen("/proc/self/statm", "r");
  if (file == NULL) return 0;
  long long total = 0;
  long long resident = 0;
  if (fscanf(file, "%lld %lld", &total, &resident) != 2) resident = 0;
  fclose(file);
  return resident * sysconf(_SC_PAGESIZE);
#elif defined(__APPLE__)
  struct rusage_info_v2 usage;
  if (proc_pid_rusage(getpid(), RUSAGE_INFO_V2, (rusage_info_t*)&usage) != 0) return 0;
  return (long long)usage.ri_resident_size;
#else
  return 0;
#endif
}

// More commands of one program; false where it does not know the line either.
static bool (*answer_more)(const char* line) = NULL;

static inline void answer_line(const char* line) {
  if (answer_more != NULL && answer_more(line)) return;
  if (strcmp(line, "usage") == 0) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) fail("getrusage");
    printf("{\"user\":%lld,\"system\":%lld}\n",
           (long long)usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec,
           (long long)usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec);
  } else if (strcmp(line, "memory") == 0) {
    printf("{\"rss\":%lld}\n", resident_bytes());
  } else {
    printf("{\"error\":\"no such command\"}\n");
  }
}

// Called when standard input is readable. The runner waits for each answer before it asks again,
// so a read is one whole line.
static inline void answer_runner(void) {
  char line[256];
  ssize_t length = read(STDIN_FILENO, line, sizeof line - 1);
  if (length == 0) exit(0);
  if (length < 0) return;
  line[length] = '\0';
  line[strcspn(line, "\n")] = '\0';
  answer_line(line);
  fflush(stdout);
}

#endif  // HAWSER_BENCH_SUBJECT_H_
