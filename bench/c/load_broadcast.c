// The load generator of broadcasts: many WebSocket connections, of which the first publishes a
// message and each must get it. When all have it the next one is published. Counts deliveries.
// Output as load.c.
#include "clients.h"
#include "events.h"
#include "messages.h"

typedef struct {
  int fd;
  uint64_t received;  // whole messages
  size_t offset;
} client_t;

static messages_t messages;
static uint64_t deliveries;
static uint64_t published;

static void publish(const client_t* first) {
  const char* bytes = messages.out[published % messages.variants];
  ssize_t sent = send(first->fd, bytes, messages.out_bytes, 0);
  if (sent != (ssize_t)messages.out_bytes) give_up("publish", errno);
  published++;
}

static void receive(client_t* client) {
  static char buffer[64 * 1024];
  for (;;) {
    ssize_t length = recv(client->fd, buffer, sizeof buffer, 0);
    if (length == 0) give_up("the server closed a connection", 0);
    if (length < 0) {
      if (errno == EAGAIN) return;
      if (errno == EINTR) continue;
      give_up("receive", errno);
    }
    const char* bytes = buffer;
    size_t left = (size_t)length;
    while (left > 0) {
      if (client->received >= published) give_up("more came than was published", 0);
      const char* expected = messages.in[client->received % messages.variants];
      size_t part = messages.in_bytes - client->offset;
      if (part > left) part = left;
      if (memcmp(bytes, expected + client->offset, part) != 0) {
        give_up("a message came changed", 0);
      }
      bytes += part;
      left -= part;
      client->offset += part;
      if (client->offset < messages.in_bytes) break;
      client->offset = 0;
      client->received++;
      deliveries++;
    }
    if ((size_t)length < sizeof buffer) return;
  }
}

int main(int argc, char** argv) {
  uint16_t port = (uint16_t)number_argument(argc, argv, "port", 0);
  int64_t connections = number_argument(argc, argv, "connections", 5000);
  int64_t size = number_argument(argc, argv, "size", 100);
  int64_t warmup = number_argument(argc, argv, "warmup", 300) * 1000000;
  int64_t duration = number_argument(argc, argv, "duration", 1000) * 1000000;
  pid_t server = (pid_t)number_argument(argc, argv, "server-pid", 0);
  if (port == 0) fail_because("--port is required");
  if (connections < 1 || size < 1 || size > 65536) {
    fail_because("--connections is at least 1, --size 1 to 65536 bytes");
  }
  if (raise_descriptor_limit() < connections + 16) {
    fail_because("the descriptor limit is below the number of connections");
  }
  prepare_generator();
  make_messages(&messages, PROTOCOL_WS_BINARY, (size_t)size);
  int poller = events_open();
  client_t* clients = calloc((size_t)connections, sizeof *clients);
  if (poller < 0 || clients == NULL) fail("setup");
  for (int64_t i = 0; i < connections; i++) {
    clients[i].fd = open_client(port, (uint32_t)i, true);
    if (events_add(poller, clients[i].fd, &clients[i]) != 0) give_up("events_add", errno);
  }

  int64_t began = now_ns();
  int64_t deadline = began + STALL_NS;
  bool measuring = false;
  snapshot_t begin = {0};
  publish(&clients[0]);
  for (;;) {
    static event_t events[EVENTS_MAX];
    int count = events_wait(poller, events, 50000000);
    if (count < 0 && errno != EINTR) give_up("wait", errno);
    uint64_t before = deliveries;
    for (int i = 0; i < count; i++) {
      if (event_readable(&events[i])) receive(event_data(&events[i]));
    }
    int64_t now = now_ns();
    if (deliveries != before) deadline = now + STALL_NS;
    if (now > deadline) give_up("a message did not reach everybody in 5 s", 0);
    if (deliveries < published * (uint64_t)connections) continue;
    // Windows begin and end between broadcasts, so that none is counted in part.
    if (!measuring && now - began >= warmup) {
      measuring = true;
      tell("begin");
      begin = take_snapshot(deliveries, server);
    } else if (measuring && now - begin.at >= duration) {
      snapshot_t end = take_snapshot(deliveries, server);
      tell("end");
      print_window(&begin, &end);
      printf("\"connections\":%lld}\n", (long long)connections);
      return 0;
    }
    publish(&clients[0]);
  }
}
