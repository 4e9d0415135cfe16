// The parsers of both systems' routing messages, under arbitrary bytes. The first byte of an input
// chooses. Sanitizers say what is wrong; the checks here are of what must hold beyond that.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "socket/route_messages_darwin.h"
#include "socket/route_messages_linux.h"

using namespace hawser;

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void CheckLink(const LinkEntry& link) {
  Require(link.index > 0);
  Require(link.name[kInterfaceNameBytes - 1] == '\0');
  Require(link.hardware_length <= kHardwareAddressBytes);
}

void ReadLinux(const uint8_t* bytes, size_t size) {
  (void)rtnetlink::ChangesIn(bytes, size);
  rtnetlink::MessageReader reader(bytes, size);
  rtnetlink::Message message;
  std::vector<RouteEntry> routes;
  while (reader.Next(&message)) {
    Require(message.body + message.size <= bytes + size);
    LinkEntry link;
    AddressEntry address;
    RouteAnswer answer;
    if (rtnetlink::ReadLink(message, &link)) CheckLink(link);
    if (rtnetlink::ReadAddress(message, &address)) Require(address.index > 0);
    if (rtnetlink::ReadAnswer(message, &answer)) Require(answer.index > 0);
    rtnetlink::ReadDefaultRoute(message, &routes);
    Require(rtnetlink::ErrorOf(message) <= 0);
  }
  for (const RouteEntry& route : routes) Require(route.index > 0);
}

void ReadDarwin(const uint8_t* bytes, size_t size) {
  (void)routing::ChangesIn(bytes, size);
  routing::MessageReader reader(bytes, size);
  routing::Message message;
  std::vector<RouteEntry> routes;
  while (reader.Next(&message)) {
    Require(message.bytes + message.size <= bytes + size);
    LinkEntry link;
    AddressEntry address;
    RouteAnswer answer;
    if (routing::ReadLink(message, &link)) CheckLink(link);
    if (routing::ReadAddress(message, &address)) Require(address.prefix_length <= 128);
    if (routing::ReadAnswer(message, 0, 0, &answer) == 0) Require(answer.index > 0);
    routing::ReadDefaultRoute(message, &routes);
  }
  for (const RouteEntry& route : routes) Require(route.index > 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  // A copy on the heap of exactly that size, so that the first byte beyond is seen.
  std::unique_ptr<uint8_t[]> copy(new uint8_t[size]);
  std::memcpy(copy.get(), data, size);
  // The type of the first message is one that is read, more often than chance would have it.
  const uint8_t linux_types[] = {16, 20, 24, 2, 3};
  const uint8_t darwin_types[] = {4, 12, 14, 18, 1};
  uint8_t* bytes = copy.get() + 1;
  size_t rest = size - 1;
  uint8_t choice = data[0];
  if (choice % 2 == 0) {
    if (rest >= 6 && choice % 4 == 0) {
      auto length = static_cast<uint32_t>(rest);
      std::memcpy(bytes, &length, sizeof(length));
      bytes[4] = linux_types[choice / 4 % 5];
      bytes[5] = 0;
    }
    ReadLinux(bytes, rest);
  } else {
    if (rest >= 4 && choice % 4 == 1 && rest <= UINT16_MAX) {
      auto length = static_cast<uint16_t>(rest);
      std::memcpy(bytes, &length, sizeof(length));
      bytes[3] = darwin_types[choice / 4 % 5];
    }
    ReadDarwin(bytes, rest);
  }
  return 0;
}
