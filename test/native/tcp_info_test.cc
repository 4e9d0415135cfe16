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

TEST_CASE("TCP_INFO: a live connection tells its state; the fields are as many as the table has") {
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
