// The limit for WebSocket: an echo server over epoll that does what RFC 6455 asks of a server
// without extensions, and no more. Whole frames are unmasked into one output buffer, so that all
// messages of a read leave in one send; fragments are echoed as they came; text is checked.
//
// With --broadcast every message goes to all connections instead, encoded once.
#include "events.h"
#include "subject.h"
#include "websocket.h"

enum { BUFFER_BYTES = 64 * 1024, CONNECTIONS_MAX = 1 << 16 };

typedef struct {
  bool open;
  bool upgraded;
  bool ending;      // the peer has finished or failed
  bool closing;     // Close was answered: flush, then drop
  bool in_message;  // fragments are outstanding
  bool text;
  utf8_t utf8;
  uint8_t* kept;  // the beginning of a frame that has not come whole
  size_t kept_bytes;
  size_t kept_capacity;
  uint8_t* pending;  // what the kernel would not take
  size_t pending_bytes;
  size_t pending_capacity;
} connection_t;

static connection_t* connections;  // by descriptor
static int highest = -1;
static bool broadcast;
static uint8_t input[BUFFER_BYTES];
static uint8_t* output;
static size_t output_bytes;
static size_t output_capacity;

static void reserve(uint8_t** buffer, size_t* capacity, size_t needed) {
  if (needed <= *capacity) return;
  size_t grown = *capacity * 2 > needed ? *capacity * 2 : needed;
  *buffer = realloc(*buffer, grown);
  if (*buffer == NULL) fail("realloc");
  *capacity = grown;
}

static void drop(int fd) {
  connection_t* connection = &connections[fd];
  free(connection->kept);
  free(connection->pending);
  memset(connection, 0, sizeof *connection);
  close(fd);
}

static void queue(connection_t* connection, const uint8_t* bytes, size_t length) {
  reserve(&connection->pending, &connection->pending_capacity, connection->pending_bytes + length);
  memcpy(connection->pending + connection->pending_bytes, bytes, length);
  connection->pending_bytes += length;
}

// False when the connection has failed.
static bool send_bytes(int fd, const uint8_t* bytes, size_t length) {
  connection_t* connection = &connections[fd];
  if (connection->pending_bytes > 0) {
    queue(connection, bytes, length);
    return true;
  }
  ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno != EAGAIN && errno != EINTR) return false;
    sent = 0;
  }
  if ((size_t)sent < length) queue(connection, bytes + sent, length - (size_t)sent);
  return true;
}

