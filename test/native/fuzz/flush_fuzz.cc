// The flush under arbitrary submissions: JavaScript writes that memory, and whatever stands there
// must not make native code read beyond its own memory, reach a socket that is not named, or hang.
// Datagrams reach a stand-in for sendmmsg(2), which looks at every byte that it is given and
// answers what the input says: nothing arbitrary leaves this machine.
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "reactor/reactor.h"

using namespace hawser;

namespace {

using records::Operation;
namespace header = records::header;
namespace submission = records::submission;

// Records that an input can fill; wrong counts still name all of them.
constexpr int32_t kMostRecords = 64;
constexpr size_t kViewBytes = 48;
constexpr int32_t kMostRoutes = 16;
constexpr int kMostAnswers = 16;

class Host : public ReactorHost {
 public:
  bool Dispatch(int32_t) override { return true; }
  void Settle(int32_t) override {}
  bool ResolveBlock(int32_t, uint8_t**, size_t*) override { return false; }
  bool ResolveView(int32_t index, const uint8_t** data, size_t* size) override {
    if (index < 0 || index > 3) return false;
    *data = view;
    *size = kViewBytes;
    return true;
  }
  void ReferencesChanged(bool) override {}

  uint8_t* view = nullptr;
};

void Require(bool holds) {
  if (!holds) std::abort();
}

// The answers of the stand-in for sendmmsg: so many were taken, or a negative errno. Then all.
struct Answers {
  int32_t list[kMostAnswers];
  int count;
  int next;
};
Answers answers;
// The memory that a datagram may stand in.
const uint8_t* blocks[2];
size_t sizes[2];

bool IsOurs(const iovec& part) {
  const auto* bytes = static_cast<const uint8_t*>(part.iov_base);
  for (int i = 0; i < 2; i++) {
    size_t from = static_cast<size_t>(bytes - blocks[i]);
    if (bytes >= blocks[i] && from <= sizes[i] && part.iov_len <= sizes[i] - from) return true;
  }
  return false;
}

int TakeMany(int, platform::MultiMessage* messages, unsigned int count, int) {
  static volatile uint8_t sum;
  Require(count > 0 && count <= kDatagramsPerBatch);
  for (unsigned int i = 0; i < count; i++) {
    const msghdr& header = messages[i].msg_hdr;
    Require(header.msg_iovlen == 1 && IsOurs(header.msg_iov[0]));
    Require(header.msg_namelen <= sizeof(sockaddr_storage));
    const auto* bytes = static_cast<const uint8_t*>(header.msg_iov[0].iov_base);
    for (size_t at = 0; at < header.msg_iov[0].iov_len; at++) sum = sum + bytes[at];
    ForEachControlMessage(header, [&](int, int, const uint8_t* data, size_t length) {
      for (size_t at = 0; at < length; at++) sum = sum + data[at];
    });
    messages[i].msg_len = static_cast<unsigned int>(header.msg_iov[0].iov_len);
  }
  if (answers.next == answers.count) return static_cast<int>(count);
  int32_t answer = answers.list[answers.next++];
  if (answer < 0) {
    errno = -answer;
    return -1;
  }
  return 1 + answer % static_cast<int>(count);
}

// Whether the kernel cuts segments, as the input says.
bool can_segment;
int TakeOption(int descriptor, int level, int name, void* value, socklen_t* length) {
  if (level != IPPROTO_UDP) {
    return kRealSystemCalls.getsockopt(descriptor, level, name, value, length);
  }
  errno = ENOPROTOOPT;
  return can_segment ? 0 : -1;
}

// Small numbers are likely to name something that is there; large ones are the attack.
int32_t Number(const uint8_t** data, const uint8_t* end) {
  if (*data == end) return 0;
  uint8_t byte = *(*data)++;
  if (byte < 0xf0) return byte % 80;
  int32_t number = 0;
  for (size_t i = 0; i < sizeof(number) && *data != end; i++) {
    reinterpret_cast<uint8_t*>(&number)[i] = *(*data)++;
  }
  return number;
}

void Fill(const SharedMemory& memory, const uint8_t* data, const uint8_t* end) {
  int32_t heads = Number(&data, end);
  memory.header(header::kHeadCount) = heads;
  memory.header(header::kSubmissionCount) = Number(&data, end);
  memory.header(header::kAreaUsed) = Number(&data, end);
  for (int32_t i = 0; i < kMostRecords; i++) {
    memory.head(i)[records::head::kFirst] = Number(&data, end);
    int32_t* record = memory.submission(i);
    for (int word = 0; word <= submission::kView; word++) record[word] = Number(&data, end);
    record[submission::kOperation] %= 12;
    // Mostly the one that is right.
    int32_t& generation = record[submission::kGeneration];
    generation = generation % 8 == 7 ? generation % 3 : 1;
    record[submission::kSlot] %= 6;
    // Datagram words are not looked at for streams; the input is spent on the others.
    bool is_datagram =
        record[submission::kOperation] >= static_cast<int32_t>(Operation::kDatagramArea);
    for (int word = submission::kView + 1; word < submission::kWords; word++) {
      record[word] = is_datagram ? Number(&data, end) : 0;
    }
    if (!is_datagram) continue;
    // Mostly a route that is there, and no source.
    int32_t& peer = record[submission::kPeer];
    if (peer >= 0 && peer < 64) peer = peer % 8 - 1;
    int32_t& local = record[submission::kLocal];
    if (local >= 0 && local < 64) local = local % 4 == 0 ? local % 6 : -1;
  }
  constexpr int32_t kErrors[] = {EAGAIN,   ENOBUFS,      EIO,   EINVAL,
                                 EMSGSIZE, ECONNREFUSED, EPERM, ENOPROTOOPT};
  answers = {};
  can_segment = Number(&data, end) % 2 == 0;
  for (; answers.count < kMostAnswers && data != end; answers.count++) {
    int32_t number = Number(&data, end) & 0x7f;
    answers.list[answers.count] = number < 40 ? number : -kErrors[number % 8];
  }
  for (int32_t i = 0; i < kMostRoutes; i++) {
    FlatAddress& route = *memory.route(i);
    for (uint8_t& byte : route.bytes) byte = static_cast<uint8_t>(Number(&data, end));
    route.port = static_cast<uint16_t>(Number(&data, end));
    // Families that there are, and some that there are not.
    route.family = static_cast<AddressFamily>(i < 6 ? (i % 2 == 0 ? 4 : 6) : i);
  }
}

SlotName TakeSlot(Reactor* reactor, int descriptor, SlotKind kind) {
  SlotName name;
  Require(descriptor >= 0);
  Require(reactor->Adopt(descriptor, kind, &name) == 0);
  Require(reactor->Watch(name) == 0);
  return name;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* block = static_cast<uint8_t*>(
      ::operator new(records::kTotalBytes, std::align_val_t(records::kAlignment)));
  std::memset(block, 0, records::OffsetOf(records::kArea));
  system_calls.sendmmsg = TakeMany;
  system_calls.getsockopt = TakeOption;
  SharedMemory memory(block);
  Host host;
  host.view = new uint8_t[kViewBytes]();
  blocks[0] = block;
  sizes[0] = records::kTotalBytes;
  blocks[1] = host.view;
  sizes[1] = kViewBytes;
  int bystander[2];
  Require(::socketpair(AF_UNIX, SOCK_STREAM, 0, bystander) == 0);
  {
    Reactor reactor(&host);
    Require(reactor.Open(memory) == 0);
    int far[3];
    for (int& end : far) {
      int ends[2];
      Require(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
      (void)TakeSlot(&reactor, ends[0], SlotKind::kStream);
      end = ends[1];
    }
    (void)TakeSlot(&reactor, ::socket(AF_INET, SOCK_DGRAM, 0), SlotKind::kDatagram);
    (void)TakeSlot(&reactor, ::socket(AF_INET6, SOCK_DGRAM, 0), SlotKind::kDatagram);
    Fill(memory, data, data + size);
    (void)reactor.Flush();
    Require(memory.header(header::kSubmissionCount) == 0);
    Require(memory.header(header::kHeadCount) == 0);
    Require(memory.header(header::kAreaUsed) == 0);
    (void)reactor.Turn();
    for (int end : far) ::close(end);
  }
  // What was not in the reactor is as it was.
  char byte;
  Require(::recv(bystander[1], &byte, 1, MSG_DONTWAIT) == -1);
  ::close(bystander[0]);
  ::close(bystander[1]);
  delete[] host.view;
  return 0;
}
