// Where each field of TCP_INFO lies in the layouts of Linux and macOS, and in which unit.
// Not here: the kernel's own answer (tcp_info_test.cc).
#include "socket/tcp_info.h"

#include <doctest/doctest.h>
#include <errno.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "socket/system_calls.h"

using namespace hawser;

namespace {

// Bytes of a kernel's answer, filled in by offset.
struct Bytes {
  unsigned char data[kTcpInfoMaxBytes] = {0};

  template <typename T>
  Bytes& Put(size_t offset, T value) {
    std::memcpy(data + offset, &value, sizeof(value));
    return *this;
  }
};

struct Decoded {
  Decoded(TcpInfoLayout layout, const Bytes& bytes, size_t length) {
    // Every field is written.
    for (double& value : values) value = -7;
    DecodeTcpInfo(layout, bytes.data, length, values);
  }
  double operator[](TcpInfoField field) const { return values[static_cast<int>(field)]; }
  double values[kTcpInfoFieldCount];
};

constexpr size_t kLinuxBytes = 248;
constexpr size_t kDarwinBytes = 112;

}  // namespace

TEST_CASE("tcp info: Linux's layout, with durations in milliseconds") {
  Bytes bytes;
  bytes.Put<uint8_t>(0, 1).Put<uint8_t>(3, 2).Put<uint8_t>(4, 5);
  bytes.Put<uint8_t>(5, 0x2a);  // SACK, ECN, data in SYN
  bytes.Put<uint8_t>(6, 0x97);
  bytes.Put<uint8_t>(7, 1);
  bytes.Put<uint32_t>(8, 204000).Put<uint32_t>(24, 3).Put<uint32_t>(52, 40).Put<uint32_t>(56, 41);
  bytes.Put<uint32_t>(68, 1234).Put<uint32_t>(148, 250).Put<uint64_t>(120, 1ULL << 40);
  bytes.Put<uint32_t>(144, 77).Put<uint32_t>(228, 65535).Put<uint16_t>(240, 9);
  Decoded info(TcpInfoLayout::kLinux, bytes, kLinuxBytes);
  CHECK(info[TcpInfoField::state] == 1);
  CHECK(info[TcpInfoField::probes] == 2);
  CHECK(info[TcpInfoField::backoff] == 5);
  CHECK(info[TcpInfoField::timestamps] == 0);
  CHECK(info[TcpInfoField::selectiveAcknowledgments] == 1);
  CHECK(info[TcpInfoField::windowScaling] == 0);
  CHECK(info[TcpInfoField::ecn] == 1);
  CHECK(info[TcpInfoField::synDataAcknowledged] == 1);
  CHECK(info[TcpInfoField::sendWindowScaleBits] == 7);
  CHECK(info[TcpInfoField::receiveWindowScaleBits] == 9);
  CHECK(info[TcpInfoField::deliveryRateAppLimited] == 1);
  CHECK(info[TcpInfoField::retransmissionTimeoutMs] == 204);
  CHECK(info[TcpInfoField::unacknowledgedSegments] == 3);
  CHECK(info[TcpInfoField::sinceDataReceivedMs] == 40);
  CHECK(info[TcpInfoField::sinceAcknowledgmentMs] == 41);
  CHECK(info[TcpInfoField::roundTripTimeMs] == 1.234);
  CHECK(info[TcpInfoField::minRoundTripTimeMs] == 0.25);
  CHECK(info[TcpInfoField::bytesAcknowledged] == std::ldexp(1.0, 40));
  CHECK(info[TcpInfoField::unsentBytes] == 77);
  CHECK(info[TcpInfoField::sendWindowBytes] == 65535);
  CHECK(info[TcpInfoField::retransmissionTimeouts] == 9);
  // What only macOS tells.
  CHECK(std::isnan(info[TcpInfoField::sendBufferBytes]));
  CHECK(std::isnan(info[TcpInfoField::lossRecovery]));
}

TEST_CASE("tcp info: values of Linux that stand for none") {
  Bytes bytes;
  bytes.Put<uint32_t>(76, 0x7fffffff).Put<uint32_t>(148, 0xffffffff);
  bytes.Put<uint64_t>(104, ~0ULL).Put<uint64_t>(112, ~0ULL);
  Decoded none(TcpInfoLayout::kLinux, bytes, kLinuxBytes);
  double infinity = std::numeric_limits<double>::infinity();
  CHECK(none[TcpInfoField::slowStartThresholdSegments] == infinity);
  CHECK(std::isnan(none[TcpInfoField::minRoundTripTimeMs]));
  CHECK(none[TcpInfoField::pacingRateBytesPerSecond] == infinity);
  CHECK(none[TcpInfoField::maxPacingRateBytesPerSecond] == infinity);

  bytes.Put<uint32_t>(76, 10).Put<uint64_t>(104, 1000000);
  Decoded some(TcpInfoLayout::kLinux, bytes, kLinuxBytes);
  CHECK(some[TcpInfoField::slowStartThresholdSegments] == 10);
  CHECK(some[TcpInfoField::pacingRateBytesPerSecond] == 1e6);
}

