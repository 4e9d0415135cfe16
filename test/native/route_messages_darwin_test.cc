// Messages of macOS's routing socket (route_messages_darwin.cc), made by hand from route(4) and the
// system's headers, and one that a Mac wrote, whole and broken. On any system: the parser is a
// function of bytes.
#include "socket/route_messages_darwin.h"

#include <doctest/doctest.h>
#include <errno.h>

#include <string>

#include "support/messages.h"

using namespace hawser;
using namespace hawser::test;
using namespace hawser::routing;

namespace {

template <typename T>
void Set(Bytes* bytes, size_t at, T value) {
  std::memcpy(bytes->data() + at, &value, sizeof(value));
}

Bytes Sockaddr4(const Bytes& address) {
  Bytes bytes(16, 0);
  bytes[0] = 16;
  bytes[1] = kInet;
  std::memcpy(bytes.data() + 4, address.data(), 4);
  return bytes;
}

Bytes Sockaddr6(const Bytes& address) {
  Bytes bytes(28, 0);
  bytes[0] = 28;
  bytes[1] = kInet6;
  std::memcpy(bytes.data() + 8, address.data(), 16);
  return bytes;
}

Bytes SockaddrLink(uint16_t index, const std::string& name, const Bytes& hardware) {
  Bytes bytes(layout::kLinkData, 0);
  bytes[1] = kLink;
  Set(&bytes, 2, index);
  bytes[layout::kLinkNameLength] = static_cast<uint8_t>(name.size());
  bytes[layout::kLinkAddressLength] = static_cast<uint8_t>(hardware.size());
  Append(&bytes, TextBytes(name));
  Append(&bytes, hardware);
  while (bytes.size() < 20) bytes.push_back(0);
  bytes[0] = static_cast<uint8_t>(bytes.size());
  return bytes;
}

// A message of a type with a header of so many bytes, and the addresses of some kinds behind it.
struct Built {
  Bytes bytes;
  uint32_t present = 0;

