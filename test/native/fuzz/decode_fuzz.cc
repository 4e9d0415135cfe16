// Decoding of what the kernel hands over, under arbitrary bytes: control messages, addresses and
// TCP_INFO. The first byte of an input chooses. Sanitizers say what is wrong; the checks here are
// of what must hold beyond that.
#include <sys/socket.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "socket/address.h"
#include "socket/control_message.h"
#include "socket/tcp_info.h"

using namespace hawser;

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

// A copy on the heap of exactly that size and aligned, so that the first byte beyond is seen.
std::unique_ptr<uint8_t[]> Exactly(const uint8_t* data, size_t size) {
  std::unique_ptr<uint8_t[]> copy(new uint8_t[size]);
  if (size > 0) std::memcpy(copy.get(), data, size);
  return copy;
}

void DecodeControl(const uint8_t* data, size_t size) {
  auto bytes = Exactly(data, size);
  msghdr message{};
  message.msg_control = bytes.get();
  message.msg_controllen = static_cast<decltype(message.msg_controllen)>(size);
  size_t seen = 0;
  uint8_t sum = 0;
  ForEachControlMessage(message, [&](int, int, const uint8_t* payload, size_t length) {
    Require(payload >= bytes.get());
    Require(length <= size);
    Require(static_cast<size_t>(payload - bytes.get()) + length <= size);
    for (size_t i = 0; i < length; i++) sum = static_cast<uint8_t>(sum + payload[i]);
    seen += CMSG_LEN(length);
  });
  Require(seen <= size);
}

void DecodeAddress(const uint8_t* data, size_t size) {
  SocketAddress address{};
  const size_t taken = size < sizeof(address.storage) ? size : sizeof(address.storage);
  std::memcpy(&address.storage, data, taken);
  address.length = static_cast<socklen_t>(taken);
  // Every known family now and then, whatever the bytes say.
  if (size > 0) {
    const int families[] = {AF_INET, AF_INET6, AF_UNIX, address.family()};
    address.storage.ss_family = static_cast<sa_family_t>(families[data[0] % 4]);
  }
  UnixPath path = PathOf(address);
  Require(path.size <= sizeof(address.storage));
  for (size_t i = 0; i < path.size; i++) Require(path.data[i] != '\0' || path.data[0] == '\0');

  FlatAddress flat = ToFlatAddress(address);
  if (flat.family != AddressFamily::kIpv4 && flat.family != AddressFamily::kIpv6) return;
  SocketAddress again;
  Require(ToSocketAddress(flat, address.family(), &again) == 0);
  FlatAddress twice = ToFlatAddress(again);
  Require(std::memcmp(&flat, &twice, sizeof(flat)) == 0);
}

void EncodePath(const uint8_t* data, size_t size) {
  auto bytes = Exactly(data, size);
  const char* text = reinterpret_cast<const char*>(bytes.get());
  SocketAddress address;
  if (ToUnixAddress(text, size, &address) != 0) return;
  UnixPath path = PathOf(address);
  Require(path.size == size);
  Require(std::memcmp(path.data, text, size) == 0);
}

void DecodeInfo(const uint8_t* data, size_t size) {
  auto bytes = Exactly(data, size);
  std::vector<double> fields(kTcpInfoFieldCount);
  for (TcpInfoLayout layout : {TcpInfoLayout::kLinux, TcpInfoLayout::kDarwin}) {
    DecodeTcpInfo(layout, bytes.get(), size, fields.data());
    for (double field : fields) Require(std::isnan(field) || field >= 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  switch (data[0] % 4) {
    case 0:
      DecodeControl(data + 1, size - 1);
      break;
    case 1:
      DecodeAddress(data + 1, size - 1);
      break;
    case 2:
      EncodePath(data + 1, size - 1);
      break;
    default:
      DecodeInfo(data + 1, size - 1);
  }
  return 0;
}
