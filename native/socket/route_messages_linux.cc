#include "socket/route_messages_linux.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

#include <cstring>

namespace hawser::rtnetlink {
namespace {

// Numbers instead of names where the C library's headers may be older than the kernel: they are
// part of its ABI (include/uapi/linux/rtnetlink.h, if_arp.h, if_link.h).
constexpr uint16_t kNewNextHop = 104;
constexpr uint16_t kDeleteNextHop = 105;
constexpr uint16_t kHardwareRawIp = 519;
constexpr uint16_t kHardwareIp6Gre = 823;
constexpr uint16_t kHardwareNone = 0xfffe;
constexpr uint16_t kAttributeVia = 18;
constexpr uint16_t kAttributeAddressFlags = 8;
constexpr uint16_t kAttributeTypeMask = 0x3fff;

// Copies a structure from the front of bytes of any alignment.
template <typename T>
bool Take(const uint8_t* bytes, size_t size, T* out) {
  if (size < sizeof(T)) return false;
  std::memcpy(out, bytes, sizeof(T));
  return true;
}

constexpr size_t Align(size_t size) { return (size + 3) & ~static_cast<size_t>(3); }

struct Attribute {
  uint16_t type;
  const uint8_t* data;
  size_t size;

  template <typename T>
  bool As(T* out) const {
    return Take(data, size, out);
  }
};

// The attributes behind a structure of `header` bytes (struct rtattr, rtnetlink(7)). Stops at the
// first whose length cannot be.
template <typename Visit>
void ForEachAttribute(const uint8_t* bytes, size_t size, size_t header, Visit visit) {
  size_t at = Align(header);
  rtattr attribute;
  while (at < size && Take(bytes + at, size - at, &attribute)) {
    size_t length = attribute.rta_len;
    if (length < sizeof(attribute) || length > size - at) return;
    visit(Attribute{static_cast<uint16_t>(attribute.rta_type & kAttributeTypeMask),
                    bytes + at + sizeof(attribute), length - sizeof(attribute)});
    at += Align(length);
  }
}

template <typename Visit>
void ForEachAttribute(const Message& message, size_t header, Visit visit) {
  ForEachAttribute(message.body, message.size, header, visit);
}

bool IsLinkLocal(const uint8_t* bytes) { return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80; }

// An address of a family (AF_*). kNone where the length is not that of the family.
FlatAddress ReadFlat(int family, const Attribute& attribute) {
  FlatAddress flat{};
  size_t size = family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
  if (size == 0 || attribute.size != size) return flat;
  std::memcpy(flat.bytes, attribute.data, size);
  flat.family = family == AF_INET ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
  return flat;
}

void SetScope(FlatAddress* flat, int32_t index) {
  if (flat->family == AddressFamily::kIpv6 && IsLinkLocal(flat->bytes)) {
    flat->scope = static_cast<uint32_t>(index);
  }
}

// ---- kinds

bool IsOneOf(const char* name, size_t size, const char* const* names, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (std::strlen(names[i]) == size && std::memcmp(names[i], name, size) == 0) return true;
  }
  return false;
}

// Packets in other packets, or handed to a program: the drivers' names (ip-link(8)).
constexpr const char* kTunnelDrivers[] = {
    "wireguard", "ipip",    "sit",  "gre",    "gretap", "ip6gre",    "ip6gretap", "ip6tnl",
    "vti",       "vti6",    "xfrm", "erspan", "vxlan",  "ip6erspan", "geneve",    "gtp",
    "ppp",       "bareudp", "amt",  "ovpn",   "fou",    "l2tp",      "tunnel6",   "ovpn-dco"};
constexpr const char* kRadioDrivers[] = {"wwan", "rmnet"};

bool IsTunnelHardware(uint16_t type) {
  switch (type) {
    case ARPHRD_PPP:
    case ARPHRD_TUNNEL:
    case ARPHRD_TUNNEL6:
    case ARPHRD_SIT:
    case ARPHRD_IPGRE:
    case kHardwareIp6Gre:
    case kHardwareRawIp:
    case kHardwareNone:
      return true;
    default:
      return false;
  }
}

InterfaceKind KindOf(uint16_t hardware, const char* driver, size_t size) {
  if (hardware == ARPHRD_LOOPBACK) return InterfaceKind::kLoopback;
  if (size > 0) {
    if (IsOneOf(driver, size, kTunnelDrivers, sizeof(kTunnelDrivers) / sizeof(char*))) {
      return InterfaceKind::kTunnel;
    }
    if (IsOneOf(driver, size, kRadioDrivers, sizeof(kRadioDrivers) / sizeof(char*))) {
      return InterfaceKind::kWireless;
    }
    constexpr const char* kBridges[] = {"bridge"};
    if (IsOneOf(driver, size, kBridges, 1)) return InterfaceKind::kBridge;
    // Of the driver "tun", a TUN has no hardware and a TAP is an Ethernet.
    return IsTunnelHardware(hardware) ? InterfaceKind::kTunnel : InterfaceKind::kVirtual;
  }
  if (hardware >= ARPHRD_IEEE80211 && hardware <= ARPHRD_IEEE80211_RADIOTAP) {
    return InterfaceKind::kWireless;
  }
  return IsTunnelHardware(hardware) ? InterfaceKind::kTunnel : InterfaceKind::kWired;
}

// IFF_LOWER_UP and IFF_DORMANT, which <net/if.h> lacks. The kernel is up to a second late with
// IFF_RUNNING (net/core/link_watch.c), and with these it is not.
constexpr unsigned int kLowerUp = 1u << 16;
constexpr unsigned int kDormant = 1u << 17;

bool HasLink(unsigned int flags) {
  return (flags & IFF_UP) && (flags & kLowerUp) && !(flags & kDormant);
}

int32_t FlagsOf(unsigned int flags) {
  return (flags & IFF_UP ? kInterfaceUp : 0) | (HasLink(flags) ? kInterfaceRunning : 0) |
         (flags & IFF_LOOPBACK ? kInterfaceLoopback : 0) |
         (flags & IFF_BROADCAST ? kInterfaceBroadcast : 0) |
         (flags & IFF_MULTICAST ? kInterfaceMulticast : 0) |
         (flags & IFF_POINTOPOINT ? kInterfacePointToPoint : 0);
}

// A tunnel over IP has its own end there, which is no hardware address; loopback has zeros.
void ReadHardware(const Attribute& attribute, LinkEntry* out) {
  if (attribute.size != 6 && attribute.size != 8 && attribute.size != kHardwareAddressBytes) return;
  bool any = false;
  for (size_t i = 0; i < attribute.size; i++) any = any || attribute.data[i] != 0;
  if (!any) return;
  out->hardware_length = static_cast<uint8_t>(attribute.size);
  std::memcpy(out->hardware, attribute.data, attribute.size);
}

void ReadName(const Attribute& attribute, LinkEntry* out) {
  size_t length = strnlen(reinterpret_cast<const char*>(attribute.data), attribute.size);
  if (length >= sizeof(out->name)) length = 0;
  std::memcpy(out->name, attribute.data, length);
}

// ---- routes

// The next hop as the attributes beside it say.
void ReadHop(int family, const Attribute& attribute, RouteEntry* out) {
  if (attribute.type == RTA_OIF) (void)attribute.As(&out->index);
  if (attribute.type == RTA_GATEWAY) out->gateway = ReadFlat(family, attribute);
  // struct rtvia: a gateway of another family than the route's.
  uint16_t via = 0;
  if (attribute.type == kAttributeVia && attribute.As(&via)) {
    out->gateway = ReadFlat(
        via, Attribute{attribute.type, attribute.data + sizeof(via), attribute.size - sizeof(via)});
  }
}

void AddHop(RouteEntry entry, std::vector<RouteEntry>* out) {
  if (entry.index <= 0 || out->size() == kNetworkEntries) return;
  SetScope(&entry.gateway, entry.index);
  out->push_back(entry);
}

void ReadHops(int family, const Attribute& list, const RouteEntry& base,
              std::vector<RouteEntry>* out) {
  size_t at = 0;
  rtnexthop hop;
  while (at < list.size && Take(list.data + at, list.size - at, &hop)) {
    size_t length = hop.rtnh_len;
    if (length < sizeof(hop) || length > list.size - at) return;
    RouteEntry entry = base;
    ForEachAttribute(list.data + at, length, sizeof(hop),
                     [&](const Attribute& attribute) { ReadHop(family, attribute, &entry); });
    entry.index = hop.rtnh_ifindex;
    AddHop(entry, out);
    at += Align(length);
  }
}

// Events of routes that the kernel makes for itself say nothing that addresses do not.
bool IsRouteEvent(const Message& message) {
  rtmsg route;
  if (!Take(message.body, message.size, &route)) return true;
  return !(route.rtm_flags & RTM_F_CLONED) && route.rtm_table != RT_TABLE_LOCAL;
}

NetworkChange ChangeIn(const Message& message) {
  switch (message.type) {
    case NLMSG_NOOP:
      return 0;
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      ifinfomsg link;
      bool is_port = Take(message.body, message.size, &link) && link.ifi_family == AF_BRIDGE;
      return is_port ? 0 : kLinksChanged;
    }
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return kAddressesChanged;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return IsRouteEvent(message) ? kRoutesChanged : 0;
    case RTM_NEWRULE:
    case RTM_DELRULE:
    case kNewNextHop:
    case kDeleteNextHop:
      return kRoutesChanged;
    default:
      return kAllChanged;
  }
}

}  // namespace