  Built(uint8_t type, size_t header) : bytes(header, 0) {
    bytes[2] = kVersion;
    bytes[layout::kType] = type;
  }
  Built& With(int kind, const Bytes& address) {
    present |= 1u << kind;
    Append(&bytes, address);
    if (address.empty()) bytes.push_back(0);
    Pad(&bytes, 4);
    return *this;
  }
  Bytes Done(size_t addresses_at) {
    Set(&bytes, addresses_at, present);
    Set(&bytes, 0, static_cast<uint16_t>(bytes.size()));
    return bytes;
  }
};

const Bytes kMac = {0xa4, 0x83, 0xe7, 1, 2, 3};
const Bytes kGatewayBytes = {192, 0, 2, 1};
const Bytes kOwn = {192, 0, 2, 9};
const Bytes kAnyIpv4(4, 0);
const Bytes kAnyIpv6(16, 0);
const Bytes kGlobal = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
// As the kernel has it: the interface, 4, within the address.
const Bytes kScoped = {0xfe, 0x80, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};

Bytes LinkMessage(uint8_t kind, uint32_t flags = 0x1 | 0x40 | 0x8000, const Bytes& mac = kMac,
                  const std::string& name = "en0") {
  Built built(kLinkInfo2, layout::kLinkBytes);
  Set(&built.bytes, layout::kLinkIndex, uint16_t{4});
  Set(&built.bytes, layout::kLinkFlags, flags);
  built.bytes[layout::kLinkKind] = kind;
  Set(&built.bytes, layout::kLinkMtu, uint32_t{1500});
  built.With(kInterface, SockaddrLink(4, name, mac));
  return built.Done(layout::kLinkAddresses);
}

// A netmask as the kernel writes one: no trailing zeros, and no family that could be trusted.
Bytes Mask(size_t first, const Bytes& ones) {
  Bytes bytes(first, 0);
  Append(&bytes, ones);
  bytes[0] = static_cast<uint8_t>(bytes.size());
  return bytes;
}

Bytes AddressMessage(const Bytes& mask, const Bytes& own, const Bytes& broadcast) {
  Built built(kAddressAdded, layout::kAddressBytes);
  Set(&built.bytes, layout::kAddressIndex, uint16_t{4});
  built.With(kNetmask, mask).With(kInterface, SockaddrLink(4, "en0", kMac));
  built.With(kInterfaceAddress, own);
  if (!broadcast.empty()) built.With(kBroadcast, broadcast);
  return built.Done(layout::kAddressAddresses);
}

Bytes RouteMessage(uint32_t flags, const Bytes& destination, const Bytes& gateway,
                   const Bytes& mask) {
  Built built(kRouteGet, layout::kRouteBytes);
  Set(&built.bytes, layout::kRouteIndex, uint16_t{4});
  Set(&built.bytes, layout::kRouteFlags, flags);
  built.With(kDestination, destination).With(kGateway, gateway).With(kNetmask, mask);
  return built.Done(layout::kRouteAddresses);
}

constexpr uint32_t kUsual = kFlagUp | kFlagGateway;

Bytes AnswerMessage(uint32_t flags, int32_t error = 0) {
  Built built(kRouteGet, layout::kRouteBytes);
  Set(&built.bytes, layout::kRouteIndex, uint16_t{4});
  Set(&built.bytes, layout::kRouteFlags, flags);
  Set(&built.bytes, layout::kRouteProcess, int32_t{77});
  Set(&built.bytes, layout::kRouteSequence, int32_t{5});
  Set(&built.bytes, layout::kRouteError, error);
  Set(&built.bytes, layout::kRouteMtu, uint32_t{1400});
  built.With(kDestination, Sockaddr4({198, 51, 100, 7}));
  built.With(kGateway, Sockaddr4(kGatewayBytes)).With(kNetmask, {});
  built.With(kInterface, SockaddrLink(6, "en1", kMac)).With(kInterfaceAddress, Sockaddr4(kOwn));
  return built.Done(layout::kRouteAddresses);
}

Message First(const Bytes& bytes) {
  MessageReader reader(bytes.data(), bytes.size());
  Message message{};
  REQUIRE(reader.Next(&message));
  return message;
}

std::vector<RouteEntry> Routes(const Bytes& bytes) {
  std::vector<RouteEntry> routes;
  ReadDefaultRoute(First(bytes), &routes);
  return routes;
}

Bytes Text(const FlatAddress& flat) {
  size_t size = flat.family == AddressFamily::kIpv4   ? 4
                : flat.family == AddressFamily::kIpv6 ? 16
                                                      : 0;
  return Bytes(flat.bytes, flat.bytes + size);
}

// Everything that reads, over any bytes. What comes out must be sound.
void ReadAll(const uint8_t* bytes, size_t size) {
  (void)ChangesIn(bytes, size);
  MessageReader reader(bytes, size);
  Message message;
  std::vector<RouteEntry> routes;
  while (reader.Next(&message)) {
    CHECK(message.bytes >= bytes);
    CHECK(message.bytes + message.size <= bytes + size);
    LinkEntry link;
    if (ReadLink(message, &link)) {
      CHECK(link.index > 0);
      CHECK(strnlen(link.name, sizeof(link.name)) < sizeof(link.name));
      CHECK(link.hardware_length <= kHardwareAddressBytes);
    }
    AddressEntry address;
    if (ReadAddress(message, &address)) {
      CHECK(address.address.family != AddressFamily::kNone);
      CHECK(address.prefix_length <= 128);
    }
    ReadDefaultRoute(message, &routes);
    RouteAnswer answer;
    if (ReadAnswer(message, 77, 5, &answer) == 0) CHECK(answer.index > 0);
  }
  for (const RouteEntry& route : routes) CHECK(route.index > 0);
}

}  // namespace

TEST_CASE("routing socket: a link has its name, index, flags, MTU and hardware address") {
  LinkEntry entry;
  REQUIRE(ReadLink(First(LinkMessage(0x06)), &entry));
  CHECK(std::string(entry.name) == "en0");
  CHECK(entry.index == 4);
  CHECK(entry.mtu == 1500);
  CHECK(entry.flags == (kInterfaceUp | kInterfaceRunning | kInterfaceMulticast));
  CHECK(entry.kind == InterfaceKind::kWired);
  CHECK(Bytes(entry.hardware, entry.hardware + entry.hardware_length) == kMac);
}

TEST_CASE("routing socket: the kind of a link follows from its type") {
  const struct {
    uint8_t type;
    InterfaceKind kind;
  } links[] = {{0x06, InterfaceKind::kWired},    {0x18, InterfaceKind::kLoopback},
               {0x47, InterfaceKind::kWireless}, {0xff, InterfaceKind::kWireless},
               {0xd1, InterfaceKind::kBridge},   {0x01, InterfaceKind::kTunnel},
               {0x37, InterfaceKind::kTunnel},   {0x39, InterfaceKind::kTunnel},
               {0x17, InterfaceKind::kTunnel},   {0x87, InterfaceKind::kVirtual},
               {0x88, InterfaceKind::kVirtual},  {0xfe, InterfaceKind::kVirtual}};
  for (const auto& one : links) {
    CAPTURE(one.type);
    LinkEntry entry;
    REQUIRE(ReadLink(First(LinkMessage(one.type)), &entry));
    CHECK(entry.kind == one.kind);
  }
}

