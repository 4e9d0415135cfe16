#include "socket/route_messages_darwin.h"

#include <errno.h>

#include <cstring>

namespace hawser::routing {
namespace {

template <typename T>
T At(const uint8_t* bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes + offset, sizeof(value));
  return value;
}

// One socket address behind a message: its bytes, sa_len and sa_family included.
struct Sockaddr {
  const uint8_t* data = nullptr;
  size_t size = 0;

  uint8_t family() const { return size >= 2 ? data[1] : 0; }
};

// Those that follow a header of `header` bytes. False where one reaches beyond the end.
bool ReadAddresses(const Message& message, size_t header, uint32_t present,
                   Sockaddr (&out)[kAddressKinds]) {
  size_t at = header;
  for (int kind = 0; kind < kAddressKinds; kind++) {
    if (!(present & (1u << kind))) continue;
    if (at >= message.size) return false;
    size_t length = message.bytes[at];
    if (length > message.size - at) return false;
    out[kind] = Sockaddr{message.bytes + at, length};
    // Each takes a multiple of 4 bytes, an empty one as well.
    at += length == 0 ? 4 : (length + 3) & ~static_cast<size_t>(3);
  }
  return true;
}

bool IsLinkLocal(const uint8_t* bytes) { return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80; }

// An IP address. kNone for another family, and where bytes are missing.
FlatAddress ReadFlat(const Sockaddr& from) {
  FlatAddress flat{};
  if (from.family() == kInet && from.size >= 8) {
    flat.family = AddressFamily::kIpv4;
    std::memcpy(flat.bytes, from.data + 4, 4);
  } else if (from.family() == kInet6 && from.size >= 24) {
    flat.family = AddressFamily::kIpv6;
    std::memcpy(flat.bytes, from.data + 8, 16);
    if (IsLinkLocal(flat.bytes)) {
      // The kernel's own form has the interface within the address.
      flat.scope = static_cast<uint32_t>(flat.bytes[2] << 8 | flat.bytes[3]);
      flat.bytes[2] = 0;
      flat.bytes[3] = 0;
    }
  }
  return flat;
}

// Bits of a mask, whose trailing zeros and whose family may be missing.
uint8_t PrefixLength(const Sockaddr& mask, AddressFamily family) {
  size_t first = family == AddressFamily::kIpv4 ? 4 : 8;
  size_t last = first + (family == AddressFamily::kIpv4 ? 4 : 16);
  uint8_t bits = 0;
  for (size_t at = first; at < last && at < mask.size; at++) {
    for (uint8_t byte = mask.data[at]; byte & 0x80; byte = static_cast<uint8_t>(byte << 1)) bits++;
  }
  return bits;
}

AddressScope ScopeOf(const FlatAddress& flat) {
  const uint8_t* bytes = flat.bytes;
  if (flat.family == AddressFamily::kIpv4) {
    if (bytes[0] == 127) return AddressScope::kHost;
    return bytes[0] == 169 && bytes[1] == 254 ? AddressScope::kLink : AddressScope::kGlobal;
  }
  if (IsLinkLocal(bytes)) return AddressScope::kLink;
  if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0xc0) return AddressScope::kSite;
  static const uint8_t kLoopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return std::memcmp(bytes, kLoopback, sizeof(kLoopback)) == 0 ? AddressScope::kHost
                                                               : AddressScope::kGlobal;
}

// ifi_type: IFT_* of <net/if_types.h>.
InterfaceKind KindOf(uint8_t type) {
  switch (type) {
    case 0x18:  // IFT_LOOP
      return InterfaceKind::kLoopback;
    case 0x47:  // IFT_IEEE80211
    case 0xff:  // IFT_CELLULAR
      return InterfaceKind::kWireless;
    case 0xd1:  // IFT_BRIDGE
      return InterfaceKind::kBridge;
    case 0x01:  // IFT_OTHER: utun, ipsec
    case 0x17:  // IFT_PPP
    case 0x37:  // IFT_GIF
    case 0x39:  // IFT_STF
      return InterfaceKind::kTunnel;
    case 0x87:  // IFT_L2VLAN
    case 0x88:  // IFT_IEEE8023ADLAG
    case 0xfe:  // IFT_PKTAP
      return InterfaceKind::kVirtual;
    default:
      return InterfaceKind::kWired;
  }
}

// IFF_* of <net/if.h>.
int32_t FlagsOf(uint32_t flags) {
  return (flags & 0x1 ? kInterfaceUp : 0) | (flags & 0x40 ? kInterfaceRunning : 0) |
         (flags & 0x8 ? kInterfaceLoopback : 0) | (flags & 0x2 ? kInterfaceBroadcast : 0) |
         (flags & 0x8000 ? kInterfaceMulticast : 0) | (flags & 0x10 ? kInterfacePointToPoint : 0);
}

