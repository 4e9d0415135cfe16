// TCP_INFO as numbers (tcp_info.cc), both layouts on either system.
#include "socket/tcp_info.h"

#include <doctest/doctest.h>
#include <errno.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "support/sockets.h"

using namespace hawser;
using namespace hawser::testing;

TEST_CASE(
    "TCP_INFO: a live connection tells its state, and the fields are as many as the table has") {
  Pair pair = TcpPair();
  std::vector<double> fields(kTcpInfoFieldCount, -1);
  CHECK(GetTcpInfo(pair.near.get(), fields.data()) == kTcpInfoFieldCount);
  // ESTABLISHED is 1 in Linux (include/net/tcp_states.h) and 4 in XNU (bsd/netinet/tcp_fsm.h).
  CHECK(fields[static_cast<size_t>(TcpInfoField::state)] == (platform::kIsLinux ? 1 : 4));
}

TEST_CASE("TCP_INFO: what is no TCP socket says so") {
  Pair pair = UdpPair();
  std::vector<double> fields(kTcpInfoFieldCount);
  CHECK(GetTcpInfo(pair.near.get(), fields.data()) < 0);
  CHECK(GetTcpInfo(-1, fields.data()) == -EBADF);
}

TEST_CASE("TCP_INFO: what a kernel did not return is unknown, and no byte beyond it is read") {
  for (TcpInfoLayout layout : {TcpInfoLayout::kLinux, TcpInfoLayout::kDarwin}) {
    std::vector<double> whole(kTcpInfoFieldCount);
    std::vector<unsigned char> all(kTcpInfoMaxBytes, 1);
    DecodeTcpInfo(layout, all.data(), all.size(), whole.data());
    int known_before = 0;
    for (size_t length = 0; length <= 260; length++) {
      // On the heap, exactly as long as it says.
      std::vector<unsigned char> bytes(all.begin(), all.begin() + static_cast<long>(length));
      std::vector<double> fields(kTcpInfoFieldCount);
      DecodeTcpInfo(layout, bytes.data(), bytes.size(), fields.data());
      int known = 0;
      for (size_t i = 0; i < fields.size(); i++) {
        if (std::isnan(fields[i])) continue;
        known++;
        CHECK(fields[i] == whole[i]);
      }
      CHECK(known >= known_before);
      known_before = known;
      if (length == 0) CHECK(known == 0);
    }
    CHECK(known_before > 10);
  }
}

TEST_CASE(
    "sample: the fields are those of TCP_INFO, and nothing is pending on an idle connection") {
  Pair pair = TcpPair();
  std::vector<double> sample(kTcpSampleFieldCount, -1);
  std::vector<double> fields(kTcpInfoFieldCount, -1);
  SampleTcpInfo(pair.near.get(), sample.data());
  CHECK(GetTcpInfo(pair.near.get(), fields.data()) == kTcpInfoFieldCount);
  for (int i = 0; i < kTcpSampleFieldCount; i++) {
    double expected = fields[static_cast<size_t>(kTcpSampleFields[i])];
    INFO("field " << i);
    // The two times move on between the calls; the rest stands still.
    if (i >= kTcpSampleFieldCount - 2) continue;
    CHECK((std::isnan(expected) ? std::isnan(sample[i]) : sample[i] == expected));
  }
  CHECK(UnacknowledgedBytes(pair.near.get()) == 0);
}

TEST_CASE("sample: bytes behind a closed window are pending (B12)") {
  Pair pair = TcpPair();
  std::vector<char> bytes(1 << 16, 'x');
  int sent = 0;
  for (;;) {
    ssize_t taken = ::send(pair.near.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (taken < 0) break;
    sent += static_cast<int>(taken);
  }
  CHECK(errno == EAGAIN);
  int unacknowledged = UnacknowledgedBytes(pair.near.get());
  CHECK(unacknowledged > 0);
  CHECK(unacknowledged <= sent);
  std::vector<double> sample(kTcpSampleFieldCount, -1);
  SampleTcpInfo(pair.near.get(), sample.data());
  // Unsent bytes on Linux, the whole send buffer on macOS.
  CHECK(sample[platform::kIsLinux ? 2 : 3] > 0);
}

TEST_CASE("sample: what cannot be asked says why, and the rest is unknown") {
  Pair pair = UdpPair();
  for (int descriptor : {-1, -EBADF, pair.near.get()}) {
    std::vector<double> sample(kTcpSampleFieldCount, 7);
    SampleTcpInfo(descriptor, sample.data());
    CHECK(sample[0] < 0);
    for (int i = 1; i < kTcpSampleFieldCount; i++) CHECK(std::isnan(sample[i]));
  }
  CHECK(UnacknowledgedBytes(-1) == -EBADF);
}
