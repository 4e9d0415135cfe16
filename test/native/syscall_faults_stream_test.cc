// The faults of syscall_faults.def in the calls of an open stream: receiving, sending, ending, and
// descriptors that are passed.
#include <doctest/doctest.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <string>

#include "support/syscall_table.h"

using namespace hawser;
using namespace hawser::testing;

namespace {

// Failed is told with that errno, after these bytes, and is the last word.
void ExpectFailed(Connected* c, int error, const std::string& before) {
  c->world.TurnUntilTold(Kind::kFailed);
  CHECK(c->world.First(Kind::kFailed).length == -error);
  CHECK(c->world.Count(Kind::kEnd) == 0);
  CHECK(c->world.BytesOf(c->name) == before);
  c->world.Clear();
  (void)::send(c->far.get(), "more", 4, MSG_NOSIGNAL);
  c->far.Close();
  CHECK(ComesToRest(&c->world));
  CHECK(c->world.told.empty());
  CHECK(c->world.reactor->CloseSlot(c->name, false) == 0);
}

void ReceiveFault(Row row) {
  Connected c;
  Write(c.far.get(), "before");
  c.world.TurnUntilTold(Kind::kData);
  Write(c.far.get(), "after");
  REQUIRE(AwaitBytes(c.descriptor, 5));
  Inject<&SystemCalls::recv>(row.error);
  if (row.outcome == Outcome::FailedAfterData) {
    ExpectFailed(&c, row.error, "before");
    return;
  }
  if (row.outcome == Outcome::Waited) {
    (void)c.world.Turn();
    CHECK(c.world.BytesOf(c.name) == "before");
    Write(c.far.get(), "!");
  }
  size_t wanted = row.outcome == Outcome::Waited ? 12 : 11;
  c.world.TurnUntil([&] { return c.world.BytesOf(c.name).size() >= wanted; });
  CHECK(c.world.BytesOf(c.name).compare(0, 11, "beforeafter") == 0);
  CHECK(c.world.Count(Kind::kFailed) == 0);
  CHECK(fault.met == 1);
}

void SendFault(Row row) {
  Connected c;
  Write(c.far.get(), "received");
  REQUIRE(AwaitBytes(c.descriptor, 8));
  c.world.Send(c.name, "to be sent");
  Inject<&SystemCalls::sendmsg>(row.error);
  int32_t told = c.world.Flush();
  if (row.outcome == Outcome::Repeated) {
    CHECK(told == 0);
    CHECK(ReadExactly(c.far.get(), 10) == "to be sent");
    return;
  }
  REQUIRE(told > 0);
  CHECK(c.world.settled[0].status == -row.error);
  CHECK(c.world.settled[0].taken == 0);
  if (row.outcome == Outcome::Blocked) {
    // An edge is owed after a full buffer: this one was full by word only, so it is made full.
    (void)Fill(c.descriptor);
    CHECK(ComesToRest(&c.world));
    CHECK(c.world.Count(Kind::kWritable) == 0);
    char drain[65536];
    while (c.world.Count(Kind::kWritable) == 0) {
      while (::recv(c.far.get(), drain, sizeof(drain), MSG_DONTWAIT) > 0) {
      }
      if (Has(c.world.reactor->descriptor(), POLLIN)) (void)c.world.Turn();
    }
    CHECK(c.world.Count(Kind::kFailed) == 0);
    return;
  }
  ExpectFailed(&c, row.error, "received");
}

void ShutdownFault(Row row) {
  Connected c;
  Write(c.far.get(), "received");
  REQUIRE(AwaitBytes(c.descriptor, 8));
  c.world.Send(c.name, "sent");
  c.world.Submit(c.name, Operation::kShutdown);
  Inject<&SystemCalls::shutdown>(row.error);
  CHECK(c.world.Flush() > 0);
  CHECK(ReadExactly(c.far.get(), 4) == "sent");
  CHECK(c.world.settled[0].taken == 4);
  if (row.outcome == Outcome::Ignored) {
    CHECK(c.world.settled[0].status == 1);
    CHECK(ComesToRest(&c.world));
    CHECK(c.world.Count(Kind::kFailed) == 0);
    return;
  }
  CHECK(c.world.settled[0].status == -row.error);
  ExpectFailed(&c, row.error, "received");
}

int closes = 0;
int CountingClose(int descriptor) {
  closes++;
  (void)::close(descriptor);
  errno = fault.error;
  return -1;
}

void CloseFault(Row row) {
  for (bool reset : {false, true}) {
    Connected c;
    closes = 0;
    fault.error = row.error;
    system_calls.close = CountingClose;
    CHECK(c.world.reactor->CloseSlot(c.name, reset) == 0);
    system_calls = kRealSystemCalls;
    CHECK(closes == 1);
    CHECK_FALSE(IsOpen(c.descriptor));
    CHECK(c.world.reactor->CloseSlot(c.name, false) == -EBADF);
  }
}

void ResetFault(Row row) {
  Connected c;
  Inject<&SystemCalls::setsockopt>(row.error);
  CHECK(c.world.reactor->CloseSlot(c.name, true) == 0);
  CHECK_FALSE(IsOpen(c.descriptor));
  bool reset = false;
  CHECK(ReadToEnd(c.far.get(), &reset).empty());
}

void ReceiveDescriptorsFault(Row row) {
  Pair pair = UnixPair();
  Write(pair.far.get(), "x");
  REQUIRE(AwaitBytes(pair.near.get(), 1));
  char byte = 0;
  int received[kDescriptorsPerMessage];
  int count = -1;
  bool truncated = true;
  Inject<&SystemCalls::recvmsg>(row.error);
  ssize_t got = ReceiveWithDescriptors(pair.near.get(), &byte, 1, received, &count, &truncated);
  CHECK(got == (row.outcome == Outcome::Repeated ? 1 : -row.error));
  CHECK(count == 0);
  CHECK_FALSE(truncated);
}

void SendDescriptorsFault(Row row) {
  Pair pair = UnixPair();
  int passed[] = {pair.near.get()};
  Inject<&SystemCalls::sendmsg>(row.error);
  ssize_t sent = SendWithDescriptors(pair.near.get(), "x", 1, passed, 1);
  CHECK(sent == (row.outcome == Outcome::Repeated ? 1 : -row.error));
  CHECK(Has(pair.far.get(), POLLIN) == (row.outcome == Outcome::Repeated));
}

}  // namespace

const Runs& hawser::testing::StreamRuns() {
  static const auto* runs = new Runs{
      {"receive_stream", ReceiveFault},
      {"send_stream", SendFault},
      {"shut_down", ShutdownFault},
      {"close_slot", CloseFault},
      {"reset_slot", ResetFault},
      {"receive_descriptors", ReceiveDescriptorsFault},
      {"send_descriptors", SendDescriptorsFault},
  };
  return *runs;
}

TEST_CASE("system-call faults: of streams, each is put in, and told as what it is") {
  RunTable(StreamRuns());
}
