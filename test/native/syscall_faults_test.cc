// The faults of syscall_faults.def in the calls that open, name, adopt, connect and accept, and
// that the table has every call: nothing crashes, hangs or leaks, and what is told is what
// happened. Not here: streams and datagrams (syscall_faults_stream_test.cc, ..._datagram_test.cc),
// the pollers' own calls (..._poller_test.cc), what a caller above the reactor makes of it.
#include <doctest/doctest.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "reactor/limits.h"
#include "socket/tcp_info.h"
#include "support/syscall_table.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

void OpenSocketFault(Row row) {
  World world;
  SlotName name;
  Inject<&SystemCalls::socket>(row.error);
  CHECK(world.reactor->OpenSlot(AF_INET, SOCK_STREAM, 0, SlotKind::kStream, &name) == -row.error);
  CHECK(world.counter(records::counter::k_openSlots) == 0);
  CHECK(world.reactor->OpenSlot(AF_INET, SOCK_STREAM, 0, SlotKind::kStream, &name) == 0);
}

void OpenPairFault(Row row) {
  int descriptors[2] = {-7, -7};
  Inject<&SystemCalls::socketpair>(row.error);
  CHECK(OpenPair(SOCK_STREAM, descriptors) == -row.error);
  CHECK(descriptors[0] == -7);
}

void BindFault(Row row) {
  Fd socket(::socket(AF_INET, SOCK_STREAM, 0));
  SocketAddress address = RefusingAddress();
  Inject<&SystemCalls::bind>(row.error);
  CHECK(Bind(socket.get(), address) == -row.error);
  CHECK(Bind(socket.get(), address) == 0);
}

void ListenFault(Row row) {
  World world;
  SlotName name;
  REQUIRE(world.reactor->OpenSlot(AF_INET, SOCK_STREAM, 0, SlotKind::kListener, &name) == 0);
  Inject<&SystemCalls::listen>(row.error);
  CHECK(world.reactor->StartListen(name, 16, -1) == -row.error);
  CHECK(world.reactor->referenced() == 0);
  CHECK(world.reactor->StartListen(name, 16, -1) == 0);
  CHECK(world.reactor->referenced() == 1);
}

void CopyFault(Row row) {
  Fd socket(::socket(AF_INET, SOCK_STREAM, 0));
  Inject<&SystemCalls::fcntl>(row.error);
  CHECK(Duplicate(socket.get()) == -row.error);
}

void UnacknowledgedFault(Row row) {
  if (!platform::kIsLinux) return;
  Pair pair = TcpPair();
  Inject<&SystemCalls::ioctl>(row.error);
  CHECK(UnacknowledgedBytes(pair.near.get()) == -row.error);
  CHECK(UnacknowledgedBytes(pair.near.get()) == 0);
}

void TcpInfoFault(Row row) {
  Pair pair = TcpPair();
  double sample[kTcpSampleFieldCount];
  Inject<&SystemCalls::getsockopt>(row.error);
  SampleTcpInfo(pair.near.get(), sample);
  CHECK(sample[0] == -row.error);
  SampleTcpInfo(pair.near.get(), sample);
  CHECK(sample[0] > 0);
}

template <auto Call>
void AdoptFault(Row row) {
  World world;
  Pair pair = TcpPair();
  SlotName name;
  Inject<Call>(row.error);
  int status = world.reactor->Adopt(pair.near.get(), SlotKind::kStream, &name);
  if (row.outcome == Outcome::NotAdopted) {
    CHECK(status == -row.error);
    CHECK(world.counter(records::counter::k_openSlots) == 0);
    Write(pair.near.get(), "still the caller's");
    CHECK(ReadExactly(pair.far.get(), 18) == "still the caller's");
    return;
  }
  REQUIRE(status == 0);
  (void)pair.near.Release();
  FlatAddress peer;
  REQUIRE(world.reactor->PeerOf(name, &peer) == 0);
  CHECK(peer.family == AddressFamily::kNone);
  REQUIRE(world.reactor->Watch(name) == 0);
  Write(pair.far.get(), "heard");
  world.TurnUntilTold(Kind::kData);
  CHECK(world.BytesOf(name) == "heard");
}

// ---- connecting and accepting

void ConnectFault(Row row) {
  World world;
  Listening listening = ListenOnLoopback();
  SlotName name;
  REQUIRE(world.reactor->OpenSlot(AF_INET, SOCK_STREAM, 0, SlotKind::kStream, &name) == 0);
  bool pending = row.outcome == Outcome::Pending;
  Inject<&SystemCalls::connect>(row.error, 1, pending);
  CHECK(world.reactor->StartConnect(name, listening.address) == (pending ? 0 : -row.error));
  if (!pending) {
    CHECK(world.reactor->referenced() == 0);
    CHECK(ComesToRest(&world));
    CHECK(world.told.empty());
    REQUIRE(world.reactor->StartConnect(name, listening.address) == 0);
  }
  world.TurnUntilTold(Kind::kConnected);
  CHECK(world.First(Kind::kConnected).length == 0);
  CHECK(world.reactor->CloseSlot(name, false) == 0);
}

int outcome_of_connect = 0;
int AnswerSocketError(int, int, int, void* value, socklen_t*) {
  std::memcpy(value, &outcome_of_connect, sizeof(outcome_of_connect));
  return 0;
}

