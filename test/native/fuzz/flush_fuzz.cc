// The flush under arbitrary submissions: JavaScript writes that memory, and whatever stands there
// must not make native code read beyond its own memory, reach a socket that is not named, or hang.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "reactor/reactor.h"

using namespace hawser;

namespace {

namespace header = records::header;
namespace submission = records::submission;

// Records that an input can fill; wrong counts still name all of them.
constexpr int32_t kMostRecords = 64;
constexpr size_t kViewBytes = 48;

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
    for (int word = 0; word < submission::kWords; word++) {
      // Datagram words are not looked at for streams; the input is spent on the others.
      record[word] = word <= submission::kView ? Number(&data, end) : 0;
    }
    record[submission::kOperation] %= 9;
    record[submission::kGeneration] %= 3;
    record[submission::kSlot] %= 5;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* block = static_cast<uint8_t*>(
      ::operator new(records::kTotalBytes, std::align_val_t(records::kAlignment)));
  std::memset(block, 0, records::OffsetOf(records::kArea));
  SharedMemory memory(block);
  Host host;
  host.view = new uint8_t[kViewBytes]();
  int bystander[2];
  Require(::socketpair(AF_UNIX, SOCK_STREAM, 0, bystander) == 0);
  {
    Reactor reactor(&host);
    Require(reactor.Open(memory) == 0);
    int far[3];
    for (int& end : far) {
      int ends[2];
      Require(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
      SlotName name;
      Require(reactor.Adopt(ends[0], SlotKind::kStream, &name) == 0);
      Require(reactor.Watch(name) == 0);
      end = ends[1];
    }
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