TEST_CASE("routing socket: a tunnel has no hardware address, and a name of no length is none") {
  LinkEntry entry;
  REQUIRE(ReadLink(First(LinkMessage(0x01, 0x1, {}, "utun3")), &entry));
  CHECK(entry.hardware_length == 0);
  CHECK_FALSE(ReadLink(First(LinkMessage(0x06, 0x1, kMac, "")), &entry));
  CHECK_FALSE(ReadLink(First(LinkMessage(0x06, 0x1, kMac, "sixteen-letters!")), &entry));
}

TEST_CASE("routing socket: an IPv4 address with its prefix and broadcast address") {
  AddressEntry entry;
  REQUIRE(ReadAddress(
      First(AddressMessage(Mask(4, {255, 255, 255}), Sockaddr4(kOwn), Sockaddr4({192, 0, 2, 255}))),
      &entry));
  CHECK(Text(entry.address) == kOwn);
  CHECK(Text(entry.broadcast) == Bytes{192, 0, 2, 255});
  CHECK(entry.prefix_length == 24);
  CHECK(entry.index == 4);
  CHECK(entry.scope == AddressScope::kGlobal);
}

TEST_CASE("routing socket: one's own address in the place of a broadcast address is none") {
  AddressEntry entry;
  Bytes loopback = Sockaddr4({127, 0, 0, 1});
  REQUIRE(ReadAddress(First(AddressMessage(Mask(4, {255}), loopback, loopback)), &entry));
  CHECK(entry.broadcast.family == AddressFamily::kNone);
  CHECK(entry.scope == AddressScope::kHost);
  CHECK(entry.prefix_length == 8);
}

TEST_CASE("routing socket: the interface within a link-local address becomes its scope") {
  AddressEntry entry;
  Bytes mask = Mask(8, Bytes(8, 255));
  REQUIRE(ReadAddress(First(AddressMessage(mask, Sockaddr6(kScoped), {})), &entry));
  CHECK(entry.address.scope == 4);
  CHECK(entry.address.bytes[2] == 0);
  CHECK(entry.address.bytes[3] == 0);
  CHECK(entry.scope == AddressScope::kLink);
  CHECK(entry.prefix_length == 64);
  REQUIRE(ReadAddress(First(AddressMessage(mask, Sockaddr6(kGlobal), {})), &entry));
  CHECK(entry.address.scope == 0);
  CHECK(entry.scope == AddressScope::kGlobal);
}

TEST_CASE("routing socket: a default route, whose mask has no bytes") {
  auto routes = Routes(RouteMessage(kUsual, Sockaddr4(kAnyIpv4), Sockaddr4(kGatewayBytes), {}));
  REQUIRE(routes.size() == 1);
  CHECK(Text(routes[0].gateway) == kGatewayBytes);
  CHECK(routes[0].index == 4);
  CHECK(routes[0].family == AddressFamily::kIpv4);
  auto ipv6 = Routes(RouteMessage(kUsual, Sockaddr6(kAnyIpv6), Sockaddr6(kScoped), {}));
  REQUIRE(ipv6.size() == 1);
  CHECK(ipv6[0].gateway.scope == 4);
  CHECK(ipv6[0].family == AddressFamily::kIpv6);
}

TEST_CASE("routing socket: a default route through a tunnel has no gateway") {
  Bytes link = SockaddrLink(4, "", {});
  auto routes = Routes(RouteMessage(kFlagUp, Sockaddr4(kAnyIpv4), link, {}));
  REQUIRE(routes.size() == 1);
  CHECK(routes[0].gateway.family == AddressFamily::kNone);
}

TEST_CASE("routing socket: what is no default route for every socket adds none") {
  Bytes any = Sockaddr4(kAnyIpv4);
  Bytes gateway = Sockaddr4(kGatewayBytes);
  CHECK(Routes(RouteMessage(kUsual, Sockaddr4({10, 0, 0, 0}), gateway, Mask(4, {255}))).empty());
  CHECK(Routes(RouteMessage(kUsual, any, gateway, Mask(4, {128}))).empty());
  CHECK(Routes(RouteMessage(kUsual | kFlagScoped, any, gateway, {})).empty());
  CHECK(Routes(RouteMessage(kUsual | kFlagReject, any, gateway, {})).empty());
  CHECK(Routes(RouteMessage(kUsual | kFlagBlackhole, any, gateway, {})).empty());
  CHECK(Routes(RouteMessage(kFlagGateway, any, gateway, {})).empty());
}

