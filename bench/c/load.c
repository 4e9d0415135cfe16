// The load generator for echo servers, TCP and WebSocket. Two ways to drive:
//
//   closed loop  each connection keeps `depth` messages in flight; for throughput and CPU time
//   open loop    `rate` messages a second in all, sent when they are due whether or not answers
//                have come; latency counts from the due time, so a server that stalls pays for
//                every message it held up (no coordinated omission)
//
// Every byte that comes back is compared. A warm-up runs first; then one window is measured, with
// the CPU clocks of this process and of the server read at its two ends. Prints JSON lines:
// {"event":"begin"}, {"event":"end"}, then the result or {"error":...}.
//
// Knows nothing of subjects, rounds and statistics; those are the runner's.
#include <sys/uio.h>

#include "events.h"
#include "handshake.h"
#include "histogram.h"
#include "messages.h"
#include "window.h"

enum {
  RECEIVE_BYTES = 256 * 1024,
  GATHER_MAX = 64,
  WARMUP_TIMES_MAX = 4,
  DUE_MAX = 8192,  // messages of one connection in flight in the open loop
};

typedef enum { STATE_CONNECTING, STATE_UPGRADING, STATE_READY } state_t;

typedef struct {
  int fd;
  state_t state;
  unsigned index;
  uint64_t sent;       // messages handed to the kernel in full
  size_t sent_offset;  // bytes of the next one
  uint64_t owed;       // messages that may be sent now
  uint64_t received;   // messages that came back in full
  size_t received_offset;
  int64_t* due;  // ring of due times, open loop only
  char* head;    // the upgrade's response so far
  size_t head_bytes;
} connection_t;

static struct {
  uint16_t port;
  unsigned connections;
  uint64_t depth;
  int64_t warmup_ns;
  uint64_t warmup_messages;
  int64_t duration_ns;
  uint64_t messages;
  int64_t rate;
  pid_t server;
  protocol_t protocol;
} options;

static messages_t messages;
static connection_t* connections;
static unsigned ready;
static uint64_t completed;
static histogram_t latency;
static histogram_t lateness;                 // of this generator: from due to handed to the kernel
static int64_t measure_from_ns = INT64_MAX;  // due times before this are warm-up
static int64_t measure_to_ns = INT64_MAX;
static char buffer[RECEIVE_BYTES];

static unsigned variant_of(const connection_t* connection, uint64_t number) {
  return (unsigned)((number + connection->index) % messages.variants);
}

static void flush(connection_t* connection) {
  while (connection->owed > 0) {
    struct iovec vectors[GATHER_MAX];
    unsigned count = connection->owed < GATHER_MAX ? (unsigned)connection->owed : GATHER_MAX;
    for (unsigned i = 0; i < count; i++) {
      vectors[i].iov_base = messages.out[variant_of(connection, connection->sent + i)];
      vectors[i].iov_len = messages.out_bytes;
    }
    vectors[0].iov_base = (char*)vectors[0].iov_base + connection->sent_offset;
    vectors[0].iov_len -= connection->sent_offset;
    // One message is the usual case, and send is the cheaper call.
    ssize_t length = count == 1 ? send(connection->fd, vectors[0].iov_base, vectors[0].iov_len, 0)
                                : writev(connection->fd, vectors, (int)count);
    if (length < 0) {
      if (errno == EAGAIN) return;
      if (errno == EINTR) continue;
      give_up("send", errno);
    }
    size_t offset = connection->sent_offset + (size_t)length;
    uint64_t whole = offset / messages.out_bytes;
    connection->sent += whole;
    connection->owed -= whole;
    connection->sent_offset = offset % messages.out_bytes;
    if (whole < count) return;  // the kernel is full; an event will tell
  }
}

static void complete(connection_t* connection, int64_t now) {
  completed++;
  if (options.rate == 0) {
    connection->owed++;
  } else {
    int64_t due = connection->due[connection->received % DUE_MAX];
    if (due >= measure_from_ns && due < measure_to_ns) {
      histogram_add(&latency, (uint64_t)(now - due));
    }
  }
  connection->received++;
  connection->received_offset = 0;
}

static void check(connection_t* connection, const char* bytes, size_t length) {
  int64_t now = options.rate > 0 ? now_ns() : 0;
  while (length > 0) {
    if (connection->received >= connection->sent + (connection->sent_offset > 0)) {
      give_up("more came back than was sent", 0);
    }
    const char* expected = messages.in[variant_of(connection, connection->received)];
    size_t part = messages.in_bytes - connection->received_offset;
    if (part > length) part = length;
    if (memcmp(bytes, expected + connection->received_offset, part) != 0) {
      give_up("a message came back changed", 0);
    }
    bytes += part;
    length -= part;
    connection->received_offset += part;
    if (connection->received_offset == messages.in_bytes) complete(connection, now);
  }
}

