// Receiving into blocks that are given away (receive.cc), and sending parts of one view (flush.cc).
#include <doctest/doctest.h>
#include <errno.h>
#include <sys/socket.h>

#include "reactor/limits.h"
#include "support/world.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

constexpr size_t kBlock = 65536;

int32_t BlockOf(const Told& told) { return told.words[records::completion::kPeer]; }

// Sends and waits until all of it can be read in one receive.
void Arrive(Connected* c, const std::string& bytes) {
  Write(c->far.get(), bytes);
  REQUIRE(AwaitBytes(c->descriptor, static_cast<int>(bytes.size())));
}

}  // namespace

TEST_CASE("blocks: a slot that wants them receives there, and any other into the slab") {
  for (bool wants : {true, false}) {
    CAPTURE(wants);
    Connected c;
    c.world.blocks.assign(1, std::string(kBlock, '\0'));
    CHECK(c.world.reactor->SetInBlocks(c.name, wants) == 0);
    Arrive(&c, "bytes to keep");
    c.world.TurnWhileDue();
    CHECK(c.world.BytesOf(c.name) == "bytes to keep");
    CHECK(c.world.Count(Kind::kBlockData) == (wants ? 1 : 0));
    CHECK(c.world.Count(Kind::kData) == (wants ? 0 : 1));
    CHECK(c.world.blocks[0].compare(0, 13, wants ? "bytes to keep" : std::string(13, '\0')) == 0);
  }
}

TEST_CASE("blocks: what is given away is not written again") {
  Connected c;
  c.world.blocks.assign(1, std::string(kBlock, '.'));
  REQUIRE(c.world.reactor->SetInBlocks(c.name, true) == 0);
  Arrive(&c, "kept");
  c.world.TurnWhileDue();
  c.world.memory.header(records::header::kBlockUsed) = 8;
  Arrive(&c, "next");
  c.world.TurnWhileDue();
  CHECK(c.world.blocks[0].substr(0, 12) == "kept....next");
  // And what was not given away is.
  Arrive(&c, "over");
  c.world.TurnWhileDue();
  CHECK(c.world.blocks[0].substr(0, 12) == "kept....over");
}

TEST_CASE("blocks: a full one is followed by the next, and the last by the slab") {
  World world;
  world.blocks.assign(2, std::string(limits::kLeastReceiveRoom, '\0'));
  std::vector<Pair> pairs;
  std::vector<SlotName> names;
  for (int i = 0; i < 3; i++) {
    pairs.push_back(TcpPair());
    names.push_back(world.Take(&pairs.back().near));
    REQUIRE(world.reactor->SetInBlocks(names.back(), true) == 0);
  }
  world.TurnWhileDue();
  world.Clear();
  for (int i = 0; i < 3; i++) {
    Write(pairs[static_cast<size_t>(i)].far.get(), "socket " + std::to_string(i));
    REQUIRE(AwaitBytes(world.reactor->DescriptorOf(names[static_cast<size_t>(i)]), 8));
  }
  (void)world.Turn();
  REQUIRE(world.told.size() == 3);
  CHECK(world.Count(Kind::kBlockData) == 2);
  CHECK(world.Count(Kind::kData) == 1);
  CHECK(BlockOf(world.told[0]) == 0);
  CHECK(BlockOf(world.told[1]) == 1);
  CHECK(world.told[2].kind == Kind::kData);
  for (SlotName name : names) CHECK(world.BytesOf(name).size() == 8);
}

TEST_CASE(
    "blocks: none, gone or with an impossible mark: the slab takes over, and nothing is lost") {
  for (int32_t used : {-1, static_cast<int32_t>(kBlock) + 1, static_cast<int32_t>(kBlock) - 1}) {
    CAPTURE(used);
    Connected c;
    c.world.blocks.assign(used == -1 ? 0 : 1, std::string(kBlock, '\0'));
    c.world.memory.header(records::header::kBlockUsed) = used;
    REQUIRE(c.world.reactor->SetInBlocks(c.name, true) == 0);
    Arrive(&c, "bytes");
    c.world.TurnWhileDue();
    CHECK(c.world.Count(Kind::kData) == 1);
    CHECK(c.world.BytesOf(c.name) == "bytes");
  }
}

TEST_CASE("blocks: more than a block holds comes in order through blocks and slab") {
  Connected c;
  c.world.blocks.assign(1, std::string(3 * limits::kLeastReceiveRoom, '\0'));
  REQUIRE(c.world.reactor->SetInBlocks(c.name, true) == 0);
  std::string sent(200000, '\0');
  for (size_t i = 0; i < sent.size(); i++) sent[i] = static_cast<char>(i * 31 >> 3);
  std::string got;
  size_t at = 0;
  while (got.size() < sent.size()) {
    if (at < sent.size()) {
      ssize_t wrote = ::send(c.far.get(), sent.data() + at, sent.size() - at, MSG_DONTWAIT);
      if (wrote > 0) at += static_cast<size_t>(wrote);
    }
    c.world.TurnUntil([&] { return !c.world.told.empty(); });
    got += c.world.BytesOf(c.name);
    c.world.Clear();
  }
  CHECK(got == sent);
}

TEST_CASE("blocks: a stale name is refused") {
  Connected c;
  CHECK(c.world.reactor->SetInBlocks({c.name.index, c.name.generation + 1}, true) == -EBADF);
}

TEST_CASE("views: parts of one that follow each other ask for it once a flush") {
  Connected c;
  c.world.views[3] = "0123456789";
  c.world.resolved = 0;
  c.world.Submit(c.name, Operation::kSendView, 0, 4, 3);
  c.world.Submit(c.name, Operation::kSendView, 6, 4, 3);
  c.world.Flush();
  CHECK(ReadExactly(c.far.get(), 8) == "01236789");
  CHECK(c.world.resolved == 1);
  // In the next flush it may be gone.
  c.world.views.clear();
  c.world.Submit(c.name, Operation::kSendView, 0, 4, 3);
  c.world.settled.clear();
  c.world.Flush();
  CHECK(c.world.settled.at(0).status == -EFAULT);
}
