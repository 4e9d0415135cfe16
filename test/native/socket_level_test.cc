// What the socket level needs of the core beyond the data of streams: pairs, paths of senders, and
// the end of readiness mode.
#include <doctest/doctest.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "reactor/limits.h"
#include "support/world.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

// A folder for Unix sockets that is removed with what stands in it.
struct Folder {
  std::string path;
  std::vector<std::string> files;

  Folder() {
    char name[] = P_tmpdir "/hawser-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
  }
  ~Folder() {
    for (const std::string& file : files) ::unlink(file.c_str());
    ::rmdir(path.c_str());
  }

  // A datagram socket that is bound to a path in it.
  Fd Bind(const std::string& name) {
    Fd descriptor(::socket(AF_UNIX, SOCK_DGRAM, 0));
    REQUIRE(::fcntl(descriptor.get(), F_SETFL, O_NONBLOCK) == 0);
    files.push_back(path + "/" + name);
    SocketAddress address = AddressOf(name);
    REQUIRE(::bind(descriptor.get(), address.get(), address.length) == 0);
    return descriptor;
  }
  SocketAddress AddressOf(const std::string& name) {
    std::string whole = path + "/" + name;
    SocketAddress address;
    REQUIRE(ToUnixAddress(whole.c_str(), whole.size(), &address) == 0);
    return address;
  }
};

// The path that a completion's peer names in the slab.
std::string PathOfPeer(const World& world, const Told& told) {
  return {reinterpret_cast<const char*>(world.memory.slab()) + told.peer.scope, told.peer.port};
}

}  // namespace

TEST_CASE("socketpair(2): two connected ends, non-blocking and close-on-exec") {
  int ends[2];
  REQUIRE(OpenPair(SOCK_STREAM, ends) == 0);
  Fd first(ends[0]);
  Fd second(ends[1]);
  for (int end : ends) {
    CHECK((::fcntl(end, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(end, F_GETFD) & FD_CLOEXEC) != 0);
  }
  Write(first.get(), "through");
  CHECK(ReadExactly(second.get(), 7) == "through");
}

TEST_CASE("socketpair(2): its errno comes back") {
  RestoreSystemCalls restore;
  system_calls.socketpair = [](int, int*) {
    errno = EMFILE;
    return -1;
  };
  int ends[2];
  CHECK(OpenPair(SOCK_STREAM, ends) == -EMFILE);
}

TEST_CASE("datagrams: the path of a Unix sender stands in the slab, nothing for a nameless one") {
  Folder folder;
  World world;
  Fd receiver = folder.Bind("receiver");
  SocketAddress to = folder.AddressOf("receiver");
  SlotName name = world.Take(&receiver, SlotKind::kDatagram);
  Fd named = folder.Bind("sender-with-a-name");
  Fd nameless(::socket(AF_UNIX, SOCK_DGRAM, 0));
  const std::string bytes(1001, 'b');
  for (int descriptor : {named.get(), nameless.get(), named.get()}) {
    ssize_t sent = ::sendto(descriptor, bytes.data(), bytes.size(), 0, to.get(), to.length);
    REQUIRE(sent == 1001);
  }
  world.TurnUntilTold(Kind::kDatagram, 3);
  for (size_t i = 0; i < 3; i++) {
    CAPTURE(i);
    const Told& told = world.told[i];
    CHECK(told.slot.index == name.index);
    CHECK(told.bytes == bytes);
    std::string expected = i == 1 ? "" : folder.path + "/sender-with-a-name";
    if (told.words[records::completion::kPeer] < 0) {
      CHECK(expected.empty());
      continue;
    }
    CHECK(told.peer.family == AddressFamily::kUnix);
    CHECK(PathOfPeer(world, told) == expected);
  }
}

TEST_CASE("datagrams: paths never pass the end of the slab") {
  Folder folder;
  World world;
  Fd receiver = folder.Bind("r");
  SocketAddress to = folder.AddressOf("r");
  (void)world.Take(&receiver, SlotKind::kDatagram);
  Fd named = folder.Bind(std::string(60, 'n'));
  const std::string bytes(60000, 'b');
  int sent = 0;
  int told = 0;
  while (told < 40) {
    while (sent < 40 &&
           ::sendto(named.get(), bytes.data(), bytes.size(), 0, to.get(), to.length) > 0) {
      sent++;
    }
    world.Clear();
    (void)world.Turn();
    for (const Told& one : world.told) {
      REQUIRE(one.kind == Kind::kDatagram);
      CHECK(one.bytes == bytes);
      CHECK(static_cast<int32_t>(one.peer.scope) + one.peer.port <=
            records::kCapacity[records::kSlab]);
      told++;
    }
  }
}

TEST_CASE("readiness: off while paused, what was left is read after Resume") {
  Connected c(false);
  REQUIRE(c.world.reactor->SetReadiness(c.name, true) == 0);
  Write(c.far.get(), "left");
  c.world.TurnUntilTold(Kind::kReadable);
  REQUIRE(c.world.reactor->Pause(c.name) == 0);
  REQUIRE(c.world.reactor->SetReadiness(c.name, false) == 0);
  c.world.TurnWhileDue();
  CHECK(c.world.Count(Kind::kData) == 0);
  REQUIRE(c.world.reactor->Resume(c.name) == 0);
  c.world.TurnUntilTold(Kind::kData);
  CHECK(c.world.BytesOf(c.name) == "left");
}