TEST_CASE("routing socket: the answer to a question has interface, source, gateway and MTU") {
  RouteAnswer answer;
  REQUIRE(ReadAnswer(First(AnswerMessage(kUsual)), 77, 5, &answer) == 0);
  CHECK(answer.index == 6);
  CHECK(Text(answer.source) == kOwn);
  CHECK(Text(answer.gateway) == kGatewayBytes);
  CHECK(answer.mtu == 1400);
  CHECK(answer.local == 0);
  REQUIRE(ReadAnswer(First(AnswerMessage(kFlagUp | kFlagLocal)), 77, 5, &answer) == 0);
  CHECK(answer.local == 1);
  CHECK(answer.gateway.family == AddressFamily::kNone);
}

TEST_CASE("routing socket: another's answer is passed over, and a refusal is an error") {
  RouteAnswer answer;
  Bytes message = AnswerMessage(kUsual);
  CHECK(ReadAnswer(First(message), 78, 5, &answer) == -EAGAIN);
  CHECK(ReadAnswer(First(message), 77, 6, &answer) == -EAGAIN);
  CHECK(ReadAnswer(First(LinkMessage(0x06)), 77, 5, &answer) == -EAGAIN);
  CHECK(ReadAnswer(First(AnswerMessage(kUsual, ESRCH)), 77, 5, &answer) == -ESRCH);
  CHECK(ReadAnswer(First(AnswerMessage(kUsual | kFlagReject)), 77, 5, &answer) == -EHOSTUNREACH);
  CHECK(ReadAnswer(First(AnswerMessage(kUsual | kFlagBlackhole)), 77, 5, &answer) < 0);
}

TEST_CASE("routing socket: events say what has changed, and traffic is no change") {
  auto event = [](uint8_t type, uint32_t flags) {
    Built built(type, layout::kRouteBytes);
    Set(&built.bytes, layout::kRouteFlags, flags);
    return built.Done(layout::kRouteAddresses);
  };
  const struct {
    Bytes message;
    NetworkChange changes;
  } events[] = {{LinkMessage(0x06), kLinksChanged},
                {event(kLinkInfo, 0), kLinksChanged},
                {event(kAddressAdded, 0), kAddressesChanged},
                {event(kAddressDeleted, 0), kAddressesChanged},
                {event(kRouteAdded, kUsual), kRoutesChanged},
                {event(kRouteDeleted, kUsual), kRoutesChanged},
                {event(kRouteChanged, kUsual), kRoutesChanged},
                {event(kRouteRedirected, kUsual), kRoutesChanged},
                {event(kRouteAdded, kFlagLinkLayer), 0},
                {event(kRouteDeleted, kFlagCloned), 0},
                {event(kRouteGet, kUsual), 0},
                {event(7, kUsual), 0}};  // RTM_MISS
  for (const auto& one : events) {
    CAPTURE(static_cast<int>(one.message[layout::kType]));
    CHECK(ChangesIn(one.message.data(), one.message.size()) == one.changes);
  }
  Bytes cut = event(kRouteAdded, kUsual);
  cut.resize(40);
  Set(&cut, 0, uint16_t{40});
  CHECK(ChangesIn(cut.data(), cut.size()) == kAllChanged);
}

// A network route through a tunnel as a Mac's kernel told it, published with golang/net#220: its
// netmask is cut to its ones.
const Bytes kRecordedRoute = {0x88, 0x00, 0x05, 0x01, 0,    0,    0, 0, 0x41, 0x08, 0,   0,
                              0x07, 0,    0,    0,    0x92, 0x7b, 0, 0, 1,    0,    0,   0,
                              0,    0,    0,    0,    0,    0,    0, 0, 0,    0,    0,   0,  //
                              0,    0,    0,    0,    0,    0,    0, 0, 0,    0,    0,   0,
                              0,    0,    0,    0,    0,    0,    0, 0, 0,    0,    0,   0,
                              0,    0,    0,    0,    0,    0,    0, 0, 0,    0,    0,   0,
                              0,    0,    0,    0,    0,    0,    0, 0, 0,    0,    0,   0,
                              0,    0,    0,    0,    0,    0,    0, 0,  // metrics
                              0x10, 0x02, 0,    0,    0x64, 0x71, 0, 0, 0,    0,    0,   0,
                              0,    0,    0,    0,  // 100.113.0.0
                              0x14, 0x12, 0x21, 0x00, 0x01, 0x08, 0, 0, 'u',  't',  'u', 'n',
                              '4',  '3',  '1',  '9',  0,    0,    0, 0, 0x06, 0x02, 0,   0,
                              0xff, 0xff, 0,    0};