TEST_CASE("tcp info: macOS's layout") {
  Bytes bytes;
  bytes.Put<uint8_t>(0, 4).Put<uint8_t>(1, 8).Put<uint8_t>(2, 6);
  bytes.Put<uint32_t>(4, 0x9).Put<uint32_t>(8, 1).Put<uint32_t>(12, 230).Put<uint32_t>(16, 1448);
  bytes.Put<uint32_t>(24, 14480).Put<uint32_t>(28, 131072).Put<uint32_t>(32, 999);
  bytes.Put<uint32_t>(40, 12).Put<uint32_t>(44, 11).Put<uint32_t>(48, 3).Put<uint32_t>(52, 0x10);
  bytes.Put<uint64_t>(56, 21).Put<uint64_t>(64, 5000).Put<uint64_t>(72, 1448);
  bytes.Put<uint64_t>(80, 20).Put<uint64_t>(88, 6000).Put<uint64_t>(96, 7).Put<uint64_t>(104, 2);
  Decoded info(TcpInfoLayout::kDarwin, bytes, kDarwinBytes);
  CHECK(info[TcpInfoField::state] == 4);
  CHECK(info[TcpInfoField::sendWindowScaleBits] == 8);
  CHECK(info[TcpInfoField::receiveWindowScaleBits] == 6);
  CHECK(info[TcpInfoField::timestamps] == 1);
  CHECK(info[TcpInfoField::selectiveAcknowledgments] == 0);
  CHECK(info[TcpInfoField::ecn] == 1);
  CHECK(info[TcpInfoField::lossRecovery] == 1);
  CHECK(info[TcpInfoField::synDataAcknowledged] == 1);
  CHECK(info[TcpInfoField::retransmissionTimeoutMs] == 230);
  CHECK(info[TcpInfoField::sendSegmentBytes] == 1448);
  CHECK(info[TcpInfoField::congestionWindowBytes] == 14480);
  CHECK(info[TcpInfoField::sendWindowBytes] == 131072);
  CHECK(info[TcpInfoField::sendBufferBytes] == 999);
  CHECK(info[TcpInfoField::latestRoundTripTimeMs] == 12);
  CHECK(info[TcpInfoField::roundTripTimeMs] == 11);
  CHECK(info[TcpInfoField::roundTripTimeVarianceMs] == 3);
  CHECK(info[TcpInfoField::segmentsSent] == 21);
  CHECK(info[TcpInfoField::bytesSent] == 5000);
  CHECK(info[TcpInfoField::bytesRetransmitted] == 1448);
  CHECK(info[TcpInfoField::segmentsReceived] == 20);
  CHECK(info[TcpInfoField::bytesReceived] == 6000);
  CHECK(info[TcpInfoField::bytesOutOfOrder] == 7);
  CHECK(info[TcpInfoField::segmentsRetransmitted] == 2);
  // What only Linux tells.
  CHECK(std::isnan(info[TcpInfoField::unacknowledgedSegments]));
  CHECK(std::isnan(info[TcpInfoField::probes]));
}

TEST_CASE("tcp info: each layout has its fields, and an old kernel's answer has fewer") {
  Bytes bytes;
  std::memset(bytes.data, 1, sizeof(bytes.data));
  auto known = [](const Decoded& info) {
    int count = 0;
    for (double value : info.values) {
      CHECK(value != -7);
      if (!std::isnan(value)) count++;
    }
    return count;
  };
  CHECK(known(Decoded(TcpInfoLayout::kLinux, bytes, kLinuxBytes)) == 62);
  CHECK(known(Decoded(TcpInfoLayout::kLinux, bytes, kLinuxBytes - 1)) == 61);
  CHECK(known(Decoded(TcpInfoLayout::kDarwin, bytes, kDarwinBytes)) == 26);
  CHECK(known(Decoded(TcpInfoLayout::kDarwin, bytes, kDarwinBytes - 1)) == 25);
  // Linux 4.1: up to bytes_received.
  Decoded old(TcpInfoLayout::kLinux, bytes, 136);
  CHECK(!std::isnan(old[TcpInfoField::bytesReceived]));
  CHECK(std::isnan(old[TcpInfoField::segmentsSent]));
  CHECK(std::isnan(old[TcpInfoField::sendWindowBytes]));
}

TEST_CASE("tcp info: a call that a signal interrupts is repeated with its whole length") {
  static int calls;
  static bool whole;
  calls = 0;
  whole = true;
  system_calls.getsockopt = [](int, int, int, void* value, socklen_t* length) {
    whole = whole && *length == kTcpInfoMaxBytes;
    *length = 1;
    std::memset(value, 1, 1);
    if (calls++ > 0) return 0;
    errno = EINTR;
    return -1;
  };
  double values[kTcpInfoFieldCount];
  int result = GetTcpInfo(3, values);
  system_calls = kRealSystemCalls;
  CHECK(result == kTcpInfoFieldCount);
  CHECK(calls == 2);
  CHECK(whole);
  CHECK(values[static_cast<int>(TcpInfoField::state)] == 1);
}