bool MessageReader::Next(Message* out) {
  if (left_ == 0) return false;
  nlmsghdr header;
  if (!Take(at_, left_, &header) || header.nlmsg_len < sizeof(header) || header.nlmsg_len > left_) {
    malformed_ = true;
    return false;
  }
  *out = Message{header.nlmsg_type, header.nlmsg_flags, header.nlmsg_seq, at_ + sizeof(header),
                 header.nlmsg_len - sizeof(header)};
  size_t whole = Align(header.nlmsg_len);
  // The last one of a datagram may lack its padding.
  if (whole > left_) whole = left_;
  at_ += whole;
  left_ -= whole;
  return true;
}

NetworkChange ChangesIn(const uint8_t* bytes, size_t size) {
  MessageReader reader(bytes, size);
  Message message;
  NetworkChange changes = 0;
  while (reader.Next(&message)) changes |= ChangeIn(message);
  return reader.malformed() ? kAllChanged : changes;
}

int ErrorOf(const Message& message) {
  int error = 0;
  if (message.type != NLMSG_ERROR && message.type != NLMSG_DONE) return 0;
  return Take(message.body, message.size, &error) && error < 0 ? error : 0;
}

bool ReadLink(const Message& message, LinkEntry* out) {
  ifinfomsg link;
  if (message.type != RTM_NEWLINK || !Take(message.body, message.size, &link)) return false;
  if (link.ifi_family == AF_BRIDGE || link.ifi_index <= 0) return false;
  *out = LinkEntry{};
  out->index = link.ifi_index;
  out->flags = FlagsOf(link.ifi_flags);
  const char* driver = "";
  size_t driver_size = 0;
  ForEachAttribute(message, sizeof(link), [&](const Attribute& attribute) {
    if (attribute.type == IFLA_IFNAME) ReadName(attribute, out);
    if (attribute.type == IFLA_MTU) (void)attribute.As(&out->mtu);
    if (attribute.type == IFLA_ADDRESS) ReadHardware(attribute, out);
    if (attribute.type != IFLA_LINKINFO) return;
    ForEachAttribute(attribute.data, attribute.size, 0, [&](const Attribute& inner) {
      if (inner.type != IFLA_INFO_KIND) return;
      driver = reinterpret_cast<const char*>(inner.data);
      driver_size = strnlen(driver, inner.size);
    });
  });
  out->kind = KindOf(link.ifi_type, driver, driver_size);
  return out->name[0] != '\0';
}