static void become_ready(connection_t* connection) {
  connection->state = STATE_READY;
  ready++;
}

static void upgrade(connection_t* connection, size_t length) {
  if (connection->head_bytes + length > HANDSHAKE_MAX) give_up("the upgrade is too long", 0);
  memcpy(connection->head + connection->head_bytes, buffer, length);
  connection->head_bytes += length;
  ssize_t head = handshake_response(connection->head, connection->head_bytes);
  if (head == 0) return;
  if (head != (ssize_t)connection->head_bytes) give_up("the upgrade was not answered as asked", 0);
  become_ready(connection);
}

static void receive(connection_t* connection, bool ending) {
  for (;;) {
    ssize_t length = recv(connection->fd, buffer, sizeof buffer, 0);
    if (length == 0) give_up("the server closed a connection", 0);
    if (length < 0) {
      if (errno == EAGAIN) return;
      if (errno == EINTR) continue;
      give_up("receive", errno);
    }
    if (connection->state == STATE_UPGRADING) {
      upgrade(connection, (size_t)length);
    } else {
      check(connection, buffer, (size_t)length);
    }
    if ((size_t)length < sizeof buffer && !ending) return;
  }
}

static void connected(connection_t* connection) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) give_up("connect", error);
  if (options.protocol == PROTOCOL_TCP) return become_ready(connection);
  char request[HANDSHAKE_MAX];
  size_t length = handshake_request(request, sizeof request, options.port, "");
  if (send(connection->fd, request, length, 0) != (ssize_t)length) give_up("upgrade", errno);
  connection->state = STATE_UPGRADING;
  connection->head = allocate(HANDSHAKE_MAX);
}

static void handle(const event_t* event) {
  connection_t* connection = event_data(event);
  if (connection->state == STATE_CONNECTING) {
    if (!event_writable(event) && !event_ending(event)) return;
    connected(connection);
  }
  if (event_readable(event)) receive(connection, event_ending(event));
  if (connection->state == STATE_READY) flush(connection);
}

static void wait_and_handle(int poller, int64_t timeout_ns) {
  static event_t events[EVENTS_MAX];
  int count = events_wait(poller, events, timeout_ns);
  if (count < 0 && errno != EINTR) give_up("wait", errno);
  for (int i = 0; i < count; i++) handle(&events[i]);
}

static void open_connections(int poller) {
  enum { AT_ONCE = 256 };
  int64_t deadline = now_ns() + 2 * STALL_NS;
  connections = calloc(options.connections, sizeof *connections);
  if (connections == NULL) fail("calloc");
  unsigned started = 0;
  while (ready < options.connections) {
    while (started < options.connections && started - ready < AT_ONCE) {
      connection_t* connection = &connections[started];
      connection->index = started;
      connection->fd = start_connect(options.port, started);
      if (connection->fd < 0) give_up("connect", errno);
      if (options.rate > 0) connection->due = allocate(DUE_MAX * sizeof(int64_t));
      if (events_add(poller, connection->fd, connection) != 0) give_up("events_add", errno);
      started++;
    }
    wait_and_handle(poller, 100000000);
    if (now_ns() > deadline) give_up("not all connections were established in 10 s", 0);
  }
}

// Compilers that work at run time count calls, not seconds: a machine that is busy gives both.
static bool is_warm(int64_t passed) {
  if (passed < options.warmup_ns) return false;
  return completed >= options.warmup_messages || passed >= options.warmup_ns * WARMUP_TIMES_MAX;
}

static void run_closed(int poller, snapshot_t* begin, snapshot_t* end) {
  for (unsigned i = 0; i < options.connections; i++) {
    connections[i].owed = options.depth;
    flush(&connections[i]);
  }
  int64_t start = now_ns();
  int64_t progress_at = now_ns();
  uint64_t progress = 0;
  bool measuring = false;
  for (;;) {
    wait_and_handle(poller, 50000000);
    int64_t now = now_ns();
    if (completed != progress) {
      progress = completed;
      progress_at = now;
    } else if (now - progress_at > STALL_NS) {
      give_up("nothing came back for 5 s", 0);
    }
    if (!measuring && is_warm(now - start)) {
      measuring = true;
      tell("begin");
      *begin = take_snapshot(completed, options.server);
    } else if (measuring && (options.messages > 0 ? completed - begin->completed >= options.messages
                                                  : now - begin->at >= options.duration_ns)) {
      *end = take_snapshot(completed, options.server);
      tell("end");
      return;
    }
  }
}

