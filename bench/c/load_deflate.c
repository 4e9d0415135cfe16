// The load generator for WebSocket echo with permessage-deflate (RFC 7692): a closed loop of one
// message a connection. Messages are JSON, compressed beforehand, each by itself; the answers are
// inflated in the connection's context, whatever the server chose, and compared. Output as load.c,
// with how many bytes the answers took. Needs zlib.
#include <stdlib.h>
#include <zlib.h>

#include "events.h"
#include "handshake.h"
#include "messages.h"
#include "window.h"

enum { MESSAGE_MAX = 64 * 1024, BUFFER_BYTES = 256 * 1024, TAIL_BYTES = 4 };

typedef struct {
  int fd;
  bool connected;
  bool upgraded;
  bool no_takeover;
  unsigned number;
  uint8_t* bytes;  // what came and makes no whole frame yet
  size_t length;
  z_stream inflater;
} client_t;

static uint16_t port;
static size_t size;
// Together more than the 32 KiB window, so that no message finds itself in it.
static unsigned variants = VARIANTS_MAX;
static char* plain[VARIANTS_MAX];
static char* frames[VARIANTS_MAX];
static size_t frame_bytes[VARIANTS_MAX];
static uint64_t completed;
static uint64_t compressed_bytes;
static unsigned ready;

// Rows as services send them: the same keys, other values.
static void make_json(char* to, unsigned variant) {
  uint32_t random = 0x2545F491u + variant * 7919u;
  size_t at = 0;
  to[at++] = '[';
  while (at < size) {
    char row[160];
    snprintf(row, sizeof row,
             "{\"id\":%u,\"name\":\"user-%u\",\"active\":%s,\"balance\":%u.%02u,\"tags\":[\"a%u\","
             "\"b%u\"]},",
             next_random(&random), next_random(&random) % 100000,
             next_random(&random) % 2 == 0 ? "true" : "false", next_random(&random) % 10000,
             next_random(&random) % 100, next_random(&random) % 100, next_random(&random) % 100);
    size_t part = strlen(row);
    if (part > size - at) part = size - at;
    memcpy(to + at, row, part);
    at += part;
  }
}