bool ReadAddress(const Message& message, AddressEntry* out) {
  ifaddrmsg header;
  if (message.type != RTM_NEWADDR || !Take(message.body, message.size, &header)) return false;
  if (header.ifa_index == 0 || header.ifa_index > INT32_MAX) return false;
  *out = AddressEntry{};
  out->index = static_cast<int32_t>(header.ifa_index);
  out->prefix_length = header.ifa_prefixlen;
  out->scope = header.ifa_scope >= RT_SCOPE_HOST   ? AddressScope::kHost
               : header.ifa_scope == RT_SCOPE_LINK ? AddressScope::kLink
               : header.ifa_scope == RT_SCOPE_SITE ? AddressScope::kSite
                                                   : AddressScope::kGlobal;
  uint32_t flags = header.ifa_flags;
  FlatAddress own{};
  ForEachAttribute(message, sizeof(header), [&](const Attribute& attribute) {
    // Of a point-to-point interface IFA_ADDRESS is the peer's.
    if (attribute.type == IFA_ADDRESS) out->address = ReadFlat(header.ifa_family, attribute);
    if (attribute.type == IFA_LOCAL) own = ReadFlat(header.ifa_family, attribute);
    if (attribute.type == IFA_BROADCAST) out->broadcast = ReadFlat(header.ifa_family, attribute);
    if (attribute.type == kAttributeAddressFlags) (void)attribute.As(&flags);
  });
  if (own.family != AddressFamily::kNone) out->address = own;
  SetScope(&out->address, out->index);
  out->state = flags & IFA_F_DADFAILED    ? AddressState::kDuplicated
               : flags & IFA_F_TENTATIVE  ? AddressState::kTentative
               : flags & IFA_F_DEPRECATED ? AddressState::kDeprecated
                                          : AddressState::kPreferred;
  return out->address.family != AddressFamily::kNone;
}

