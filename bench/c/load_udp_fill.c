// The load generator of received datagrams: stops the receiver, fills its queue, lets it run until
// the queue is empty, and again. So the receiver's CPU time is that of draining, and no datagram is
// lost. With --gso 1 datagrams are sent as segments of large messages. Output as load.c, with the
// sum of first bytes of all that were ever sent, for the runner to compare.
#include "udp.h"

#if defined(__linux__)
#include "window.h"

enum { BURST_MAX = 16384, SIZE_MAX_BYTES = 1400, PROBE = GSO_SEGMENTS_MAX };

static const double FILL_SHARE = 0.6;  // of the receive buffer, counted as the kernel counts

static pid_t server;
static uint16_t port;
static int fd;
static size_t size;
static bool gso;
static uint64_t sent;
static uint64_t sum;

typedef struct {
  long queue;
  long drops;
} queue_t;

// The receiver's queue as /proc/net/udp tells it (proc(5)).
static queue_t read_queue(void) {
  FILE* file = fopen("/proc/net/udp", "r");
  if (file == NULL) fail("/proc/net/udp");
  char line[256];
  queue_t result = {.queue = -1, .drops = 0};
  while (fgets(line, sizeof line, file) != NULL) {
    unsigned local = 0;
    unsigned remote = 0;
    unsigned long queue = 0;
    if (sscanf(line, " %*d: %*8x:%x %*8x:%x %*x %*x:%lx", &local, &remote, &queue) != 3) continue;
    if (local != port || remote != 0) continue;
    const char* last = strrchr(line, ' ');
    for (char* end = line + strlen(line); end > line && (end[-1] == ' ' || end[-1] == '\n');) {
      *--end = '\0';
      last = strrchr(line, ' ');
    }
    result = (queue_t){.queue = (long)queue, .drops = last == NULL ? 0 : strtol(last, NULL, 10)};
  }
  fclose(file);
  if (result.queue < 0) give_up("the receiver's socket is gone", 0);
  return result;
}

static void nap(void) {
  struct timespec time = {.tv_nsec = 100000};
  nanosleep(&time, NULL);
}

// GSO_SEGMENTS_MAX datagrams in one call either way.
static void send_group(void) {
  static uint8_t bytes[GSO_SEGMENTS_MAX * SIZE_MAX_BYTES];
  struct mmsghdr headers[GSO_SEGMENTS_MAX] = {0};
  struct iovec vectors[GSO_SEGMENTS_MAX];
  for (int i = 0; i < GSO_SEGMENTS_MAX; i++) {
    uint8_t first = (uint8_t)(sent + (uint64_t)i);
    bytes[(size_t)i * size] = first;
    sum += first;
    vectors[i] = (struct iovec){.iov_base = bytes + (size_t)i * size, .iov_len = size};
    headers[i].msg_hdr.msg_iov = &vectors[i];
    headers[i].msg_hdr.msg_iovlen = 1;
  }
  sent += GSO_SEGMENTS_MAX;
  if (gso) {
    ssize_t length = send(fd, bytes, GSO_SEGMENTS_MAX * size, 0);
    if (length != (ssize_t)(GSO_SEGMENTS_MAX * size)) give_up("send", errno);
    return;
  }
  for (int done = 0; done < GSO_SEGMENTS_MAX;) {
    int count = sendmmsg(fd, headers + done, (unsigned)(GSO_SEGMENTS_MAX - done), 0);
    if (count < 0) give_up("sendmmsg", errno);
    done += count;
  }
}

static void stop_receiver(void) {
  if (kill(server, SIGSTOP) != 0) give_up("kill(SIGSTOP)", errno);
  nap();
}

static void drain_receiver(void) {
  if (kill(server, SIGCONT) != 0) give_up("kill(SIGCONT)", errno);
  int64_t deadline = now_ns() + STALL_NS;
  for (;;) {
    queue_t queue = read_queue();
    if (queue.drops > 0) give_up("the receiver's queue overflowed", 0);
    if (queue.queue == 0) return;
    if (now_ns() > deadline) give_up("the receiver does not read", 0);
    nap();
  }
}

// How many datagrams fit into the share of the buffer, by what some of them take.
static int choose_burst(int64_t buffer) {
  stop_receiver();
  send_group();
  long taken = read_queue().queue;
  drain_receiver();
  if (taken <= 0) return GSO_SEGMENTS_MAX;
  double fit = FILL_SHARE * (double)buffer / ((double)taken / PROBE);
  int burst = fit > BURST_MAX ? BURST_MAX : (int)fit;
  return burst < GSO_SEGMENTS_MAX ? GSO_SEGMENTS_MAX : burst;
}

int main(int argc, char** argv) {
  port = (uint16_t)number_argument(argc, argv, "port", 0);
  server = (pid_t)number_argument(argc, argv, "server-pid", 0);
  size = (size_t)number_argument(argc, argv, "size", 64);
  gso = number_argument(argc, argv, "gso", 0) != 0;
  int64_t buffer = number_argument(argc, argv, "receive-buffer", 212992);
  int64_t warmup = number_argument(argc, argv, "warmup", 300) * 1000000;
  int64_t duration = number_argument(argc, argv, "duration", 1000) * 1000000;
  if (port == 0 || server == 0) fail_because("--port and --server-pid are required");
  if (size < 1 || size > 1000) fail_because("--size is 1 to 1000 bytes");
  prepare_generator();
  fd = connect_udp(port);
  if (gso) set_option(fd, SOL_UDP, UDP_SEGMENT, (int)size, "UDP_SEGMENT");
  int burst = choose_burst(buffer);
  int64_t began = now_ns();
  bool measuring = false;
  snapshot_t begin = {0};
  for (;;) {
    stop_receiver();
    for (int i = 0; i < burst; i += GSO_SEGMENTS_MAX) send_group();
    drain_receiver();
    int64_t now = now_ns();
    if (!measuring && now - began >= warmup) {
      measuring = true;
      tell("begin");
      begin = take_snapshot(sent, server);
    } else if (measuring && now - begin.at >= duration) {
      snapshot_t end = take_snapshot(sent, server);
      tell("end");
      print_window(&begin, &end);
      printf("\"burst\":%d,\"sent\":%llu,\"sum\":%llu}\n", burst, (unsigned long long)sent,
             (unsigned long long)sum);
      return 0;
    }
  }
}
#else
int main(void) { no_udp_here(); }
#endif
