// Messages of rtnetlink (route_messages_linux.cc), made by hand. Those that a kernel wrote, and
// broken ones: route_messages_broken_test.cc.
#include "socket/route_messages_linux.h"

#include <errno.h>

#include "support/rtnetlink_messages.h"

using namespace hawser;
using namespace hawser::test;
using namespace hawser::rtnetlink;

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

TEST_CASE("rtnetlink: the end of a list may carry an error") {
  CHECK(ErrorOf(First(Whole(NLMSG_DONE, int32_t{0}, {}))) == 0);
  CHECK(ErrorOf(First(Whole(NLMSG_DONE, int32_t{-ENOENT}, {}))) == -ENOENT);
  CHECK(ErrorOf(First(Whole(NLMSG_ERROR, int32_t{-EACCES}, {}))) == -EACCES);
  CHECK(ErrorOf(First(Whole(NLMSG_ERROR, int32_t{5}, {}))) == 0);
  CHECK(ErrorOf(First(Whole(RTM_NEWLINK, int32_t{-EACCES}, {}))) == 0);
}