TEST_CASE("routing socket: what a Mac's kernel wrote is read as it said") {
  REQUIRE(kRecordedRoute.size() == 0x88);
  MessageReader reader(kRecordedRoute.data(), kRecordedRoute.size());
  Message message{};
  REQUIRE(reader.Next(&message));
  CHECK(message.type == kRouteAdded);
  CHECK(message.size == kRecordedRoute.size());
  CHECK_FALSE(reader.Next(&message));
  CHECK_FALSE(reader.malformed());
  CHECK(ChangesIn(kRecordedRoute.data(), kRecordedRoute.size()) == kRoutesChanged);
  // Listed, it is a route, and not the default one. Made one, it goes through that tunnel.
  Bytes listed = kRecordedRoute;
  listed[layout::kType] = kRouteGet;
  CHECK(Routes(listed).empty());
  Bytes other = listed;
  Set(&other, layout::kRouteBytes + 4, uint32_t{0});
  Set(&other, layout::kRouteIndex, uint16_t{33});
  other[other.size() - 8] = 0;  // the netmask of a default route has a length of 0
  auto routes = Routes(other);
  REQUIRE(routes.size() == 1);
  CHECK(routes[0].index == 33);
  CHECK(routes[0].gateway.family == AddressFamily::kNone);
  Mangle(kRecordedRoute, 3000, ReadAll);
  Mangle(listed, 3000, ReadAll);
}

TEST_CASE("routing socket: lengths that cannot be end the reading") {
  for (uint16_t length : {0, 1, 3, 0xffff}) {
    Bytes wrong = LinkMessage(0x06);
    Set(&wrong, 0, length);
    MessageReader reader(wrong.data(), wrong.size());
    Message message;
    CHECK_FALSE(reader.Next(&message));
    CHECK(reader.malformed());
    CHECK(ChangesIn(wrong.data(), wrong.size()) == kAllChanged);
  }
  // An address that says to be longer than its message.
  Bytes wrong = LinkMessage(0x06);
  wrong[layout::kLinkBytes] = 255;
  LinkEntry entry;
  CHECK_FALSE(ReadLink(First(wrong), &entry));
  // A name that says to be longer than its address.
  wrong = LinkMessage(0x06);
  wrong[layout::kLinkBytes + layout::kLinkNameLength] = 15;
  CHECK_FALSE(ReadLink(First(wrong), &entry));
}

TEST_CASE("routing socket: messages cut at each byte, and with other bytes, stay within bounds") {
  const Bytes messages[] = {
      LinkMessage(0x06), AnswerMessage(kUsual),
      AddressMessage(Mask(4, {255, 255, 255}), Sockaddr4(kOwn), Sockaddr4({192, 0, 2, 255})),
      AddressMessage(Mask(8, Bytes(8, 255)), Sockaddr6(kScoped), {}),
      RouteMessage(kUsual, Sockaddr6(kAnyIpv6), Sockaddr6(kScoped), {})};
  for (const Bytes& message : messages) Mangle(message, 3000, ReadAll);
}

TEST_CASE("routing socket: a question has the form of a message, and its zone within the address") {
  uint8_t buffer[kRequestBytes];
  RouteQuestion question{};
  question.destination.family = AddressFamily::kIpv6;
  question.destination.bytes[0] = 0xfe;
  question.destination.bytes[1] = 0x80;
  question.destination.scope = 4;
  size_t size = WriteRouteQuestion(77, 5, question, buffer);
  REQUIRE(size > layout::kRouteBytes);
  Message message = First(Bytes(buffer, buffer + size));
  CHECK(message.type == kRouteGet);
  CHECK(message.size == size);
  CHECK(buffer[layout::kRouteBytes] == 28);
  CHECK(buffer[layout::kRouteBytes + 1] == kInet6);
  CHECK(buffer[layout::kRouteBytes + 11] == 4);
  question.destination.family = AddressFamily::kIpv4;
  question.destination.scope = 0;
  CHECK(WriteRouteQuestion(77, 5, question, buffer) == layout::kRouteBytes + 16 + 20);
  question.index = 70000;
  CHECK(WriteRouteQuestion(77, 5, question, buffer) == 0);
  question.destination.family = AddressFamily::kNone;
  CHECK(WriteRouteQuestion(77, 5, question, buffer) == 0);
}
