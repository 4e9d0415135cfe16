// Clocks for the bench programs: monotonic time, and CPU time of this and of another process.
// All in nanoseconds. No measuring policy here.
#ifndef HAWSER_BENCH_CLOCKS_H_
#define HAWSER_BENCH_CLOCKS_H_

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

#if defined(__APPLE__)
#include <libproc.h>
#include <mach/mach_time.h>
#endif

static inline int64_t clock_ns(clockid_t clock) {
  struct timespec time;
  if (clock_gettime(clock, &time) != 0) return -1;
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static inline int64_t now_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

static inline int64_t own_cpu_ns(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

// User and system time of every thread, dead ones included; -1 where it cannot be had.
static inline int64_t process_cpu_ns(pid_t pid) {
  if (pid <= 0) return -1;
#if defined(__linux__)
  clockid_t clock;
  if (clock_getcpuclockid(pid, &clock) != 0) return -1;
  return clock_ns(clock);
#elif defined(__APPLE__)
  struct rusage_info_v2 usage;
  mach_timebase_info_data_t timebase;
  if (proc_pid_rusage(pid, RUSAGE_INFO_V2, (rusage_info_t*)&usage) != 0) return -1;
  if (mach_timebase_info(&timebase) != 0) return -1;
  uint64_t ticks = usage.ri_user_time + usage.ri_system_time;
  return (int64_t)(ticks * timebase.numer / timebase.denom);
#else
  return -1;
#endif
}

// How long the main thread of a process was runnable without a core (proc_pid_schedstat); -1 where
// the system does not tell. On a machine that others use, this shows how far to trust a window.
static inline int64_t run_queue_wait_ns(pid_t pid) {
#if defined(__linux__)
  char path[64];
  snprintf(path, sizeof path, "/proc/%ld/schedstat", (long)pid);
  FILE* file = fopen(path, "r");
  if (file == NULL) return -1;
  long long ran = 0;
  long long waited = -1;
  if (fscanf(file, "%lld %lld", &ran, &waited) != 2) waited = -1;
  fclose(file);
  return waited;
#else
  (void)pid;
  return -1;
#endif
}

#endif  // HAWSER_BENCH_CLOCKS_H_
