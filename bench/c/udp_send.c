// The limit of sending datagrams to one peer: sendmmsg of messages that the kernel segments
// (UDP_SEGMENT). `run {...}` sends for a while and answers how many went out and what they cost.
#include "udp.h"

#if defined(__linux__)
#include "clocks.h"
#include "events.h"
#include "subject.h"

enum { MESSAGES = 16, SIZE_MAX_BYTES = 1400 };

static struct mmsghdr headers[MESSAGES];
static struct iovec vectors[MESSAGES];
static union {
  struct cmsghdr align;
  char bytes[CMSG_SPACE(sizeof(uint16_t))];
} control;

static void prepare(size_t size) {
  static uint8_t payload[GSO_SEGMENTS_MAX * SIZE_MAX_BYTES];
  size_t segments = sizeof payload / size < GSO_SEGMENTS_MAX ? 1 : GSO_SEGMENTS_MAX;
  while (segments * size > 65000) segments /= 2;
  struct msghdr common = {.msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  struct cmsghdr* header = CMSG_FIRSTHDR(&common);
  header->cmsg_level = SOL_UDP;
  header->cmsg_type = UDP_SEGMENT;
  header->cmsg_len = CMSG_LEN(sizeof(uint16_t));
  uint16_t segment = (uint16_t)size;
  memcpy(CMSG_DATA(header), &segment, sizeof segment);
  for (int i = 0; i < MESSAGES; i++) {
    vectors[i] = (struct iovec){.iov_base = payload, .iov_len = segments * size};
    headers[i].msg_hdr = common;
    headers[i].msg_hdr.msg_iov = &vectors[i];
    headers[i].msg_hdr.msg_iovlen = 1;
  }
}

static uint64_t send_batch(int fd, size_t size) {
  int sent = sendmmsg(fd, headers, MESSAGES, 0);
  if (sent < 0) {
    if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS) return 0;
    fail("sendmmsg");
  }
  return (uint64_t)sent * (vectors[0].iov_len / size);
}

static bool answer_run(const char* line) {
  if (strncmp(line, "run ", 4) != 0) return false;
  size_t size = (size_t)json_number(line, "size", 64);
  if (size < 1 || size > SIZE_MAX_BYTES) fail_because("size is 1 to 1400 bytes");
  int fd = connect_udp((uint16_t)json_number(line, "port", 0));
  prepare(size);
  int64_t start = now_ns() + json_number(line, "warmup", 300) * 1000000;
  int64_t end = start + json_number(line, "duration", 1000) * 1000000;
  while (now_ns() < start) send_batch(fd, size);
  int64_t begin = now_ns();
  int64_t cpu = own_cpu_ns();
  uint64_t count = 0;
  while (now_ns() < end) count += send_batch(fd, size);
  printf("{\"messages\":%llu,\"seconds\":%.9f,\"cpuNs\":%lld}\n", (unsigned long long)count,
         (double)(now_ns() - begin) / 1e9, (long long)(own_cpu_ns() - cpu));
  close(fd);
  return true;
}

int main(void) {
  answer_more = answer_run;
  announce(0);
  for (;;) answer_runner();
}
#else
int main(void) { no_udp_here(); }
#endif
