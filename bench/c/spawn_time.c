// Runs a command some times, one after the other, and tells of each how long it took, its CPU time
// and its peak resident set. The command is what stands after `--`. Prints one JSON line.
#include <spawn.h>
#include <sys/wait.h>

#include "clocks.h"
#include "sockets.h"

extern char** environ;

int main(int argc, char** argv) {
  int64_t times = number_argument(argc, argv, "times", 5);
  int command = 1;
  while (command < argc && strcmp(argv[command], "--") != 0) command++;
  if (command + 1 >= argc) fail_because("usage: spawn_time --times N -- COMMAND [ARGUMENT...]");
  char** run = argv + command + 1;
  printf("{\"runs\":[");
  for (int64_t i = 0; i < times; i++) {
    pid_t pid = 0;
    int64_t begin = now_ns();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    int error = posix_spawn(&pid, run[0], &actions, NULL, run, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
      errno = error;
      fail(run[0]);
    }
    int status = 0;
    struct rusage usage;
    if (wait4(pid, &status, 0, &usage) != pid) fail("wait4");
    int64_t wall = now_ns() - begin;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail_because("the command failed");
    int64_t cpu = ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
                  ((int64_t)usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
    int64_t rss = usage.ru_maxrss;
#if !defined(__APPLE__)
    rss *= 1024;  // KiB on Linux, bytes on macOS (getrusage(2))
#endif
    printf("%s[%lld,%lld,%lld]", i > 0 ? "," : "", (long long)wall, (long long)cpu, (long long)rss);
  }
  printf("]}\n");
  return 0;
}