// What is still on its way when the window is over is waited for; what does not come is counted
// with the time it has taken so far.
static void drain(int poller, int64_t deadline) {
  for (unsigned i = 0; i < options.connections; i++) {
    connection_t* connection = &connections[i];
    while (connection->received < connection->sent + connection->owed) {
      if (now_ns() >= deadline) {
        complete(connection, now_ns());
      } else {
        wait_and_handle(poller, 1000000);
      }
    }
  }
}

static void run_open(int poller, snapshot_t* begin, snapshot_t* end) {
  int64_t start = now_ns();
  uint64_t issued = 0;
  bool measuring = false;
  for (;;) {
    int64_t now = now_ns();
    if (!measuring && now - start >= options.warmup_ns) {
      measuring = true;
      tell("begin");
      *begin = take_snapshot(completed, options.server);
      measure_from_ns = now;
      measure_to_ns = now + options.duration_ns;
    } else if (measuring && now >= measure_to_ns) {
      break;
    }
    int64_t due = start + (int64_t)((double)issued * 1e9 / (double)options.rate);
    while (due <= now) {
      connection_t* connection = &connections[issued % options.connections];
      uint64_t flight = connection->sent + connection->owed - connection->received;
      if (flight >= DUE_MAX) give_up("the server cannot keep up with this rate", 0);
      connection->due[(connection->sent + connection->owed) % DUE_MAX] = due;
      connection->owed++;
      flush(connection);
      if (measuring) histogram_add(&lateness, (uint64_t)(now - due));
      issued++;
      due = start + (int64_t)((double)issued * 1e9 / (double)options.rate);
    }
    int64_t wait = due - now_ns();
    wait_and_handle(poller, wait > 0 ? wait : 0);
  }
  *end = take_snapshot(completed, options.server);
  tell("end");
  drain(poller, now_ns() + STALL_NS);
}

static void print_result(const snapshot_t* begin, const snapshot_t* end) {
  print_window(begin, end);
  if (options.rate > 0) {
    histogram_print(&latency);
    printf(",\"lateP99\":%llu,", (unsigned long long)histogram_quantile(&lateness, 0.99));
  }
  printf("\"connections\":%u}\n", options.connections);
}

static void read_options(int argc, char** argv) {
  options.port = (uint16_t)number_argument(argc, argv, "port", 0);
  options.connections = (unsigned)number_argument(argc, argv, "connections", 50);
  options.depth = (uint64_t)number_argument(argc, argv, "depth", 1);
  options.warmup_ns = number_argument(argc, argv, "warmup", 300) * 1000000;
  options.warmup_messages = (uint64_t)number_argument(argc, argv, "warmup-messages", 0);
  options.duration_ns = number_argument(argc, argv, "duration", 1000) * 1000000;
  options.messages = (uint64_t)number_argument(argc, argv, "messages", 0);
  options.rate = number_argument(argc, argv, "rate", 0);
  options.server = (pid_t)number_argument(argc, argv, "server-pid", 0);
  const char* protocol = argument(argc, argv, "protocol", "tcp");
  if (strcmp(protocol, "tcp") == 0) {
    options.protocol = PROTOCOL_TCP;
  } else if (strcmp(protocol, "ws") == 0) {
    options.protocol = PROTOCOL_WS_BINARY;
  } else if (strcmp(protocol, "ws-text") == 0) {
    options.protocol = PROTOCOL_WS_TEXT;
  } else {
    fail_because("--protocol is tcp, ws or ws-text");
  }
  if (options.port == 0) fail_because("--port is required");
  if (options.connections == 0 || options.depth == 0) {
    fail_because("--connections and --depth are at least 1");
  }
}

int main(int argc, char** argv) {
  read_options(argc, argv);
  size_t size = (size_t)number_argument(argc, argv, "size", 20);
  if (size == 0 || size > 64u << 20) fail_because("--size is 1 to 67108864 bytes");
  if (raise_descriptor_limit() < (int64_t)options.connections + 16) {
    fail_because("the descriptor limit is below the number of connections");
  }
  prepare_generator();
  make_messages(&messages, options.protocol, size);
  int poller = events_open();
  if (poller < 0) fail("events_open");
  open_connections(poller);
  snapshot_t begin = {0};
  snapshot_t end = {0};
  if (options.rate > 0) {
    run_open(poller, &begin, &end);
  } else {
    run_closed(poller, &begin, &end);
  }
  print_result(&begin, &end);
  return 0;
}