// The name and the hardware address of a struct sockaddr_dl.
bool ReadLinkAddress(const Sockaddr& from, LinkEntry* out) {
  if (from.family() != kLink || from.size < layout::kLinkData) return false;
  size_t name = from.data[layout::kLinkNameLength];
  size_t hardware = from.data[layout::kLinkAddressLength];
  if (name == 0 || name >= kInterfaceNameBytes || layout::kLinkData + name > from.size) {
    return false;
  }
  std::memcpy(out->name, from.data + layout::kLinkData, name);
  bool fits = hardware == 6 || hardware == 8 || hardware == kHardwareAddressBytes;
  if (fits && layout::kLinkData + name + hardware <= from.size) {
    out->hardware_length = static_cast<uint8_t>(hardware);
    std::memcpy(out->hardware, from.data + layout::kLinkData + name, hardware);
  }
  return true;
}

NetworkChange ChangeIn(const Message& message) {
  switch (message.type) {
    case kLinkInfo:
    case kLinkInfo2:
      return kLinksChanged;
    case kAddressAdded:
    case kAddressDeleted:
      return kAddressesChanged;
    case kRouteAdded:
    case kRouteDeleted:
    case kRouteChanged:
    case kRouteRedirected: {
      if (message.size < layout::kRouteBytes) return kAllChanged;
      // Neighbours, and copies for single destinations, come and go with traffic.
      auto flags = At<uint32_t>(message.bytes, layout::kRouteFlags);
      return flags & (kFlagLinkLayer | kFlagCloned) ? 0 : kRoutesChanged;
    }
    default:
      // Answers to others, misses, group memberships.
      return 0;
  }
}

size_t WriteAddress(const FlatAddress& address, uint8_t* out) {
  if (address.family == AddressFamily::kIpv4) {
    out[0] = 16;
    out[1] = kInet;
    std::memcpy(out + 4, address.bytes, 4);
    return 16;
  }
  out[0] = 28;
  out[1] = kInet6;
  std::memcpy(out + 8, address.bytes, 16);
  if (IsLinkLocal(address.bytes)) {
    out[10] = static_cast<uint8_t>(address.scope >> 8);
    out[11] = static_cast<uint8_t>(address.scope);
  }
  return 28;
}

}  // namespace

bool MessageReader::Next(Message* out) {
  if (left_ == 0) return false;
  size_t length = left_ >= layout::kLeastMessageBytes ? At<uint16_t>(at_, 0) : 0;
  if (length < layout::kLeastMessageBytes || length > left_) {
    malformed_ = true;
    return false;
  }
  *out = Message{at_[layout::kType], at_, length};
  at_ += length;
  left_ -= length;
  return true;
}

NetworkChange ChangesIn(const uint8_t* bytes, size_t size) {
  MessageReader reader(bytes, size);
  Message message;
  NetworkChange changes = 0;
  while (reader.Next(&message)) changes |= ChangeIn(message);
  return reader.malformed() ? kAllChanged : changes;
}

bool ReadLink(const Message& message, LinkEntry* out) {
  if (message.type != kLinkInfo2 || message.size < layout::kLinkBytes) return false;
  Sockaddr addresses[kAddressKinds];
  auto present = At<uint32_t>(message.bytes, layout::kLinkAddresses);
  if (!ReadAddresses(message, layout::kLinkBytes, present, addresses)) return false;
  *out = LinkEntry{};
  out->index = At<uint16_t>(message.bytes, layout::kLinkIndex);
  out->flags = FlagsOf(At<uint32_t>(message.bytes, layout::kLinkFlags));
  out->kind = KindOf(message.bytes[layout::kLinkKind]);
  auto mtu = At<uint32_t>(message.bytes, layout::kLinkMtu);
  out->mtu = mtu > INT32_MAX ? INT32_MAX : static_cast<int32_t>(mtu);
  return out->index > 0 && ReadLinkAddress(addresses[kInterface], out);
}

bool ReadAddress(const Message& message, AddressEntry* out) {
  if (message.type != kAddressAdded || message.size < layout::kAddressBytes) return false;
  Sockaddr addresses[kAddressKinds];
  auto present = At<uint32_t>(message.bytes, layout::kAddressAddresses);
  if (!ReadAddresses(message, layout::kAddressBytes, present, addresses)) return false;
  *out = AddressEntry{};
  out->index = At<uint16_t>(message.bytes, layout::kAddressIndex);
  out->address = ReadFlat(addresses[kInterfaceAddress]);
  if (out->index == 0 || out->address.family == AddressFamily::kNone) return false;
  out->prefix_length = PrefixLength(addresses[kNetmask], out->address.family);
  out->scope = ScopeOf(out->address);
  if (out->address.family == AddressFamily::kIpv4) {
    FlatAddress broadcast = ReadFlat(addresses[kBroadcast]);
    // An interface without one has its own address, or its peer's, in that place.
    bool is_own = std::memcmp(broadcast.bytes, out->address.bytes, sizeof(broadcast.bytes)) == 0;
    if (!is_own && out->prefix_length < 31) out->broadcast = broadcast;
  }
  return true;
}

