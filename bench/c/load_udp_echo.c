// The load generator of UDP echo: many sockets, each with one datagram in flight, every answer
// compared. A datagram that does not come back in time is counted as lost and sent again with a new
// number; more than one in a thousand lost is an error. Output as load.c.
#include "udp.h"

#if defined(__linux__)
#include "events.h"
#include "window.h"

enum { SIZE_MAX_BYTES = 1400 };

static const int64_t LOST_NS = 200000000;

typedef struct {
  int fd;
  uint64_t number;
  int64_t sent_at;
} client_t;

static size_t size;
static uint64_t completed;
static uint64_t lost;

static void fill(uint8_t* to, uint64_t number) {
  memset(to, (int)(number * 31 & 255), size);
  memcpy(to, &number, size < sizeof number ? size : sizeof number);
}

static void send_next(client_t* client, int64_t now) {
  uint8_t bytes[SIZE_MAX_BYTES];
  client->number++;
  client->sent_at = now;
  fill(bytes, client->number);
  if (send(client->fd, bytes, size, 0) < 0 && errno != EAGAIN) give_up("send", errno);
}

static void receive(client_t* client, int64_t now) {
  uint8_t bytes[SIZE_MAX_BYTES];
  uint8_t expected[SIZE_MAX_BYTES];
  for (;;) {
    ssize_t length = recv(client->fd, bytes, sizeof bytes, 0);
    if (length < 0) {
      if (errno == EAGAIN) return;
      if (errno == EINTR) continue;
      give_up("receive", errno);
    }
    fill(expected, client->number);
    if (length != (ssize_t)size) give_up("a datagram came back of another size", 0);
    if (memcmp(bytes, expected, size) != 0) {
      // The late answer to one that was given up is no error.
      fill(expected, client->number - 1);
      if (lost > 0 && memcmp(bytes, expected, size) == 0) continue;
      give_up("a datagram came back changed", 0);
    }
    completed++;
    send_next(client, now);
    return;
  }
}

static void find_lost(client_t* clients, int64_t connections, int64_t now) {
  for (int64_t i = 0; i < connections; i++) {
    if (now - clients[i].sent_at < LOST_NS) continue;
    lost++;
    send_next(&clients[i], now);
  }
}

int main(int argc, char** argv) {
  uint16_t port = (uint16_t)number_argument(argc, argv, "port", 0);
  int64_t connections = number_argument(argc, argv, "connections", 50);
  int64_t warmup = number_argument(argc, argv, "warmup", 300) * 1000000;
  int64_t duration = number_argument(argc, argv, "duration", 1000) * 1000000;
  pid_t server = (pid_t)number_argument(argc, argv, "server-pid", 0);
  size = (size_t)number_argument(argc, argv, "size", 64);
  if (port == 0) fail_because("--port is required");
  if (connections < 1 || size < 8 || size > SIZE_MAX_BYTES) {
    fail_because("--connections is at least 1, --size 8 to 1400 bytes");
  }
  prepare_generator();
  int poller = events_open();
  client_t* clients = calloc((size_t)connections, sizeof *clients);
  if (poller < 0 || clients == NULL) fail("setup");
  for (int64_t i = 0; i < connections; i++) {
    clients[i].fd = connect_udp(port);
    if (events_add(poller, clients[i].fd, &clients[i]) != 0) give_up("events_add", errno);
    send_next(&clients[i], now_ns());
  }
  int64_t began = now_ns();
  int64_t checked = began;
  bool measuring = false;
  snapshot_t begin = {0};
  for (;;) {
    static event_t events[EVENTS_MAX];
    int count = events_wait(poller, events, 50000000);
    if (count < 0 && errno != EINTR) give_up("wait", errno);
    int64_t now = now_ns();
    for (int i = 0; i < count; i++) {
      if (event_readable(&events[i])) receive(event_data(&events[i]), now);
    }
    if (now - checked > LOST_NS / 4) {
      checked = now;
      find_lost(clients, connections, now);
    }
    if (lost > 100 + completed / 1000) give_up("too many datagrams were lost", 0);
    if (!measuring && now - began >= warmup) {
      measuring = true;
      tell("begin");
      begin = take_snapshot(completed, server);
    } else if (measuring && now - begin.at >= duration) {
      snapshot_t end = take_snapshot(completed, server);
      tell("end");
      print_window(&begin, &end);
      printf("\"connections\":%lld,\"lost\":%llu}\n", (long long)connections,
             (unsigned long long)lost);
      return 0;
    }
  }
}
#else
int main(void) { no_udp_here(); }
#endif