static void make_frames(void) {
  static uint8_t packed[MESSAGE_MAX * 2];
  for (unsigned v = 0; v < variants; v++) {
    plain[v] = allocate(size);
    make_json(plain[v], v);
    z_stream deflater = {0};
    if (deflateInit2(&deflater, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
      fail_because("deflateInit2 failed");
    }
    deflater.next_in = (Bytef*)plain[v];
    deflater.avail_in = (uInt)size;
    deflater.next_out = packed;
    deflater.avail_out = sizeof packed;
    if (deflate(&deflater, Z_SYNC_FLUSH) != Z_OK) fail_because("deflate failed");
    size_t length = sizeof packed - deflater.avail_out - TAIL_BYTES;
    deflateEnd(&deflater);
    uint8_t key[4] = {0x12, 0x34, 0x56, (uint8_t)(v + 1)};
    frames[v] = allocate(length + FRAME_HEADER_MAX);
    size_t header = frame_header(frames[v], 1, length, key);
    frames[v][0] |= 0x40;  // RSV1: compressed (section 6)
    for (size_t i = 0; i < length; i++) {
      frames[v][header + i] = (char)(packed[i] ^ key[i % 4]);
    }
    frame_bytes[v] = header + length;
  }
}

static void send_next(client_t* client) {
  unsigned v = client->number % variants;
  ssize_t sent = send(client->fd, frames[v], frame_bytes[v], 0);
  if (sent != (ssize_t)frame_bytes[v]) give_up("send", errno);
}

static void check(client_t* client, const uint8_t* payload, size_t length, bool compressed) {
  static uint8_t out[MESSAGE_MAX + 1];
  static const uint8_t tail[TAIL_BYTES] = {0, 0, 0xFF, 0xFF};
  const char* expected = plain[client->number % variants];
  if (!compressed) give_up("the server did not compress", 0);
  z_stream* inflater = &client->inflater;
  if (client->no_takeover) inflateReset(inflater);
  inflater->next_out = out;
  inflater->avail_out = sizeof out;
  for (int part = 0; part < 2; part++) {
    inflater->next_in = (Bytef*)(part == 0 ? payload : tail);
    inflater->avail_in = part == 0 ? (uInt)length : TAIL_BYTES;
    int result = inflate(inflater, Z_SYNC_FLUSH);
    if (result != Z_OK && result != Z_BUF_ERROR) give_up("an answer does not inflate", 0);
  }
  if (sizeof out - inflater->avail_out != size || memcmp(out, expected, size) != 0) {
    give_up("a message came back changed", 0);
  }
  completed++;
  compressed_bytes += length;
  client->number++;
  send_next(client);
}

// One whole frame off the front; 0 when there is none.
static size_t take_frame(client_t* client, const uint8_t* bytes, size_t length) {
  if (length < 4) return 0;
  if ((bytes[0] & 0x8F) != 0x81) give_up("not one whole text frame", 0);
  size_t header = 2;
  size_t payload = bytes[1] & 127;
  if (payload == 126) {
    payload = (size_t)bytes[2] << 8 | bytes[3];
    header = 4;
  } else if (payload == 127) {
    give_up("an answer is larger than it can be", 0);
  }
  if (length < header + payload) return 0;
  check(client, bytes + header, payload, (bytes[0] & 0x40) != 0);
  return header + payload;
}

static void upgrade(client_t* client) {
  ssize_t head = handshake_response((const char*)client->bytes, client->length);
  if (head == 0) return;
  if (head != (ssize_t)client->length) give_up("the upgrade was not answered as asked", 0);
  client->bytes[head] = '\0';
  const char* text = (const char*)client->bytes;
  if (strstr(text, "permessage-deflate") == NULL) give_up("the server declined to compress", 0);
  client->no_takeover = strstr(text, "server_no_context_takeover") != NULL;
  client->upgraded = true;
  client->length = 0;
  if (inflateInit2(&client->inflater, -15) != Z_OK) give_up("inflateInit2", 0);
  ready++;
}

static void receive(client_t* client) {
  for (;;) {
    size_t room = BUFFER_BYTES - 1 - client->length;
    ssize_t received = recv(client->fd, client->bytes + client->length, room, 0);
    if (received == 0) give_up("the server closed a connection", 0);
    if (received < 0) {
      if (errno == EAGAIN) return;
      if (errno == EINTR) continue;
      give_up("receive", errno);
    }
    client->length += (size_t)received;
    if (!client->upgraded) {
      upgrade(client);
      continue;
    }
    size_t at = 0;
    for (size_t taken = 1; taken > 0; at += taken) {
      taken = take_frame(client, client->bytes + at, client->length - at);
    }
    client->length -= at;
    memmove(client->bytes, client->bytes + at, client->length);
  }
}

static void handle(const event_t* event) {
  client_t* client = event_data(event);
  if (!client->connected && event_writable(event)) {
    char request[HANDSHAKE_MAX];
    size_t length = handshake_request(
        request, sizeof request, port,
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n");
    if (send(client->fd, request, length, 0) != (ssize_t)length) give_up("connect", errno);
    client->connected = true;
  }
  if (event_readable(event)) receive(client);
}

static void wait_and_handle(int poller) {
  static event_t events[EVENTS_MAX];
  int count = events_wait(poller, events, 50000000);
  if (count < 0 && errno != EINTR) give_up("wait", errno);
  for (int i = 0; i < count; i++) handle(&events[i]);
}

int main(int argc, char** argv) {
  port = (uint16_t)number_argument(argc, argv, "port", 0);
  size = (size_t)number_argument(argc, argv, "size", 1024);
  unsigned connections = (unsigned)number_argument(argc, argv, "connections", 50);
  int64_t warmup = number_argument(argc, argv, "warmup", 300) * 1000000;
  int64_t duration = number_argument(argc, argv, "duration", 1000) * 1000000;
  pid_t server = (pid_t)number_argument(argc, argv, "server-pid", 0);
  if (port == 0) fail_because("--port is required");
  if (size < 1 || size > MESSAGE_MAX) fail_because("--size is 1 to 65536 bytes");
  if (connections < 1 || connections > 1000) fail_because("--connections is 1 to 1000");
  prepare_generator();
  make_frames();
  int poller = events_open();
  client_t* clients = calloc(connections, sizeof *clients);
  if (poller < 0 || clients == NULL) fail("setup");
  int64_t deadline = now_ns() + STALL_NS;
  for (unsigned i = 0; i < connections; i++) {
    clients[i].bytes = allocate(BUFFER_BYTES);
    clients[i].number = i;
    clients[i].fd = start_connect(port, i);
    if (clients[i].fd < 0) give_up("connect", errno);
    if (events_add(poller, clients[i].fd, &clients[i]) != 0) give_up("events_add", errno);
  }
  while (ready < connections) {
    wait_and_handle(poller);
    if (now_ns() > deadline) give_up("not all connections were established in 5 s", 0);
  }
  for (unsigned i = 0; i < connections; i++) send_next(&clients[i]);

  int64_t began = now_ns();
  bool measuring = false;
  uint64_t bytes_before = 0;
  snapshot_t begin = {0};
  for (;;) {
    uint64_t before = completed;
    wait_and_handle(poller);
    int64_t now = now_ns();
    if (completed != before) deadline = now + STALL_NS;
    if (now > deadline) give_up("nothing came back for 5 s", 0);
    if (!measuring && now - began >= warmup) {
      measuring = true;
      tell("begin");
      begin = take_snapshot(completed, server);
      bytes_before = compressed_bytes;
    } else if (measuring && now - begin.at >= duration) {
      snapshot_t end = take_snapshot(completed, server);
      tell("end");
      print_window(&begin, &end);
      printf("\"compressedBytes\":%llu}\n", (unsigned long long)(compressed_bytes - bytes_before));
      return 0;
    }
  }
}
