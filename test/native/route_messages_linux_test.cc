// Messages of rtnetlink (route_messages_linux.cc): made by hand, recorded, and broken.
#include "socket/route_messages_linux.h"

#include <doctest/doctest.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

#include <string>

#include "support/messages.h"
#include "support/recorded_messages.h"

using namespace hawser;
using namespace hawser::test;
using namespace hawser::rtnetlink;

namespace {

constexpr uint16_t kViaAttribute = 18;
constexpr uint32_t kLowerUpFlag = 1u << 16;
constexpr uint32_t kDormantFlag = 1u << 17;
constexpr uint16_t kNewNextHopMessage = 104;

Bytes Attribute(uint16_t type, const Bytes& data) {
  Bytes bytes = BytesOf(rtattr{static_cast<uint16_t>(sizeof(rtattr) + data.size()), type});
  Append(&bytes, data);
  Pad(&bytes, 4);
  return bytes;
}

template <typename T>
Bytes Attribute(uint16_t type, const T& value) {
  return Attribute(type, BytesOf(value));
}

Bytes TextAttribute(uint16_t type, const std::string& text) {
  Bytes data = TextBytes(text);
  data.push_back(0);
  return Attribute(type, data);
}

Bytes Join(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) Append(&all, part);
  return all;
}

template <typename Body>
Bytes Whole(uint16_t type, const Body& body, std::initializer_list<Bytes> attributes) {
  Bytes rest = BytesOf(body);
  Pad(&rest, 4);
  Append(&rest, Join(attributes));
  nlmsghdr header{};
  header.nlmsg_len = static_cast<uint32_t>(sizeof(header) + rest.size());
  header.nlmsg_type = type;
  header.nlmsg_seq = 7;
  Bytes bytes = BytesOf(header);
  Append(&bytes, rest);
  return bytes;
}

const Bytes kMac = {2, 0, 0x5e, 0x10, 0, 1};

Bytes LinkMessage(uint16_t hardware, const std::string& driver, uint32_t flags = IFF_UP,
                  const Bytes& address = kMac) {
  ifinfomsg body{};
  body.ifi_type = hardware;
  body.ifi_index = 3;
  body.ifi_flags = flags;
  Bytes info = driver.empty() ? Bytes() : TextAttribute(IFLA_INFO_KIND, driver);
  return Whole(RTM_NEWLINK, body,
               {TextAttribute(IFLA_IFNAME, "eth0"), Attribute(IFLA_MTU, uint32_t{1500}),
                Attribute(IFLA_ADDRESS, address), Attribute(IFLA_LINKINFO, info)});
}

Bytes AddressMessage(uint8_t family, std::initializer_list<Bytes> attributes, uint8_t flags = 0,
                     uint8_t scope = RT_SCOPE_UNIVERSE) {
  ifaddrmsg body{};
  body.ifa_family = family;
  body.ifa_prefixlen = 24;
  body.ifa_flags = flags;
  body.ifa_scope = scope;
  body.ifa_index = 3;
  return Whole(RTM_NEWADDR, body, attributes);
}

rtmsg RouteBody(uint8_t family = AF_INET) {
  rtmsg body{};
  body.rtm_family = family;
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_type = RTN_UNICAST;
  return body;
}

const Bytes kGateway = {192, 0, 2, 1};
const Bytes kOther = {198, 51, 100, 7};
const Bytes kLinkLocal = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};
const Bytes kGlobal = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};

Bytes HopBytes(int index, const Bytes& attributes) {
  rtnexthop hop{};
  hop.rtnh_len = static_cast<uint16_t>(sizeof(hop) + attributes.size());
  hop.rtnh_ifindex = index;
  return Join({BytesOf(hop), attributes});
}

Message First(const Bytes& bytes) {
  MessageReader reader(bytes.data(), bytes.size());
  Message message{};
  REQUIRE(reader.Next(&message));
  return message;
}

LinkEntry Link(const Bytes& bytes) {
  LinkEntry entry;
  REQUIRE(ReadLink(First(bytes), &entry));
  return entry;
}

