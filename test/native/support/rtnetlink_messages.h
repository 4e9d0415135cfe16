// Messages of rtnetlink(7) made by hand, for the tests of their parser.
#ifndef HAWSER_TEST_SUPPORT_RTNETLINK_MESSAGES_H_
#define HAWSER_TEST_SUPPORT_RTNETLINK_MESSAGES_H_

#include <doctest/doctest.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

#include <string>
#include <vector>

#include "socket/route_messages_linux.h"
#include "support/messages.h"

namespace hawser::test {

inline constexpr uint16_t kViaAttribute = 18;
inline constexpr uint32_t kLowerUpFlag = 1u << 16;
inline constexpr uint32_t kDormantFlag = 1u << 17;
inline constexpr uint16_t kNewNextHopMessage = 104;

inline Bytes Attribute(uint16_t type, const Bytes& data) {
  Bytes bytes = BytesOf(rtattr{static_cast<uint16_t>(sizeof(rtattr) + data.size()), type});
  Append(&bytes, data);
  Pad(&bytes, 4);
  return bytes;
}

template <typename T>
inline Bytes Attribute(uint16_t type, const T& value) {
  return Attribute(type, BytesOf(value));
}

inline Bytes TextAttribute(uint16_t type, const std::string& text) {
  Bytes data = TextBytes(text);
  data.push_back(0);
  return Attribute(type, data);
}

inline Bytes Join(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) Append(&all, part);
  return all;
}

template <typename Body>
inline Bytes Whole(uint16_t type, const Body& body, std::initializer_list<Bytes> attributes) {
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

inline const Bytes kMac = {2, 0, 0x5e, 0x10, 0, 1};

inline Bytes LinkMessage(uint16_t hardware, const std::string& driver, uint32_t flags = IFF_UP,
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

inline Bytes AddressMessage(uint8_t family, std::initializer_list<Bytes> attributes,
                            uint8_t flags = 0, uint8_t scope = RT_SCOPE_UNIVERSE) {
  ifaddrmsg body{};
  body.ifa_family = family;
  body.ifa_prefixlen = 24;
  body.ifa_flags = flags;
  body.ifa_scope = scope;
  body.ifa_index = 3;
  return Whole(RTM_NEWADDR, body, attributes);
}

inline rtmsg RouteBody(uint8_t family = AF_INET) {
  rtmsg body{};
  body.rtm_family = family;
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_type = RTN_UNICAST;
  return body;
}

inline const Bytes kGateway = {192, 0, 2, 1};
inline const Bytes kOther = {198, 51, 100, 7};
inline const Bytes kLinkLocal = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};
inline const Bytes kGlobal = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};

inline Bytes HopBytes(int index, const Bytes& attributes) {
  rtnexthop hop{};
  hop.rtnh_len = static_cast<uint16_t>(sizeof(hop) + attributes.size());
  hop.rtnh_ifindex = index;
  return Join({BytesOf(hop), attributes});
}

inline rtnetlink::Message First(const Bytes& bytes) {
  rtnetlink::MessageReader reader(bytes.data(), bytes.size());
  rtnetlink::Message message{};
  REQUIRE(reader.Next(&message));
  return message;
}

inline LinkEntry Link(const Bytes& bytes) {
  LinkEntry entry;
  REQUIRE(rtnetlink::ReadLink(First(bytes), &entry));
  return entry;
}

inline AddressEntry Address(const Bytes& bytes) {
  AddressEntry entry;
  REQUIRE(rtnetlink::ReadAddress(First(bytes), &entry));
  return entry;
}

inline std::vector<RouteEntry> Routes(const Bytes& bytes) {
  std::vector<RouteEntry> routes;
  rtnetlink::ReadDefaultRoute(First(bytes), &routes);
  return routes;
}

inline Bytes Text(const FlatAddress& flat) {
  size_t size = flat.family == AddressFamily::kIpv4   ? 4
                : flat.family == AddressFamily::kIpv6 ? 16
                                                      : 0;
  return Bytes(flat.bytes, flat.bytes + size);
}

}  // namespace hawser::test

#endif  // HAWSER_TEST_SUPPORT_RTNETLINK_MESSAGES_H_