static bool flush_pending(int fd) {
  connection_t* connection = &connections[fd];
  ssize_t sent = send(fd, connection->pending, connection->pending_bytes, MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN || errno == EINTR;
  connection->pending_bytes -= (size_t)sent;
  memmove(connection->pending, connection->pending + sent, connection->pending_bytes);
  return true;
}

static void send_to_all(const uint8_t* bytes, size_t length) {
  for (int fd = 0; fd <= highest; fd++) {
    if (connections[fd].upgraded && !connections[fd].closing) send_bytes(fd, bytes, length);
  }
}

// Appends the frame that answers one; false when the peer broke the protocol.
static bool answer(connection_t* connection, const frame_t* frame, const uint8_t* payload) {
  size_t start = output_bytes;
  reserve(&output, &output_capacity, output_bytes + frame->length + SERVER_HEADER_MAX);
  unsigned opcode = frame->opcode == OPCODE_PING ? OPCODE_PONG : frame->opcode;
  output_bytes += write_header(output + output_bytes, frame->fin, opcode, frame->length);
  uint8_t* body = output + output_bytes;
  unmask(body, payload, frame->length, frame->mask);
  output_bytes += frame->length;
  if (frame->opcode >= OPCODE_CLOSE) {
    if (frame->opcode == OPCODE_PONG) output_bytes = start;
    if (frame->opcode == OPCODE_CLOSE) connection->closing = true;
    return frame->opcode != OPCODE_CLOSE || frame->length != 1;
  }
  if ((frame->opcode == OPCODE_CONTINUATION) != connection->in_message) return false;
  if (broadcast && !frame->fin) return false;  // fragments of two senders must not mix
  if (!connection->in_message) {
    connection->text = frame->opcode == OPCODE_TEXT;
    connection->utf8 = (utf8_t){0};
  }
  connection->in_message = !frame->fin;
  if (connection->text) {
    if (!utf8_check(&connection->utf8, body, frame->length)) return false;
    if (frame->fin && connection->utf8.needed > 0) return false;
  }
  if (broadcast) {
    send_to_all(output + start, output_bytes - start);
    output_bytes = start;
  }
  return true;
}

// Consumes whole frames; gives what is left over, or -1 when the peer broke the protocol.
static ssize_t consume(connection_t* connection, const uint8_t* bytes, size_t length) {
  size_t at = 0;
  if (!connection->upgraded) {
    char response[RESPONSE_MAX];
    size_t response_bytes = 0;
    ssize_t head = answer_handshake((const char*)bytes, length, response, &response_bytes);
    if (head < 0) return -1;
    if (head == 0) return (ssize_t)length;
    reserve(&output, &output_capacity, output_bytes + response_bytes);
    memcpy(output + output_bytes, response, response_bytes);
    output_bytes += response_bytes;
    connection->upgraded = true;
    at = (size_t)head;
  }
  while (at < length && !connection->closing) {
    frame_t frame;
    int parsed = parse_header(bytes + at, length - at, &frame);
    if (parsed < 0) return -1;
    if (parsed == 0 || length - at - frame.header_bytes < frame.length) break;
    if (!answer(connection, &frame, bytes + at + frame.header_bytes)) return -1;
    at += frame.header_bytes + frame.length;
  }
  return connection->closing ? 0 : (ssize_t)(length - at);
}

// One read. Gives 1 to read on, 0 when there is nothing more, -1 when the connection is over.
static int read_once(int fd) {
  connection_t* connection = &connections[fd];
  uint8_t* to = input;
  size_t room = sizeof input;
  if (connection->kept_bytes > 0) {
    reserve(&connection->kept, &connection->kept_capacity, connection->kept_bytes + BUFFER_BYTES);
    to = connection->kept + connection->kept_bytes;
    room = connection->kept_capacity - connection->kept_bytes;
  }
  ssize_t received = recv(fd, to, room, 0);
  if (received == 0) return -1;
  if (received < 0) return errno == EAGAIN ? 0 : errno == EINTR ? 1 : -1;
  bool partial = connection->kept_bytes > 0;
  const uint8_t* bytes = partial ? connection->kept : input;
  size_t length = connection->kept_bytes + (size_t)received;
  output_bytes = 0;
  ssize_t left = consume(connection, bytes, length);
  if (left < 0) return -1;
  if (left > 0) {
    if (!partial) reserve(&connection->kept, &connection->kept_capacity, (size_t)left);
    memmove(connection->kept, bytes + length - (size_t)left, (size_t)left);
  }
  connection->kept_bytes = (size_t)left;
  if (output_bytes > 0 && !send_bytes(fd, output, output_bytes)) return -1;
  if (connection->pending_bytes > 0) return 0;
  if (connection->closing) return -1;
  return (size_t)received == room || connection->ending ? 1 : 0;
}

static void serve(int fd, bool readable, bool writable, bool ending) {
  connection_t* connection = &connections[fd];
  if (!connection->open) return;
  connection->ending |= ending;
  if (connection->pending_bytes > 0) {
    if (!writable) return;
    if (!flush_pending(fd)) return drop(fd);
    if (connection->pending_bytes > 0) return;
    if (connection->closing) return drop(fd);
    readable = true;  // what came meanwhile raised an event that was not served
  }
  int more = readable ? 1 : 0;
  while (more == 1) more = read_once(fd);
  if (more < 0) drop(fd);
}

static void accept_all(int poller, int listener) {
  for (;;) {
    int fd = accept_nonblocking(listener);
    if (fd < 0) return;
    if (fd >= CONNECTIONS_MAX) fail_because("too many descriptors");
    set_no_delay(fd);
    connections[fd] = (connection_t){.open = true};
    if (fd > highest) highest = fd;
    if (events_add(poller, fd, (void*)(intptr_t)fd) != 0) fail("events_add");
  }
}

int main(int argc, char** argv) {
  broadcast = argc > 1 && strcmp(argv[1], "--broadcast") == 0;
  raise_descriptor_limit();
  connections = calloc(CONNECTIONS_MAX, sizeof *connections);
  if (connections == NULL) fail("calloc");
  reserve(&output, &output_capacity, 2 * BUFFER_BYTES);
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
