// A reactor with its memory and a host that writes down what it is told, in place of Node's
// binding. Submissions are made as JavaScript makes them.
#ifndef HAWSER_TEST_SUPPORT_WORLD_H_
#define HAWSER_TEST_SUPPORT_WORLD_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "reactor/reactor.h"
#include "support/sockets.h"

namespace hawser::testing {

using Kind = records::CompletionKind;
using records::Operation;

// One completion, copied out of the shared memory with the bytes that it names.
struct Told {
  SlotName slot;
  Kind kind;
  int32_t offset;
  int32_t length;
  std::string bytes;  // of Data, BlockData and Datagram
  SlotName accepted;  // of Accepted
  FlatAddress peer;   // where Peer is not -1 and the kind has one
  std::vector<int32_t> words;
};

// What the flush said of one chain.
struct Settled {
  SlotName slot;
  int32_t status;
  int32_t taken;
};

class World : public ReactorHost {
 public:
  World();
  ~World() override;

  // ---- what happened, in order; cleared by whoever looks

  std::vector<Told> told;
  std::vector<Settled> settled;
  std::vector<bool> references;
  int dispatches = 0;

  // ---- what the host does

  std::function<void()> on_dispatch;  // inside the call that delivers completions
  std::function<void()> on_settle;
  bool reachable = true;  // false: the environment is ending

  // The memory of the views; a view that is not here is gone.
  std::map<int32_t, std::string> views;
  int resolved = 0;
  // The receive blocks.
  std::vector<std::string> blocks;

  // ---- turns

  TurnResult Turn() { return reactor->Turn(); }

  // Turns whenever one is due until `done` is true. Fails the test after kPatience without an
  // event.
  void TurnUntil(const std::function<bool()>& done);

  // Turns until this many completions of a kind were told since the last Clear.
  void TurnUntilTold(Kind kind, int count = 1);

  // Turns as long as slots are carried or events wait; nothing is waited for.
  void TurnWhileDue();

  // ---- looking at what was told

  int Count(Kind kind, SlotName slot = {}) const;
  const Told& First(Kind kind) const;
  std::string BytesOf(SlotName slot) const;
  void Clear();
  double counter(records::counter::Index index) const;

  // ---- submissions, gathered per slot until the next flush

  void Submit(SlotName slot, Operation operation, int32_t offset = 0, int32_t length = 0,
              int32_t view = 0);
  // Copies into the area and submits it.
  void Send(SlotName slot, const std::string& bytes);
  // Flush outside a turn, and what a host does after it.
  int32_t Flush();

  // ---- sockets in the reactor

  // One end of a pair, in a slot and watched.
  SlotName Take(Fd* descriptor, SlotKind kind = SlotKind::kStream);
  // A listener on loopback in a slot.
  SlotName Listen(SocketAddress* address, int32_t credits = -1, int backlog = 16);

  std::unique_ptr<Reactor> reactor;
  SharedMemory memory;

 private:
  bool Dispatch(int32_t completions) override;
  void Settle(int32_t heads) override;
  bool ResolveView(int32_t index, const uint8_t** data, size_t* size) override;
  bool ResolveBlock(int32_t index, uint8_t** data, size_t* size) override;
  void ReferencesChanged(bool any) override { references.push_back(any); }

  Told Read(int32_t index) const;
  void ReadHeads();

  struct Free {
    void operator()(uint8_t* block) const;
  };
  std::unique_ptr<uint8_t, Free> block_;
  int32_t epoch_ = 0;
  std::map<int32_t, int32_t> heads_;  // slot index -> head
  std::map<int32_t, int32_t> lasts_;  // slot index -> last record
};

// A world with one connection in it: `name` is the near end's slot, `far` the other end.
struct Connected {
  World world;
  Fd far;
  SlotName name;
  int descriptor;

  explicit Connected(bool tcp = true);
};

// The real system calls again when it goes.
struct RestoreSystemCalls {
  ~RestoreSystemCalls() { system_calls = kRealSystemCalls; }
};

}  // namespace hawser::testing

#endif  // HAWSER_TEST_SUPPORT_WORLD_H_
