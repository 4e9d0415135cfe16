#include "support/world.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace hawser::testing {

namespace completion = records::completion;
namespace submission = records::submission;

void World::Free::operator()(uint8_t* block) const {
  ::operator delete(block, std::align_val_t(records::kAlignment));
}

World::World() {
  // Exactly as large as it must be, so that AddressSanitizer sees the first byte beyond.
  auto* block = static_cast<uint8_t*>(
      ::operator new(records::kTotalBytes, std::align_val_t(records::kAlignment)));
  std::memset(block, 0, records::kTotalBytes);
  block_.reset(block);
  memory = SharedMemory(block);
  reactor = std::make_unique<Reactor>(this);
  REQUIRE(reactor->Open(memory) == 0);
}

World::~World() { reactor.reset(); }

void World::TurnUntil(const std::function<bool()>& done) {
  while (!done()) {
    if (!reactor->carries()) REQUIRE(Await(reactor->descriptor(), POLLIN));
    (void)Turn();
  }
}

void World::TurnUntilTold(Kind kind, int count) {
  TurnUntil([&] { return Count(kind) >= count; });
}

void World::TurnWhileDue() {
  while (reactor->carries() || Has(reactor->descriptor(), POLLIN)) (void)Turn();
}

int World::Count(Kind kind, SlotName slot) const {
  return static_cast<int>(std::count_if(told.begin(), told.end(), [&](const Told& one) {
    return one.kind == kind && (slot.index < 0 || (one.slot.index == slot.index &&
                                                   one.slot.generation == slot.generation));
  }));
}

const Told& World::First(Kind kind) const {
  auto found =
      std::find_if(told.begin(), told.end(), [&](const Told& one) { return one.kind == kind; });
  REQUIRE(found != told.end());
  return *found;
}

std::string World::BytesOf(SlotName slot) const {
  std::string bytes;
  for (const Told& one : told) {
    if (one.slot.index == slot.index && one.slot.generation == slot.generation) bytes += one.bytes;
  }
  return bytes;
}

void World::Clear() {
  told.clear();
  settled.clear();
  references.clear();
  dispatches = 0;
}

double World::counter(records::counter::Index index) const {
  double value;
  std::memcpy(&value,
              block_.get() + records::OffsetOf(records::kCounters) +
                  sizeof(value) * static_cast<size_t>(index),
              sizeof(value));
  return value;
}

Told World::Read(int32_t index) const {
  const int32_t* record = memory.completion(index);
  Told one{};
  one.words.assign(record, record + completion::kWords);
  one.slot = {record[completion::kSlot], record[completion::kGeneration]};
  one.kind = static_cast<Kind>(record[completion::kKind]);
  one.offset = record[completion::kOffset];
  one.length = record[completion::kLength];
  const bool has_bytes = one.kind == Kind::kData || one.kind == Kind::kDatagram;
  if (has_bytes) {
    REQUIRE(one.offset >= 0);
    REQUIRE(one.length >= 0);
    REQUIRE(one.offset + one.length <=
            records::kCapacity[records::kSlab] + records::kCapacity[records::kLarge]);
    one.bytes.assign(reinterpret_cast<const char*>(memory.slab()) + one.offset,
                     static_cast<size_t>(one.length));
  }
  if (one.kind == Kind::kBlockData) {
    one.bytes = blocks.at(static_cast<size_t>(record[completion::kPeer]))
                    .substr(static_cast<size_t>(one.offset), static_cast<size_t>(one.length));
  }
  if (one.kind == Kind::kAccepted) one.accepted = {one.offset, one.length};
  if ((one.kind == Kind::kAccepted || one.kind == Kind::kDatagram ||
       one.kind == Kind::kDatagramError) &&
      record[completion::kPeer] >= 0) {
    one.peer = *memory.address(record[completion::kPeer]);
  }
  return one;
}

bool World::Dispatch(int32_t completions) {
  dispatches++;
  CHECK(memory.header(records::header::kInTurn) == 1);
  CHECK(memory.header(records::header::kCompletionCount) == completions);
  for (int32_t i = 0; i < completions; i++) told.push_back(Read(i));
  if (on_dispatch) on_dispatch();
  return reachable;
}