void ConnectOutcomeFault(Row row) {
  World world;
  Listening listening = ListenOnLoopback();
  SlotName name;
  REQUIRE(world.reactor->OpenSlot(AF_INET, SOCK_STREAM, 0, SlotKind::kStream, &name) == 0);
  REQUIRE(world.reactor->StartConnect(name, listening.address) == 0);
  outcome_of_connect = row.error;
  system_calls.getsockopt = AnswerSocketError;
  world.TurnUntilTold(Kind::kConnected);
  system_calls = kRealSystemCalls;
  CHECK(world.First(Kind::kConnected).length == -row.error);
  CHECK(ComesToRest(&world));
  CHECK(world.told.size() == 1);
  CHECK(world.reactor->CloseSlot(name, false) == 0);
}

struct Queue {
  World world;
  SocketAddress address;
  SlotName listener = world.Listen(&address);
  Fd peers[3];

  Queue() {
    for (Fd& peer : peers) {
      peer = ConnectTo(address);
      REQUIRE(Await(peer.get(), POLLOUT));
    }
    REQUIRE(Await(world.reactor->descriptor(), POLLIN));
  }

  void ExpectPaused(int error) {
    CHECK(ComesToRest(&world));
    REQUIRE(world.Count(Kind::kAcceptFailed) == 1);
    CHECK(world.First(Kind::kAcceptFailed).length == -error);
    CHECK(world.Count(Kind::kAccepted) == 0);
    fault.calls = 0;
    REQUIRE(world.reactor->Resume(listener) == 0);
  }
};

void AcceptFault(Row row) {
  Queue queue;
  Inject<&SystemCalls::accept>(row.error);
  if (row.outcome == Outcome::ListenerPaused) queue.ExpectPaused(row.error);
  if (row.outcome == Outcome::Waited) {
    // As if the connection had not been there yet; the next one is the event.
    (void)queue.world.Turn();
    CHECK(queue.world.told.empty());
    Fd late = ConnectTo(queue.address);
    queue.world.TurnUntilTold(Kind::kAccepted, 4);
    return;
  }
  queue.world.TurnUntilTold(Kind::kAccepted, 3);
  CHECK(fault.met == 1);
  bool is_told = row.outcome == Outcome::ListenerPaused;
  CHECK(queue.world.Count(Kind::kAcceptFailed) == (is_told ? 1 : 0));
}

void AcceptAlwaysFault(Row row) {
  Queue queue;
  Inject<&SystemCalls::accept>(row.error, kAlways);
  queue.ExpectPaused(row.error);
  CHECK(fault.met == limits::kAcceptsPerTurn);
  queue.world.TurnUntilTold(Kind::kAccepted, 3);
}

// ---- the table

constexpr const char* kSites[] = {
#define SITE(site, call, page) #site,
#include "syscall_faults.def"
};

constexpr const char* kCalls[] = {
#define SITE(site, call, page) #call,
#include "syscall_faults.def"
};

struct Named {
  const char* site;
  int error;
  const char* reason;
};

constexpr Named kPut[] = {
#define FAULT(site, error, outcome) {#site, error, ""},
#include "syscall_faults.def"
};

constexpr Named kStruck[] = {
#define STRUCK(site, error, reason) {#site, error, reason},
#include "syscall_faults.def"
};

}  // namespace

const Runs& hawser::testing::OpeningRuns() {
  static const auto* runs = new Runs{
      {"open_socket", OpenSocketFault},
      {"open_pair", OpenPairFault},
      {"bind_address", BindFault},
      {"start_connect", ConnectFault},
      {"connect_outcome", ConnectOutcomeFault},
      {"start_listen", ListenFault},
      {"accept_one", AcceptFault},
      {"accept_always", AcceptAlwaysFault},
      {"adopt_domain", AdoptFault<&SystemCalls::getsockname>},
      {"adopt_flags", AdoptFault<&SystemCalls::fcntl>},
      {"adopt_peer", AdoptFault<&SystemCalls::getpeername>},
      {"copy_descriptor", CopyFault},
      {"ask_unacknowledged", UnacknowledgedFault},
      {"ask_tcp_info", TcpInfoFault},
  };
  return *runs;
}

TEST_CASE("system-call faults: of opening, each is put in, and told as what it is") {
  RunTable(OpeningRuns());
}

TEST_CASE("system-call faults: the table has every call, every place a test, no errno two ways") {
  std::map<std::string, int> calls;
  for (const char* call : kCalls) calls[call]++;
  // A call that is added to SystemCalls needs a place here.
  CHECK(calls.size() * sizeof(void*) == sizeof(SystemCalls));

  for (const char* site : kSites) {
    INFO(std::string(site));
    auto tested = OpeningRuns().count(site) + StreamRuns().count(site) + DatagramRuns().count(site);
    CHECK(tested == 1);
  }
  std::map<std::string, int> seen;
  for (const Named& one : kPut) seen[one.site + std::to_string(one.error)]++;
  for (const Named& one : kStruck) {
    INFO(std::string(one.site));
    CAPTURE(one.error);
    CHECK(std::strlen(one.reason) > 0);
    seen[one.site + std::to_string(one.error)]++;
  }
  for (auto [name, times] : seen) {
    CAPTURE(name);
    CHECK(times == 1);
  }
}
