// The limit of bulk transfer: a server that receives or sends as fast as it can, one system call a
// buffer. See bulk.h for the protocol.
#include "bulk.h"
#include "events.h"
#include "subject.h"

enum { CONNECTIONS_MAX = 4096, RECEIVE_BYTES = 256 * 1024 };

typedef struct {
  bool open;
  char mode;
  uint64_t count;
  size_t offset;  // into the pattern
} connection_t;

static connection_t connections[CONNECTIONS_MAX];
static uint8_t pattern[BULK_PATTERN_BYTES];
static char buffer[RECEIVE_BYTES];

static void drop(int fd) {
  connections[fd].open = false;
  close(fd);
}

static void answer_count(int fd) {
  uint8_t bytes[8];
  for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(connections[fd].count >> (56 - 8 * i));
  if (send(fd, bytes, sizeof bytes, MSG_NOSIGNAL) != sizeof bytes) fail("send");
  drop(fd);
}

static void receive(int fd) {
  connection_t* connection = &connections[fd];
  for (;;) {
    ssize_t length = recv(fd, buffer, sizeof buffer, 0);
    if (length < 0) {
      if (errno == EAGAIN) return;
      if (errno == EINTR) continue;
      return drop(fd);
    }
    if (length == 0) return connection->mode == 'R' ? answer_count(fd) : drop(fd);
    if (connection->mode == 0) {
      connection->mode = buffer[0];
      length--;
    }
    connection->count += (uint64_t)length;
  }
}

static void send_pattern(int fd) {
  connection_t* connection = &connections[fd];
  for (;;) {
    size_t length = BULK_PATTERN_BYTES - connection->offset;
    ssize_t sent = send(fd, pattern + connection->offset, length, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EAGAIN) return;
      if (errno == EINTR) continue;
      return drop(fd);
    }
    connection->offset = (connection->offset + (size_t)sent) % BULK_PATTERN_BYTES;
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
  bulk_pattern(pattern);
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
        if (connections[fd].open && event_readable(event)) receive(fd);
        if (connections[fd].open && connections[fd].mode == 'S') send_pattern(fd);
      }
    }
  }
}
