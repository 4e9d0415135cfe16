// Messages of rtnetlink (route_messages_linux.cc) as a kernel wrote them, and broken ones: cut at
// each byte, with lengths that cannot be, with other bytes.
#include <errno.h>

#include "support/recorded_messages.h"
#include "support/rtnetlink_messages.h"

using namespace hawser;
using namespace hawser::test;
using namespace hawser::rtnetlink;

namespace {

// Everything that reads, over any bytes. What comes out must be sound.
void ReadAll(const uint8_t* bytes, size_t size) {
  (void)ChangesIn(bytes, size);
  MessageReader reader(bytes, size);
  Message message;
  std::vector<RouteEntry> routes;
  while (reader.Next(&message)) {
    CHECK(message.body >= bytes);
    CHECK(message.body + message.size <= bytes + size);
    LinkEntry link;
    if (ReadLink(message, &link)) {
      CHECK(link.index > 0);
      CHECK(strnlen(link.name, sizeof(link.name)) < sizeof(link.name));
      CHECK(link.hardware_length <= kHardwareAddressBytes);
    }
    AddressEntry address;
    if (ReadAddress(message, &address)) {
      CHECK(address.index > 0);
      CHECK(address.address.family != AddressFamily::kNone);
    }
    ReadDefaultRoute(message, &routes);
    RouteAnswer answer;
    if (ReadAnswer(message, &answer)) CHECK(answer.index > 0);
    (void)ErrorOf(message);
  }
  for (const RouteEntry& route : routes) CHECK(route.index > 0);
}

}  // namespace

TEST_CASE("rtnetlink: an event that cannot be read counts as everything") {
  Bytes whole = Whole(RTM_NEWADDR, ifaddrmsg{}, {});
  for (size_t size = 1; size < whole.size(); size++) {
    Exactly piece(whole, size);
    CAPTURE(size);
    CHECK(ChangesIn(piece.data.get(), piece.size) == kAllChanged);
  }
  CHECK(ChangesIn(whole.data(), 0) == 0);
}

TEST_CASE("rtnetlink: lengths that cannot be end the reading, and nothing is read beyond") {
  Bytes message = LinkMessage(ARPHRD_ETHER, "veth");
  for (uint32_t length : {0u, 1u, 15u, static_cast<uint32_t>(message.size() + 1), 0xffffffffu}) {
    Bytes wrong = message;
    std::memcpy(wrong.data(), &length, sizeof(length));
    MessageReader reader(wrong.data(), wrong.size());
    Message out;
    CHECK_FALSE(reader.Next(&out));
    CHECK(reader.malformed());
  }
  const size_t first_attribute = sizeof(nlmsghdr) + sizeof(ifinfomsg);
  for (uint16_t length : {0, 1, 3, 200, 0xffff}) {
    Bytes wrong = message;
    std::memcpy(wrong.data() + first_attribute, &length, sizeof(length));
    LinkEntry entry;
    CHECK_FALSE(ReadLink(First(wrong), &entry));
  }
  for (uint16_t length : {0, 7, 200}) {
    Bytes hop = HopBytes(3, {});
    std::memcpy(hop.data(), &length, sizeof(length));
    CHECK(Routes(Whole(RTM_NEWROUTE, RouteBody(), {Attribute(RTA_MULTIPATH, hop)})).empty());
  }
}

TEST_CASE("rtnetlink: messages cut at each byte, and with other bytes, stay within their bounds") {
  Bytes hops = Join({HopBytes(3, Attribute(RTA_GATEWAY, kGateway)), HopBytes(4, {})});
  const Bytes messages[] = {
      LinkMessage(ARPHRD_ETHER, "wireguard"),
      AddressMessage(AF_INET, {Attribute(IFA_LOCAL, kGateway), Attribute(IFA_FLAGS, uint32_t{1})}),
      AddressMessage(AF_INET6, {Attribute(IFA_ADDRESS, kLinkLocal)}),
      Whole(RTM_NEWROUTE, RouteBody(),
            {Attribute(RTA_OIF, int32_t{3}), Attribute(RTA_MULTIPATH, hops),
             Attribute(kViaAttribute, Join({BytesOf(uint16_t{AF_INET6}), kLinkLocal})),
             Attribute(RTA_METRICS, Attribute(RTAX_MTU, uint32_t{1400}))}),
      Whole(NLMSG_ERROR, int32_t{-EACCES}, {})};
  for (const Bytes& message : messages) Mangle(message, 3000, ReadAll);
}

TEST_CASE("rtnetlink: what a kernel wrote is read as it was set up") {
  LinkEntry link = Link(FromHex(kRecordedLink));
  CHECK(std::string(link.name) == "eth0");
  CHECK(link.index == 3);
  CHECK(link.mtu == 1400);
  CHECK(link.kind == InterfaceKind::kVirtual);
  CHECK(link.flags ==
        (kInterfaceUp | kInterfaceRunning | kInterfaceBroadcast | kInterfaceMulticast));
  CHECK(Bytes(link.hardware, link.hardware + link.hardware_length) == kMac);

  AddressEntry ipv4 = Address(FromHex(kRecordedIpv4));
  CHECK(Text(ipv4.address) == Bytes{192, 0, 2, 9});
  CHECK(Text(ipv4.broadcast) == Bytes{192, 0, 2, 255});
  CHECK(ipv4.prefix_length == 24);
  CHECK(ipv4.state == AddressState::kPreferred);
  AddressEntry ipv6 = Address(FromHex(kRecordedIpv6));
  CHECK(ipv6.address.bytes[15] == 9);
  CHECK(ipv6.prefix_length == 64);
  CHECK(ipv6.state == AddressState::kDeprecated);
  AddressEntry local = Address(FromHex(kRecordedLinkLocal));
  CHECK(local.scope == AddressScope::kLink);
  CHECK(local.address.scope == 3);
  CHECK(local.state == AddressState::kTentative);

  auto routes = Routes(FromHex(kRecordedRoute));
  REQUIRE(routes.size() == 2);
  CHECK(Text(routes[0].gateway) == Bytes{192, 0, 2, 1});
  CHECK(Text(routes[1].gateway) == Bytes{192, 0, 2, 2});
  CHECK(routes[1].index == 3);
  CHECK(routes[1].metric == 50);

  RouteAnswer answer;
  REQUIRE(ReadAnswer(First(FromHex(kRecordedAnswer)), &answer));
  CHECK(answer.index == 3);
  CHECK(answer.mtu == 1300);
  CHECK(Text(answer.source) == Bytes{192, 0, 2, 9});
  CHECK(Text(answer.gateway) == Bytes{192, 0, 2, 1});
}

TEST_CASE("rtnetlink: what a kernel wrote, cut at each byte and broken, stays within its bounds") {
  for (const char* recorded : {kRecordedLink, kRecordedIpv4, kRecordedIpv6, kRecordedLinkLocal,
                               kRecordedRoute, kRecordedAnswer}) {
    Mangle(FromHex(recorded), 3000, ReadAll);
  }
}