void ReadDefaultRoute(const Message& message, std::vector<RouteEntry>* out) {
  rtmsg route;
  if (message.type != RTM_NEWROUTE || !Take(message.body, message.size, &route)) return;
  int family = route.rtm_family;
  if (family != AF_INET && family != AF_INET6) return;
  if (route.rtm_dst_len != 0 || route.rtm_type != RTN_UNICAST || route.rtm_flags & RTM_F_CLONED) {
    return;
  }
  RouteEntry entry{};
  entry.family = family == AF_INET ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
  uint32_t table = route.rtm_table;
  Attribute hops{};
  ForEachAttribute(message, sizeof(route), [&](const Attribute& attribute) {
    ReadHop(family, attribute, &entry);
    if (attribute.type == RTA_PRIORITY) (void)attribute.As(&entry.metric);
    if (attribute.type == RTA_TABLE) (void)attribute.As(&table);
    if (attribute.type == RTA_MULTIPATH) hops = attribute;
  });
  if (table != RT_TABLE_MAIN) return;
  if (hops.size > 0) {
    entry.gateway = FlatAddress{};
    ReadHops(family, hops, entry, out);
  } else {
    AddHop(entry, out);
  }
}

bool ReadAnswer(const Message& message, RouteAnswer* out) {
  rtmsg route;
  if (message.type != RTM_NEWROUTE || !Take(message.body, message.size, &route)) return false;
  *out = RouteAnswer{};
  RouteEntry hop{};
  ForEachAttribute(message, sizeof(route), [&](const Attribute& attribute) {
    ReadHop(route.rtm_family, attribute, &hop);
    if (attribute.type == RTA_PREFSRC) out->source = ReadFlat(route.rtm_family, attribute);
    if (attribute.type != RTA_METRICS) return;
    ForEachAttribute(attribute.data, attribute.size, 0, [&](const Attribute& metric) {
      if (metric.type == RTAX_MTU) (void)metric.As(&out->mtu);
    });
  });
  out->index = hop.index;
  out->gateway = hop.gateway;
  out->local = route.rtm_type == RTN_LOCAL ? 1 : 0;
  SetScope(&out->gateway, out->index);
  SetScope(&out->source, out->index);
  return out->index > 0;
}

}  // namespace hawser::rtnetlink
