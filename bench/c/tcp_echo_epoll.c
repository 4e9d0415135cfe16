// The limit: a TCP echo server that does what the protocol needs and no more. Edge-triggered,
// non-blocking, one receive buffer, TCP_NODELAY. Bytes the kernel would not take are kept and the
// connection is not read until they have gone. A read shorter than the buffer ends the reading of
// one event, unless the event says that the peer has finished.
#include "events.h"
#include "subject.h"

enum { BUFFER_BYTES = 64 * 1024, CONNECTIONS_MAX = 1 << 16 };

typedef struct {
  bool open;
  bool ending;
  char* pending;
  size_t pending_bytes;
  size_t pending_capacity;
} connection_t;

static connection_t* connections;  // by descriptor
static char buffer[BUFFER_BYTES];

static void drop(int fd) {
  connection_t* connection = &connections[fd];
  free(connection->pending);
  memset(connection, 0, sizeof *connection);
  close(fd);
}

static void keep(connection_t* connection, const char* bytes, size_t length) {
  if (length > connection->pending_capacity) {
    connection->pending = realloc(connection->pending, length);
    if (connection->pending == NULL) fail("realloc");
    connection->pending_capacity = length;
  }
  memmove(connection->pending, bytes, length);
  connection->pending_bytes = length;
}

// False when the connection has failed.
static bool send_bytes(int fd, const char* bytes, size_t length) {
  ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno != EAGAIN && errno != EINTR) return false;
    sent = 0;
  }
  connections[fd].pending_bytes = 0;
  if ((size_t)sent < length) keep(&connections[fd], bytes + sent, length - (size_t)sent);
  return true;
}

static void serve(int fd, bool readable, bool writable, bool ending) {
  connection_t* connection = &connections[fd];
  if (!connection->open) return;
  connection->ending |= ending;
  if (connection->pending_bytes > 0) {
    if (!writable) return;
    if (!send_bytes(fd, connection->pending, connection->pending_bytes)) return drop(fd);
    if (connection->pending_bytes > 0) return;
    readable = true;  // what came meanwhile raised an event that was not served
  }
  if (!readable) return;
  for (;;) {
    ssize_t received = recv(fd, buffer, sizeof buffer, 0);
    if (received == 0) return drop(fd);
    if (received < 0) {
      if (errno == EAGAIN) return;
      if (errno == EINTR) continue;
      return drop(fd);
    }
    if (!send_bytes(fd, buffer, (size_t)received)) return drop(fd);
    if (connection->pending_bytes > 0) return;
    if ((size_t)received < sizeof buffer && !connection->ending) return;
  }
}

static void accept_all(int poller, int listener) {
  for (;;) {
    int fd = accept_nonblocking(listener);
    if (fd < 0) return;
    if (fd >= CONNECTIONS_MAX) fail_because("too many descriptors");
    set_no_delay(fd);
    connections[fd] = (connection_t){.open = true};
    if (events_add(poller, fd, (void*)(intptr_t)fd) != 0) fail("events_add");
  }
}

int main(void) {
  raise_descriptor_limit();
  connections = calloc(CONNECTIONS_MAX, sizeof *connections);
  if (connections == NULL) fail("calloc");
  int poller = events_open();
  int listener = listen_tcp();
  if (events_add_reader(poller, listener, (void*)(intptr_t)listener) != 0) fail("events_add");
  if (events_add_reader(poller, STDIN_FILENO, (void*)(intptr_t)STDIN_FILENO) != 0) fail("stdin");
  announce(bound_port(listener));
  static event_t events[EVENTS_MAX];
  for (;;) {
    int count = events_wait(poller, events, -1);
    for (int i = 0; i < count; i++) {
      const event_t* event = &events[i];
      int fd = (int)(intptr_t)event_data(event);
      if (fd == listener) {
        accept_all(poller, listener);
      } else if (fd == STDIN_FILENO) {
        answer_runner();
      } else {
        serve(fd, event_readable(event), event_writable(event), event_ending(event));
      }
    }
  }
}
