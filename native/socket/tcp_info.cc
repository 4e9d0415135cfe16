#include "socket/tcp_info.h"

#include <cerrno>
#include <cstring>
#include <limits>

#include "socket/calls.h"
#include "socket/system_calls.h"

namespace hawser {
namespace {

// Where a field lies and how it becomes a double. `bytes` of 0: the layout lacks it.
struct Source {
  uint16_t offset;
  uint8_t bytes;
  uint8_t shift;
  uint8_t width;  // in bits
  double divisor;
  uint64_t unset;
  double instead;
};

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr double kUnlimited = std::numeric_limits<double>::infinity();
constexpr uint64_t kAllOnes32 = 0xffffffffU;
constexpr uint64_t kAllOnes64 = ~uint64_t{0};
// TCP_INFINITE_SSTHRESH of Linux.
constexpr uint64_t kNoThreshold = 0x7fffffffU;

constexpr Source Unless(int offset, int bytes, double divisor, uint64_t unset, double instead) {
  return {static_cast<uint16_t>(offset),
          static_cast<uint8_t>(bytes),
          0,
          static_cast<uint8_t>(bytes * 8),
          divisor,
          unset,
          instead};
}
constexpr Source Bits(int offset, int bytes, int shift, int width) {
  return {static_cast<uint16_t>(offset),
          static_cast<uint8_t>(bytes),
          static_cast<uint8_t>(shift),
          static_cast<uint8_t>(width),
          1,
          0,
          0};
}
constexpr Source Divided(int offset, int bytes, double divisor) {
  return Unless(offset, bytes, divisor, 0, 0);
}
constexpr Source Field(int offset, int bytes) { return Divided(offset, bytes, 1); }
constexpr Source Absent() { return {0, 0, 0, 0, 1, 0, 0}; }

constexpr Source kSources[][2] = {
#define HAWSER_TCP_INFO(name, type, linux_source, darwin_source, help) \
  {linux_source, darwin_source},
#include "socket/tcp_info.def"
#undef HAWSER_TCP_INFO
};

static_assert(sizeof(kSources) / sizeof(kSources[0]) == kTcpInfoFieldCount);

template <typename T>
uint64_t Load(const unsigned char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

uint64_t LoadNumber(const unsigned char* bytes, int size) {
  switch (size) {
    case 1:
      return *bytes;
    case 2:
      return Load<uint16_t>(bytes);
    case 4:
      return Load<uint32_t>(bytes);
    default:
      return Load<uint64_t>(bytes);
  }
}

double Decode(const Source& source, const unsigned char* bytes, size_t length) {
  if (source.bytes == 0 || size_t{source.offset} + source.bytes > length) return kUnknown;
  uint64_t value = LoadNumber(bytes + source.offset, source.bytes) >> source.shift;
  if (source.width < 64) value &= (uint64_t{1} << source.width) - 1;
  // An `unset` of 0 has 0 `instead`, so that nothing changes where there is no such value.
  if (value == source.unset) return source.instead;
  return static_cast<double>(value) / source.divisor;
}

constexpr TcpInfoLayout kLayout =
    platform::kIsLinux ? TcpInfoLayout::kLinux : TcpInfoLayout::kDarwin;

constexpr int ColumnOf(TcpInfoLayout layout) { return layout == TcpInfoLayout::kLinux ? 0 : 1; }

// getsockopt(2) into kTcpInfoMaxBytes: the length that the kernel filled, or -errno.
int ReadTcpInfo(int descriptor, unsigned char* bytes) {
  socklen_t length = kTcpInfoMaxBytes;
  int name = platform::kIsLinux ? platform::kTcpInfo : platform::kTcpConnectionInfo;
  while (system_calls.getsockopt(descriptor, IPPROTO_TCP, name, bytes, &length) != 0) {
    if (errno != EINTR) return -errno;
    length = kTcpInfoMaxBytes;
  }
  return static_cast<int>(length);
}

}  // namespace

void DecodeTcpInfo(TcpInfoLayout layout, const void* bytes, size_t length, double* out) {
  int column = ColumnOf(layout);
  for (int i = 0; i < kTcpInfoFieldCount; i++) {
    out[i] = Decode(kSources[i][column], static_cast<const unsigned char*>(bytes), length);
  }
}

int GetTcpInfo(int descriptor, double* out) {
  unsigned char bytes[kTcpInfoMaxBytes];
  int length = ReadTcpInfo(descriptor, bytes);
  if (length < 0) return length;
  DecodeTcpInfo(kLayout, bytes, static_cast<size_t>(length), out);
  return kTcpInfoFieldCount;
}

void SampleTcpInfo(int descriptor, double* out) {
  unsigned char bytes[kTcpInfoMaxBytes];
  int length = ReadTcpInfo(descriptor, bytes);
  for (int i = 0; i < kTcpSampleFieldCount; i++) {
    const Source& source = kSources[static_cast<int>(kTcpSampleFields[i])][ColumnOf(kLayout)];
    out[i] = length < 0 ? kUnknown : Decode(source, bytes, static_cast<size_t>(length));
  }
  if (length < 0) out[0] = length;
}

int UnacknowledgedBytes(int descriptor) {
  if (!platform::kIsLinux) return IntegerOption(descriptor, SOL_SOCKET, platform::kSoNWrite);
  int value = 0;
  while (system_calls.ioctl(descriptor, platform::kUnacknowledgedBytesRequest, &value) != 0) {
    if (errno != EINTR) return -errno;
  }
  return value;
}

}  // namespace hawser