void ReadDefaultRoute(const Message& message, std::vector<RouteEntry>* out) {
  if (message.type != kRouteGet || message.size < layout::kRouteBytes) return;
  auto flags = At<uint32_t>(message.bytes, layout::kRouteFlags);
  if (!(flags & kFlagUp) || flags & (kFlagScoped | kFlagReject | kFlagBlackhole)) return;
  Sockaddr addresses[kAddressKinds];
  auto present = At<uint32_t>(message.bytes, layout::kRouteAddresses);
  if (!ReadAddresses(message, layout::kRouteBytes, present, addresses)) return;
  FlatAddress destination = ReadFlat(addresses[kDestination]);
  if (destination.family == AddressFamily::kNone || out->size() == kNetworkEntries) return;
  static const uint8_t kAny[16] = {};
  // A host's route has no mask.
  bool is_default = std::memcmp(destination.bytes, kAny, sizeof(kAny)) == 0 &&
                    (present & (1u << kNetmask)) != 0 &&
                    PrefixLength(addresses[kNetmask], destination.family) == 0;
  RouteEntry entry{};
  entry.index = At<uint16_t>(message.bytes, layout::kRouteIndex);
  if (!is_default || entry.index == 0) return;
  entry.family = destination.family;
  if (flags & kFlagGateway) entry.gateway = ReadFlat(addresses[kGateway]);
  out->push_back(entry);
}

int ReadAnswer(const Message& message, int32_t process, int32_t sequence, RouteAnswer* out) {
  if (message.type != kRouteGet || message.size < layout::kRouteBytes) return -EAGAIN;
  if (At<int32_t>(message.bytes, layout::kRouteProcess) != process ||
      At<int32_t>(message.bytes, layout::kRouteSequence) != sequence) {
    return -EAGAIN;
  }
  auto error = At<int32_t>(message.bytes, layout::kRouteError);
  if (error > 0) return -error;
  auto flags = At<uint32_t>(message.bytes, layout::kRouteFlags);
  if (flags & (kFlagReject | kFlagBlackhole)) return -EHOSTUNREACH;
  Sockaddr addresses[kAddressKinds];
  auto present = At<uint32_t>(message.bytes, layout::kRouteAddresses);
  if (!ReadAddresses(message, layout::kRouteBytes, present, addresses)) return -EBADMSG;
  *out = RouteAnswer{};
  const Sockaddr& link = addresses[kInterface];
  out->index = link.family() == kLink && link.size >= 4
                   ? At<uint16_t>(link.data, 2)
                   : At<uint16_t>(message.bytes, layout::kRouteIndex);
  if (out->index == 0) return -ENETUNREACH;
  out->source = ReadFlat(addresses[kInterfaceAddress]);
  if (flags & kFlagGateway) out->gateway = ReadFlat(addresses[kGateway]);
  auto mtu = At<uint32_t>(message.bytes, layout::kRouteMtu);
  out->mtu = mtu > INT32_MAX ? 0 : static_cast<int32_t>(mtu);
  out->local = flags & kFlagLocal ? 1 : 0;
  return 0;
}

size_t WriteRouteQuestion(int32_t process, int32_t sequence, const RouteQuestion& question,
                          uint8_t* out) {
  AddressFamily family = question.destination.family;
  if (family != AddressFamily::kIpv4 && family != AddressFamily::kIpv6) return 0;
  std::memset(out, 0, kRequestBytes);
  uint32_t flags = kFlagUp;
  uint32_t index =
      question.index != 0 ? static_cast<uint32_t>(question.index) : question.destination.scope;
  if (index > UINT16_MAX) return 0;
  if (index != 0) flags |= kFlagScoped;
  // An empty sockaddr_dl asks for the interface to be named, and for the source with it.
  uint32_t present = 1u << kDestination | 1u << kInterface;
  size_t size = layout::kRouteBytes;
  size += WriteAddress(question.destination, out + size);
  constexpr size_t kEmptyLinkBytes = 20;
  out[size] = kEmptyLinkBytes;
  out[size + 1] = kLink;
  size += kEmptyLinkBytes;
  auto length = static_cast<uint16_t>(size);
  auto short_index = static_cast<uint16_t>(index);
  std::memcpy(out, &length, sizeof(length));
  out[2] = kVersion;
  out[layout::kType] = kRouteGet;
  std::memcpy(out + layout::kRouteIndex, &short_index, sizeof(short_index));
  std::memcpy(out + layout::kRouteFlags, &flags, sizeof(flags));
  std::memcpy(out + layout::kRouteAddresses, &present, sizeof(present));
  std::memcpy(out + layout::kRouteProcess, &process, sizeof(process));
  std::memcpy(out + layout::kRouteSequence, &sequence, sizeof(sequence));
  return size;
}

}  // namespace hawser::routing