void World::ReadHeads() {
  // Heads are looked at before anything is submitted anew; they stand where they were written.
  std::vector<std::pair<int32_t, int32_t>> order;
  for (auto [slot, head] : heads_) order.emplace_back(head, slot);
  std::sort(order.begin(), order.end());
  for (auto [head, slot] : order) {
    const int32_t* words = memory.head(head);
    const int32_t* first = memory.submission(words[records::head::kFirst]);
    settled.push_back({{first[submission::kSlot], first[submission::kGeneration]},
                       words[records::head::kStatus],
                       words[records::head::kTaken]});
  }
  heads_.clear();
  lasts_.clear();
}

void World::Settle(int32_t) {
  ReadHeads();
  if (on_settle) on_settle();
}

bool World::ResolveView(int32_t index, const uint8_t** data, size_t* size) {
  resolved++;
  auto found = views.find(index);
  if (found == views.end()) return false;
  *data = reinterpret_cast<const uint8_t*>(found->second.data());
  *size = found->second.size();
  return true;
}

bool World::ResolveBlock(int32_t index, uint8_t** data, size_t* size) {
  if (index < 0 || index >= static_cast<int32_t>(blocks.size())) return false;
  std::string& block = blocks[static_cast<size_t>(index)];
  *data = reinterpret_cast<uint8_t*>(block.data());
  *size = block.size();
  return true;
}

void World::Submit(SlotName slot, Operation operation, int32_t offset, int32_t length,
                   int32_t view) {
  int32_t& epoch = memory.header(records::header::kEpoch);
  if (epoch != epoch_) {
    epoch_ = epoch;
    heads_.clear();
    lasts_.clear();
  }
  int32_t position = memory.header(records::header::kSubmissionCount)++;
  int32_t* record = memory.submission(position);
  std::memset(record, 0, records::kElementBytes[records::kSubmissions]);
  record[submission::kSlot] = slot.index;
  record[submission::kGeneration] = slot.generation;
  record[submission::kOperation] = static_cast<int32_t>(operation);
  record[submission::kOffset] = offset;
  record[submission::kLength] = length;
  record[submission::kNext] = -1;
  record[submission::kView] = view;
  auto last = lasts_.find(slot.index);
  if (last != lasts_.end()) {
    memory.submission(last->second)[submission::kNext] = position;
  } else {
    int32_t head = memory.header(records::header::kHeadCount)++;
    memory.head(head)[records::head::kFirst] = position;
    heads_[slot.index] = head;
  }
  lasts_[slot.index] = position;
}

void World::Send(SlotName slot, const std::string& bytes) {
  int32_t& used = memory.header(records::header::kAreaUsed);
  const auto size = static_cast<int32_t>(bytes.size());
  REQUIRE(used + size <= records::kCapacity[records::kArea]);
  std::memcpy(memory.area() + used, bytes.data(), bytes.size());
  Submit(slot, Operation::kSendArea, used, size);
  used += size;
}

int32_t World::Flush() {
  int32_t heads = reactor->Flush();
  ReadHeads();
  return heads;
}

SlotName World::Take(Fd* descriptor, SlotKind kind) {
  SlotName name;
  REQUIRE(reactor->Adopt(descriptor->get(), kind, &name) == 0);
  (void)descriptor->Release();
  REQUIRE(reactor->Watch(name) == 0);
  return name;
}

SlotName World::Listen(SocketAddress* address, int32_t credits, int backlog) {
  SlotName name;
  REQUIRE(reactor->OpenSlot(AF_INET, SOCK_STREAM, 0, SlotKind::kListener, &name) == 0);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int descriptor = reactor->DescriptorOf(name);
  REQUIRE(::bind(descriptor, reinterpret_cast<sockaddr*>(&any), sizeof(any)) == 0);
  REQUIRE(reactor->StartListen(name, backlog, credits) == 0);
  *address = LocalOf(descriptor);
  return name;
}

Connected::Connected(bool tcp) {
  Pair pair = tcp ? TcpPair() : UnixPair();
  descriptor = pair.near.get();
  name = world.Take(&pair.near);
  far = std::move(pair.far);
  world.TurnWhileDue();
  world.Clear();
}

}  // namespace hawser::testing