AddressEntry Address(const Bytes& bytes) {
  AddressEntry entry;
  REQUIRE(ReadAddress(First(bytes), &entry));
  return entry;
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

TEST_CASE("rtnetlink: a link has its name, index, flags, MTU and hardware address") {
  LinkEntry entry = Link(LinkMessage(ARPHRD_ETHER, "", IFF_UP | kLowerUpFlag | IFF_MULTICAST));
  CHECK(std::string(entry.name) == "eth0");
  CHECK(entry.index == 3);
  CHECK(entry.mtu == 1500);
  CHECK(entry.flags == (kInterfaceUp | kInterfaceRunning | kInterfaceMulticast));
  CHECK(entry.kind == InterfaceKind::kWired);
  CHECK(Bytes(entry.hardware, entry.hardware + entry.hardware_length) == kMac);
}

TEST_CASE("rtnetlink: each flag of a link has a number of our own") {
  const struct {
    uint32_t theirs;
    int32_t ours;
  } flags[] = {{IFF_UP, kInterfaceUp},
               {IFF_LOOPBACK, kInterfaceLoopback},
               {IFF_BROADCAST, kInterfaceBroadcast},
               {IFF_MULTICAST, kInterfaceMulticast},
               {IFF_POINTOPOINT, kInterfacePointToPoint},
               {IFF_UP | kLowerUpFlag, kInterfaceUp | kInterfaceRunning},
               {IFF_UP | kLowerUpFlag | kDormantFlag, kInterfaceUp},
               {kLowerUpFlag, 0},
               // Late, and so not looked at.
               {IFF_RUNNING, 0},
               {IFF_PROMISC, 0}};
  for (const auto& one : flags) {
    CHECK(Link(LinkMessage(ARPHRD_ETHER, "", one.theirs)).flags == one.ours);
  }
}

TEST_CASE("rtnetlink: the kind of a link follows from its hardware and its driver") {
  const struct {
    uint16_t hardware;
    const char* driver;
    InterfaceKind kind;
  } links[] = {{ARPHRD_LOOPBACK, "", InterfaceKind::kLoopback},
               {ARPHRD_ETHER, "", InterfaceKind::kWired},
               {32, "", InterfaceKind::kWired},  // ARPHRD_INFINIBAND
               {801, "", InterfaceKind::kWireless},
               {803, "", InterfaceKind::kWireless},
               {ARPHRD_ETHER, "bridge", InterfaceKind::kBridge},
               {ARPHRD_ETHER, "veth", InterfaceKind::kVirtual},
               {ARPHRD_ETHER, "vlan", InterfaceKind::kVirtual},
               {ARPHRD_ETHER, "bond", InterfaceKind::kVirtual},
               {ARPHRD_ETHER, "macvlan", InterfaceKind::kVirtual},
               {ARPHRD_ETHER, "dummy", InterfaceKind::kVirtual},
               {ARPHRD_ETHER, "something-new", InterfaceKind::kVirtual},
               {ARPHRD_ETHER, "tun", InterfaceKind::kVirtual},  // a TAP
               {0xfffe, "tun", InterfaceKind::kTunnel},
               {0xfffe, "wireguard", InterfaceKind::kTunnel},
               {ARPHRD_ETHER, "vxlan", InterfaceKind::kTunnel},
               {ARPHRD_ETHER, "gretap", InterfaceKind::kTunnel},
               {ARPHRD_TUNNEL, "ipip", InterfaceKind::kTunnel},
               {ARPHRD_SIT, "sit", InterfaceKind::kTunnel},
               {ARPHRD_SIT, "", InterfaceKind::kTunnel},
               {ARPHRD_PPP, "", InterfaceKind::kTunnel},
               {519, "wwan", InterfaceKind::kWireless},
               {519, "", InterfaceKind::kTunnel}};
  for (const auto& one : links) {
    CAPTURE(one.hardware);
    CAPTURE(one.driver);
    CHECK(Link(LinkMessage(one.hardware, one.driver)).kind == one.kind);
  }
}

TEST_CASE("rtnetlink: a hardware address of zeros, or of a tunnel over IP, is none") {
  CHECK(Link(LinkMessage(ARPHRD_LOOPBACK, "", 0, Bytes(6, 0))).hardware_length == 0);
  CHECK(Link(LinkMessage(ARPHRD_SIT, "sit", 0, kGateway)).hardware_length == 0);
  CHECK(Link(LinkMessage(32, "", 0, Bytes(20, 1))).hardware_length == 20);
  CHECK(Link(LinkMessage(ARPHRD_ETHER, "", 0, Bytes(200, 1))).hardware_length == 0);
}

TEST_CASE("rtnetlink: a link without a name, or with one that is too long, is none") {
  ifinfomsg body{};
  body.ifi_index = 3;
  LinkEntry entry;
  CHECK_FALSE(ReadLink(First(Whole(RTM_NEWLINK, body, {})), &entry));
  Bytes long_name = TextAttribute(IFLA_IFNAME, "sixteen-letters!");
  CHECK_FALSE(ReadLink(First(Whole(RTM_NEWLINK, body, {long_name})), &entry));
  Bytes name = TextAttribute(IFLA_IFNAME, "fifteen-letters");
  CHECK(ReadLink(First(Whole(RTM_NEWLINK, body, {name})), &entry));
  body.ifi_family = AF_BRIDGE;
  CHECK_FALSE(ReadLink(First(Whole(RTM_NEWLINK, body, {name})), &entry));
}

TEST_CASE("rtnetlink: an IPv4 address with its broadcast address") {
  AddressEntry entry = Address(
      AddressMessage(AF_INET, {Attribute(IFA_ADDRESS, kGateway), Attribute(IFA_LOCAL, kGateway),
                               Attribute(IFA_BROADCAST, Bytes{192, 0, 2, 255})}));
  CHECK(Text(entry.address) == kGateway);
  CHECK(Text(entry.broadcast) == Bytes{192, 0, 2, 255});
  CHECK(entry.index == 3);
  CHECK(entry.prefix_length == 24);
  CHECK(entry.scope == AddressScope::kGlobal);
  CHECK(entry.state == AddressState::kPreferred);
}

TEST_CASE("rtnetlink: the address of a point-to-point interface is its own, not the peer's") {
  AddressEntry entry = Address(
      AddressMessage(AF_INET, {Attribute(IFA_LOCAL, kGateway), Attribute(IFA_ADDRESS, kOther)}));
  CHECK(Text(entry.address) == kGateway);
  CHECK(entry.broadcast.family == AddressFamily::kNone);
}

TEST_CASE("rtnetlink: a link-local IPv6 address has its interface as scope, a global one none") {
  AddressEntry local = Address(AddressMessage(AF_INET6, {Attribute(IFA_ADDRESS, kLinkLocal)}));
  CHECK(Text(local.address) == kLinkLocal);
  CHECK(local.address.scope == 3);
  AddressEntry global = Address(AddressMessage(AF_INET6, {Attribute(IFA_ADDRESS, kGlobal)}));
  CHECK(global.address.scope == 0);
}

TEST_CASE("rtnetlink: states of an address, whose flags have 8 bits or 32") {
  const struct {
    uint32_t flags;
    AddressState state;
  } states[] = {{IFA_F_PERMANENT, AddressState::kPreferred},
                {IFA_F_TENTATIVE, AddressState::kTentative},
                {IFA_F_DEPRECATED, AddressState::kDeprecated},
                {IFA_F_DADFAILED | IFA_F_TENTATIVE, AddressState::kDuplicated}};
  Bytes own = Attribute(IFA_ADDRESS, kGlobal);
  for (const auto& one : states) {
    uint8_t short_flags = static_cast<uint8_t>(one.flags);
    CHECK(Address(AddressMessage(AF_INET6, {own}, short_flags)).state == one.state);
    Bytes flags = Attribute(IFA_FLAGS, one.flags | IFA_F_NOPREFIXROUTE);
    CHECK(Address(AddressMessage(AF_INET6, {own, flags}, 0)).state == one.state);
  }
}

TEST_CASE("rtnetlink: scopes of an address") {
  const struct {
    uint8_t theirs;
    AddressScope ours;
  } scopes[] = {{RT_SCOPE_UNIVERSE, AddressScope::kGlobal},
                {RT_SCOPE_SITE, AddressScope::kSite},
                {RT_SCOPE_LINK, AddressScope::kLink},
                {RT_SCOPE_HOST, AddressScope::kHost}};
  for (const auto& one : scopes) {
    Bytes message = AddressMessage(AF_INET, {Attribute(IFA_LOCAL, kGateway)}, 0, one.theirs);
    CHECK(Address(message).scope == one.ours);
  }
}

TEST_CASE("rtnetlink: an address of another family, or of a wrong length, is none") {
  AddressEntry entry;
  CHECK_FALSE(
      ReadAddress(First(AddressMessage(AF_UNIX, {Attribute(IFA_LOCAL, kGateway)})), &entry));
  CHECK_FALSE(ReadAddress(First(AddressMessage(AF_INET, {Attribute(IFA_LOCAL, kGlobal)})), &entry));
  CHECK_FALSE(ReadAddress(First(AddressMessage(AF_INET6, {})), &entry));
}

TEST_CASE("rtnetlink: a default route with its gateway, interface and metric") {
  auto routes = Routes(Whole(RTM_NEWROUTE, RouteBody(),
                             {Attribute(RTA_GATEWAY, kGateway), Attribute(RTA_OIF, int32_t{3}),
                              Attribute(RTA_PRIORITY, uint32_t{100})}));
  REQUIRE(routes.size() == 1);
  CHECK(Text(routes[0].gateway) == kGateway);
  CHECK(routes[0].index == 3);
  CHECK(routes[0].metric == 100);
  CHECK(routes[0].family == AddressFamily::kIpv4);
}

TEST_CASE("rtnetlink: a gateway that is link-local has its interface as scope") {
  auto routes = Routes(Whole(RTM_NEWROUTE, RouteBody(AF_INET6),
                             {Attribute(RTA_GATEWAY, kLinkLocal), Attribute(RTA_OIF, int32_t{3})}));
  REQUIRE(routes.size() == 1);
  CHECK(routes[0].gateway.scope == 3);
  CHECK(routes[0].family == AddressFamily::kIpv6);
}

TEST_CASE("rtnetlink: an IPv4 route by way of an IPv6 gateway") {
  Bytes via = Join({BytesOf(uint16_t{AF_INET6}), kLinkLocal});
  auto routes = Routes(Whole(RTM_NEWROUTE, RouteBody(),
                             {Attribute(kViaAttribute, via), Attribute(RTA_OIF, int32_t{3})}));
  REQUIRE(routes.size() == 1);
  CHECK(routes[0].family == AddressFamily::kIpv4);
  CHECK(Text(routes[0].gateway) == kLinkLocal);
}

TEST_CASE("rtnetlink: each next hop of a route is one") {
  Bytes hops = Join({HopBytes(3, Attribute(RTA_GATEWAY, kGateway)),
                     HopBytes(4, Attribute(RTA_GATEWAY, kOther)), HopBytes(5, {})});
  auto routes =
      Routes(Whole(RTM_NEWROUTE, RouteBody(),
                   {Attribute(RTA_PRIORITY, uint32_t{9}), Attribute(RTA_MULTIPATH, hops)}));
  REQUIRE(routes.size() == 3);
  CHECK(routes[0].index == 3);
  CHECK(Text(routes[0].gateway) == kGateway);
  CHECK(routes[1].index == 4);
  CHECK(Text(routes[1].gateway) == kOther);
  CHECK(routes[2].index == 5);
  CHECK(routes[2].gateway.family == AddressFamily::kNone);
  CHECK(routes[2].metric == 9);
}

TEST_CASE("rtnetlink: what is no default route of the main table adds none") {
  Bytes interface = Attribute(RTA_OIF, int32_t{3});
  rtmsg narrow = RouteBody();
  narrow.rtm_dst_len = 8;
  CHECK(Routes(Whole(RTM_NEWROUTE, narrow, {interface})).empty());
  rtmsg refused = RouteBody();
  refused.rtm_type = RTN_UNREACHABLE;
  CHECK(Routes(Whole(RTM_NEWROUTE, refused, {interface})).empty());
  rtmsg cloned = RouteBody();
  cloned.rtm_flags = RTM_F_CLONED;
  CHECK(Routes(Whole(RTM_NEWROUTE, cloned, {interface})).empty());
  Bytes table = Attribute(RTA_TABLE, uint32_t{1000});
  CHECK(Routes(Whole(RTM_NEWROUTE, RouteBody(), {interface, table})).empty());
  CHECK(Routes(Whole(RTM_DELROUTE, RouteBody(), {interface})).empty());
  CHECK(Routes(Whole(RTM_NEWROUTE, RouteBody(), {})).empty());
  CHECK(Routes(Whole(RTM_NEWROUTE, RouteBody(), {interface})).size() == 1);
}

TEST_CASE("rtnetlink: the answer to a question has interface, source, gateway and MTU") {
  Bytes metrics = Attribute(RTA_METRICS, Attribute(RTAX_MTU, uint32_t{1400}));
  RouteAnswer answer;
  Bytes message = Whole(RTM_NEWROUTE, RouteBody(),
                        {Attribute(RTA_OIF, int32_t{3}), Attribute(RTA_PREFSRC, kOther),
                         Attribute(RTA_GATEWAY, kGateway), metrics});
  REQUIRE(ReadAnswer(First(message), &answer));
  CHECK(answer.index == 3);
  CHECK(Text(answer.source) == kOther);
  CHECK(Text(answer.gateway) == kGateway);
  CHECK(answer.mtu == 1400);
  CHECK(answer.local == 0);
  rtmsg own = RouteBody();
  own.rtm_type = RTN_LOCAL;
  REQUIRE(ReadAnswer(First(Whole(RTM_NEWROUTE, own, {Attribute(RTA_OIF, int32_t{1})})), &answer));
  CHECK(answer.local == 1);
  CHECK(answer.gateway.family == AddressFamily::kNone);
  CHECK_FALSE(ReadAnswer(First(Whole(RTM_NEWROUTE, own, {})), &answer));
}

TEST_CASE("rtnetlink: events say what has changed, and only that") {
  ifinfomsg port{};
  port.ifi_family = AF_BRIDGE;
  rtmsg local = RouteBody();
  local.rtm_table = RT_TABLE_LOCAL;
  rtmsg cloned = RouteBody();
  cloned.rtm_flags = RTM_F_CLONED;
  const struct {
    Bytes message;
    uint32_t changes;
  } events[] = {{Whole(RTM_NEWLINK, ifinfomsg{}, {}), kLinksChanged},
                {Whole(RTM_DELLINK, ifinfomsg{}, {}), kLinksChanged},
                {Whole(RTM_NEWLINK, port, {}), 0},
                {Whole(RTM_NEWADDR, ifaddrmsg{}, {}), kAddressesChanged},
                {Whole(RTM_DELADDR, ifaddrmsg{}, {}), kAddressesChanged},
                {Whole(RTM_NEWROUTE, RouteBody(), {}), kRoutesChanged},
                {Whole(RTM_DELROUTE, RouteBody(), {}), kRoutesChanged},
                {Whole(RTM_NEWROUTE, local, {}), 0},
                {Whole(RTM_NEWROUTE, cloned, {}), 0},
                {Whole(RTM_NEWRULE, rtmsg{}, {}), kRoutesChanged},
                {Whole(RTM_DELRULE, rtmsg{}, {}), kRoutesChanged},
                {Whole(kNewNextHopMessage, rtmsg{}, {}), kRoutesChanged},
                {Whole(NLMSG_NOOP, rtmsg{}, {}), 0},
                // What is not known may be anything.
                {Whole(4711, rtmsg{}, {}), kAllChanged}};
  Bytes all;
  for (const auto& one : events) {
    CHECK(ChangesIn(one.message.data(), one.message.size()) == one.changes);
    Append(&all, one.message);
  }
  CHECK(ChangesIn(all.data(), all.size()) == kAllChanged);
  Bytes two = Join({events[0].message, events[5].message});
  CHECK(ChangesIn(two.data(), two.size()) == (kLinksChanged | kRoutesChanged));
}

TEST_CASE("rtnetlink: an event that cannot be read counts as everything") {
  Bytes whole = Whole(RTM_NEWADDR, ifaddrmsg{}, {});
  for (size_t size = 1; size < whole.size(); size++) {
    Exactly piece(whole, size);
    CAPTURE(size);
    CHECK(ChangesIn(piece.data.get(), piece.size) == kAllChanged);
  }
  CHECK(ChangesIn(whole.data(), 0) == 0);
}

TEST_CASE("rtnetlink: the end of a list may carry an error") {
  CHECK(ErrorOf(First(Whole(NLMSG_DONE, int32_t{0}, {}))) == 0);
  CHECK(ErrorOf(First(Whole(NLMSG_DONE, int32_t{-ENOENT}, {}))) == -ENOENT);
  CHECK(ErrorOf(First(Whole(NLMSG_ERROR, int32_t{-EACCES}, {}))) == -EACCES);
  CHECK(ErrorOf(First(Whole(NLMSG_ERROR, int32_t{5}, {}))) == 0);
  CHECK(ErrorOf(First(Whole(RTM_NEWLINK, int32_t{-EACCES}, {}))) == 0);
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
