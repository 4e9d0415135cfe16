// The load generator of connections: keeps `connections` of them in the making. Each connects,
// sends `size` bytes, checks that they come back, sends FIN, waits for the server's and starts
// again. Counts whole lives. Output as load.c.
#include "events.h"
#include "messages.h"
#include "window.h"

typedef enum { STATE_CONNECTING, STATE_ECHOING, STATE_ENDING } state_t;

typedef struct {
  int fd;
  state_t state;
  size_t received;
} life_t;

static uint16_t port;
static messages_t messages;
static uint64_t completed;
static uint32_t started;

static void start(int poller, life_t* life) {
  life->fd = start_connect(port, started++);
  if (life->fd < 0) give_up("connect", errno);
  life->state = STATE_CONNECTING;
  life->received = 0;
  if (events_add(poller, life->fd, life) != 0) give_up("events_add", errno);
}

static void connected(life_t* life) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(life->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) give_up("connect", error);
  ssize_t sent = send(life->fd, messages.out[0], messages.out_bytes, 0);
  // Where events come apart (kqueue), one of the life before may still be in this batch.
  if (sent < 0 && (errno == ENOTCONN || errno == EAGAIN)) return;
  if (sent != (ssize_t)messages.out_bytes) give_up("send", errno);
  life->state = STATE_ECHOING;
}

static void receive(int poller, life_t* life) {
  static char buffer[16 * 1024];
  for (;;) {
    ssize_t length = recv(life->fd, buffer, sizeof buffer, 0);
    if (length < 0) {
      if (errno == EAGAIN) return;
      if (errno == EINTR) continue;
      give_up("receive", errno);
    }
    if (length == 0) {
      if (life->state != STATE_ENDING) give_up("the server closed before it had answered", 0);
      close(life->fd);
      completed++;
      return start(poller, life);
    }
    if (life->received + (size_t)length > messages.in_bytes) give_up("more came back", 0);
    if (memcmp(buffer, messages.in[0] + life->received, (size_t)length) != 0) {
      give_up("a message came back changed", 0);
    }
    life->received += (size_t)length;
    if (life->received == messages.in_bytes) {
      if (shutdown(life->fd, SHUT_WR) != 0) give_up("shutdown", errno);
      life->state = STATE_ENDING;
    }
  }
}

int main(int argc, char** argv) {
  enum { AT_ONCE_MAX = 4096, WARMUP_TIMES_MAX = 4 };
  port = (uint16_t)number_argument(argc, argv, "port", 0);
  int64_t at_once = number_argument(argc, argv, "connections", 50);
  int64_t size = number_argument(argc, argv, "size", 20);
  int64_t warmup = number_argument(argc, argv, "warmup", 300) * 1000000;
  uint64_t warmup_lives = (uint64_t)number_argument(argc, argv, "warmup-connections", 0);
  int64_t duration = number_argument(argc, argv, "duration", 1000) * 1000000;
  pid_t server = (pid_t)number_argument(argc, argv, "server-pid", 0);
  if (port == 0) fail_because("--port is required");
  if (at_once < 1 || at_once > AT_ONCE_MAX) fail_because("--connections is 1 to 4096");
  if (size < 1 || size > 16 * 1024) fail_because("--size is 1 to 16384 bytes");
  prepare_generator();
  raise_descriptor_limit();
  make_messages(&messages, PROTOCOL_TCP, (size_t)size);
  int poller = events_open();
  if (poller < 0) fail("events_open");
  static life_t lives[AT_ONCE_MAX];
  for (int64_t i = 0; i < at_once; i++) start(poller, &lives[i]);

  int64_t began = now_ns();
  int64_t progress_at = began;
  uint64_t progress = 0;
  bool measuring = false;
  snapshot_t begin = {0};
  for (;;) {
    static event_t events[EVENTS_MAX];
    int count = events_wait(poller, events, 50000000);
    if (count < 0 && errno != EINTR) give_up("wait", errno);
    for (int i = 0; i < count; i++) {
      life_t* life = event_data(&events[i]);
      if (life->state == STATE_CONNECTING) connected(life);
      if (event_readable(&events[i])) receive(poller, life);
    }
    int64_t now = now_ns();
    if (completed != progress) {
      progress = completed;
      progress_at = now;
    } else if (now - progress_at > STALL_NS) {
      give_up("no connection came to its end for 5 s", 0);
    }
    bool is_warm = completed >= warmup_lives || now - began >= warmup * WARMUP_TIMES_MAX;
    if (!measuring && now - began >= warmup && is_warm) {
      measuring = true;
      tell("begin");
      begin = take_snapshot(completed, server);
    } else if (measuring && now - begin.at >= duration) {
      snapshot_t end = take_snapshot(completed, server);
      tell("end");
      print_window(&begin, &end);
      printf("\"connections\":%lld}\n", (long long)at_once);
      return 0;
    }
  }
}
