// Runs turns of the reactor over socket pairs, for a simulator to count their instructions:
//   turns SCENARIO TURNS
// The host does what any host must: it reads the completions and submits an echo of each. Socket
// pairs, since what is written to one end has arrived at the other when the call returns: each turn
// meets the same readiness, so each run takes the same way through the code. No expectations live
// here but that every byte came back; budgets are in ../instructions.json.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "reactor/reactor.h"

namespace {

namespace completion = hawser::records::completion;
namespace header = hawser::records::header;
namespace submission = hawser::records::submission;
using hawser::Reactor;
using hawser::SharedMemory;
using hawser::SlotKind;
using hawser::SlotName;
using hawser::records::CompletionKind;
using hawser::records::Operation;

constexpr int kMessageBytes = 20;
constexpr int kMessagesMost = 64;

struct Scenario {
  const char* name;
  int sockets;
  int messages;  // of each socket in a turn
  int type;      // SOCK_STREAM or SOCK_DGRAM
};

constexpr Scenario kScenarios[] = {
    {"idle-turn", 1, 0, SOCK_STREAM},
    {"one-message", 1, 1, SOCK_STREAM},
    {"hundred-sockets", 100, 1, SOCK_STREAM},
    {"sixteen-pipelined", 1, 16, SOCK_STREAM},
    {"sixty-four-datagrams", 1, 64, SOCK_DGRAM},
};

[[noreturn]] void Fail(const char* what) {
  std::fprintf(stderr, "turns: %s failed\n", what);
  std::exit(1);
}

void Require(bool holds, const char* what) {
  if (!holds) Fail(what);
}

class EchoHost : public hawser::ReactorHost {
 public:
  explicit EchoHost(SharedMemory memory) : memory_(memory) {}

  bool Dispatch(int32_t completions) override {
    int32_t last = -1;
    for (int32_t i = 0; i < completions; i++) {
      const int32_t* record = memory_.completion(i);
      switch (static_cast<CompletionKind>(record[completion::kKind])) {
        case CompletionKind::kData:
          // As a protocol on a stream would: one submission a message, one chain.
          last = -1;
          for (int32_t at = 0; at < record[completion::kLength]; at += kMessageBytes) {
            last = Submit(record, Operation::kSendSlab, at, kMessageBytes, last);
          }
          break;
        case CompletionKind::kDatagram:
          last = Submit(record, Operation::kDatagramSlab, 0, record[completion::kLength], last);
          break;
        default:
          Fail("a turn without surprises");
      }
    }
    return true;
  }

  void Settle(int32_t) override { settlements++; }
  bool ResolveBlock(int32_t, uint8_t**, size_t*) override { return false; }
  bool ResolveView(int32_t, const uint8_t**, size_t*) override { return false; }
  void ReferencesChanged(bool) override {}

  int settlements = 0;

 private:
  // Submits a part of what a completion names, behind `last` or, where that is -1, as a new chain.
  int32_t Submit(const int32_t* told, Operation operation, int32_t at, int32_t length,
                 int32_t last) {
    int32_t position = memory_.header(header::kSubmissionCount)++;
    int32_t* record = memory_.submission(position);
    std::memset(record, 0, hawser::records::kElementBytes[hawser::records::kSubmissions]);
    record[submission::kSlot] = told[completion::kSlot];
    record[submission::kGeneration] = told[completion::kGeneration];
    record[submission::kOperation] = static_cast<int32_t>(operation);
    record[submission::kOffset] = told[completion::kOffset] + at;
    record[submission::kLength] = length;
    record[submission::kNext] = -1;
    record[submission::kPeer] = -1;
    record[submission::kLocal] = -1;
    if (last >= 0) {
      memory_.submission(last)[submission::kNext] = position;
    } else {
      int32_t head = memory_.header(header::kHeadCount)++;
      memory_.head(head)[hawser::records::head::kFirst] = position;
    }
    return position;
  }

  SharedMemory memory_;
};

void SendAll(const Scenario& scenario, const std::vector<int>& peers) {
  uint8_t bytes[kMessageBytes * kMessagesMost];
  std::memset(bytes, 'x', sizeof(bytes));
  const bool stream = scenario.type == SOCK_STREAM;
  const int calls = stream ? (scenario.messages > 0 ? 1 : 0) : scenario.messages;
  const int size = stream ? scenario.messages * kMessageBytes : kMessageBytes;
  for (int peer : peers) {
    for (int call = 0; call < calls; call++) {
      Require(::send(peer, bytes, static_cast<size_t>(size), 0) == size, "send");
    }
  }
}

void ReceiveAll(const Scenario& scenario, const std::vector<int>& peers) {
  uint8_t bytes[kMessageBytes * kMessagesMost];
  for (int peer : peers) {
    for (int left = scenario.messages * kMessageBytes; left > 0;) {
      ssize_t got = ::recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT);
      Require(got > 0, "an answer to every message in its own turn");
      left -= static_cast<int>(got);
    }
  }
}

int Run(const Scenario& scenario, int turns) {
  const size_t alignment = hawser::records::kAlignment;
  auto* block = static_cast<uint8_t*>(std::aligned_alloc(alignment, hawser::records::kTotalBytes));
  Require(block != nullptr, "memory");
  std::memset(block, 0, hawser::records::kTotalBytes);
  SharedMemory memory(block);
  EchoHost host(memory);
  Reactor reactor(&host);
  Require(reactor.Open(memory) == 0, "opening the reactor");
  std::vector<int> peers;
  for (int i = 0; i < scenario.sockets; i++) {
    int pair[2];
    Require(::socketpair(AF_UNIX, scenario.type, 0, pair) == 0, "socketpair");
    SlotName name;
    const SlotKind kind = scenario.type == SOCK_STREAM ? SlotKind::kStream : SlotKind::kDatagram;
    Require(reactor.Adopt(pair[0], kind, &name) == 0, "adopting a socket");
    Require(reactor.Watch(name) == 0, "watching a socket");
    peers.push_back(pair[1]);
  }
  for (int turn = 0; turn < turns; turn++) {
    SendAll(scenario, peers);
    Require(reactor.Turn() != hawser::TurnResult::kNested, "a turn");
    ReceiveAll(scenario, peers);
  }
  Require(host.settlements == 0, "a flush that leaves nothing to tell");
  reactor.Close();
  for (int peer : peers) ::close(peer);
  std::free(block);
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 3) {
    for (const Scenario& scenario : kScenarios) {
      if (std::strcmp(scenario.name, arguments[1]) == 0) {
        return Run(scenario, std::atoi(arguments[2]));
      }
    }
  }
  std::fprintf(stderr, "usage: turns SCENARIO TURNS\n");
  return 2;
}
