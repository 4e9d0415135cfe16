#include "socket/route_socket.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_dl.h>
#include <net/route.h>
#include <sys/sockio.h>
#include <sys/sysctl.h>

#include <atomic>
#include <cstddef>
#include <cstring>

#include "socket/calls.h"
#include "socket/route_messages_darwin.h"

namespace hawser {

const RouteSocketKind kRouteSocket = {PF_ROUTE, SOCK_RAW, 0};

// The layouts of route_messages_darwin.h are those of this system.
namespace layout = routing::layout;
static_assert(offsetof(if_msghdr2, ifm_type) == layout::kType);
static_assert(offsetof(if_msghdr2, ifm_addrs) == layout::kLinkAddresses);
static_assert(offsetof(if_msghdr2, ifm_flags) == layout::kLinkFlags);
static_assert(offsetof(if_msghdr2, ifm_index) == layout::kLinkIndex);
static_assert(offsetof(if_msghdr2, ifm_data) + offsetof(if_data64, ifi_type) == layout::kLinkKind);
static_assert(offsetof(if_msghdr2, ifm_data) + offsetof(if_data64, ifi_mtu) == layout::kLinkMtu);
static_assert(sizeof(if_msghdr2) == layout::kLinkBytes);
static_assert(offsetof(ifa_msghdr, ifam_addrs) == layout::kAddressAddresses);
static_assert(offsetof(ifa_msghdr, ifam_index) == layout::kAddressIndex);
static_assert(sizeof(ifa_msghdr) == layout::kAddressBytes);
static_assert(offsetof(rt_msghdr, rtm_index) == layout::kRouteIndex);
static_assert(offsetof(rt_msghdr, rtm_flags) == layout::kRouteFlags);
static_assert(offsetof(rt_msghdr, rtm_addrs) == layout::kRouteAddresses);
static_assert(offsetof(rt_msghdr, rtm_pid) == layout::kRouteProcess);
static_assert(offsetof(rt_msghdr, rtm_seq) == layout::kRouteSequence);
static_assert(offsetof(rt_msghdr, rtm_errno) == layout::kRouteError);
static_assert(offsetof(rt_msghdr, rtm_rmx) + offsetof(rt_metrics, rmx_mtu) == layout::kRouteMtu);
static_assert(sizeof(rt_msghdr) == layout::kRouteBytes);
static_assert(offsetof(sockaddr_dl, sdl_nlen) == layout::kLinkNameLength);
static_assert(offsetof(sockaddr_dl, sdl_alen) == layout::kLinkAddressLength);
static_assert(offsetof(sockaddr_dl, sdl_data) == layout::kLinkData);
static_assert(RTM_VERSION == routing::kVersion && RTM_GET == routing::kRouteGet);
static_assert(RTM_ADD == routing::kRouteAdded && RTM_DELETE == routing::kRouteDeleted);
static_assert(RTM_CHANGE == routing::kRouteChanged && RTM_REDIRECT == routing::kRouteRedirected);
static_assert(RTM_NEWADDR == routing::kAddressAdded && RTM_DELADDR == routing::kAddressDeleted);
static_assert(RTM_IFINFO == routing::kLinkInfo && RTM_IFINFO2 == routing::kLinkInfo2);
static_assert(RTA_DST == 1 << routing::kDestination && RTA_GATEWAY == 1 << routing::kGateway);
static_assert(RTA_NETMASK == 1 << routing::kNetmask && RTA_IFP == 1 << routing::kInterface);
static_assert(RTA_IFA == 1 << routing::kInterfaceAddress && RTA_BRD == 1 << routing::kBroadcast);
static_assert(RTF_UP == routing::kFlagUp && RTF_GATEWAY == routing::kFlagGateway);
static_assert(RTF_REJECT == routing::kFlagReject && RTF_BLACKHOLE == routing::kFlagBlackhole);
static_assert(RTF_LLINFO == routing::kFlagLinkLayer && RTF_WASCLONED == routing::kFlagCloned);
static_assert(RTF_LOCAL == routing::kFlagLocal && RTF_IFSCOPE == routing::kFlagScoped);
static_assert(AF_INET == routing::kInet && AF_INET6 == routing::kInet6 &&
              AF_LINK == routing::kLink);
static_assert(IFF_UP == 0x1 && IFF_RUNNING == 0x40 && IFF_LOOPBACK == 0x8 && IFF_BROADCAST == 0x2);
static_assert(IFF_MULTICAST == 0x8000 && IFF_POINTOPOINT == 0x10);
static_assert(IF_NAMESIZE == kInterfaceNameBytes);

namespace {

// Enough for any event; a longer one is cut and counts as everything.
constexpr size_t kEventBytes = 4096;
// Answers of others that may stand before our own.
constexpr int kAnswersRead = 1024;
// Answers go to every routing socket of the host, those of other threads of this process included.
std::atomic<int32_t> next_sequence{1};
// A list that grew between asking for its size and reading it is asked for again.
constexpr int kListAttempts = 8;
constexpr size_t kListSlackBytes = 4096;

// A list of sysctl(3) under net.route.
int ReadList(int family, int what, std::vector<uint8_t>* out) {
  int name[] = {CTL_NET, PF_ROUTE, 0, family, what, 0};
  for (int attempt = 0; attempt < kListAttempts; attempt++) {
    size_t size = 0;
    if (::sysctl(name, 6, nullptr, &size, nullptr, 0) < 0) return -errno;
    out->resize(size + kListSlackBytes);
    size = out->size();
    if (::sysctl(name, 6, out->data(), &size, nullptr, 0) == 0) {
      out->resize(size);
      return 0;
    }
    if (errno != ENOMEM) return -errno;
  }
  return -ENOMEM;
}

template <typename Visit>
int ForEachMessage(int family, int what, Visit visit) {
  std::vector<uint8_t> list;
  int status = ReadList(family, what, &list);
  if (status < 0) return status;
  routing::MessageReader reader(list.data(), list.size());
  routing::Message message;
  while (reader.Next(&message)) visit(message);
  return 0;
}

// By number, since these headers are not on every machine that builds for macOS.
// <net/if_media.h>: IFM_NMASK, IFM_IEEE80211, IFM_AVALID, IFM_ACTIVE.
constexpr int kMediaTypeMask = 0xe0;
constexpr int kMediaRadio = 0x80;
constexpr int kMediaStatusKnown = 1;
constexpr int kMediaActive = 2;
// <netinet6/in6_var.h>: struct in6_ifreq as far as it is used, SIOCGIFAFLAG_IN6 and IN6_IFF_*.
struct AddressFlagsRequest {
  char name[IF_NAMESIZE];
  union {
    sockaddr_in6 address;
    int flags;
    uint8_t room[272];
  } value;
};
constexpr unsigned long kAddressFlagsRequest = _IOWR('i', 73, AddressFlagsRequest);
static_assert(kAddressFlagsRequest == 0xc1206949);
constexpr int kTentative = 0x02;
constexpr int kDuplicated = 0x04;
constexpr int kDeprecated = 0x10;

// What only the driver knows: whether it is a radio, and whether the link is there (IFF_RUNNING
// says no more here than that the driver has its resources).
void AskMedia(int descriptor, LinkEntry* link) {
  ifmediareq request{};
  std::memcpy(request.ifm_name, link->name, sizeof(link->name));
  if (system_calls.ioctl(descriptor, SIOCGIFMEDIA, reinterpret_cast<int*>(&request)) < 0) return;
  if (link->kind == InterfaceKind::kWired &&
      (request.ifm_current & kMediaTypeMask) == kMediaRadio) {
    link->kind = InterfaceKind::kWireless;
  }
  if ((request.ifm_status & kMediaStatusKnown) && !(request.ifm_status & kMediaActive)) {
    link->flags &= ~kInterfaceRunning;
  }
}

// The names of fake Ethernets, of taps and of virtual machines' links say what their type does not.
void LookAtName(LinkEntry* link) {
  if (link->kind != InterfaceKind::kWired) return;
  for (const char* prefix : {"feth", "tap", "vmenet"}) {
    if (std::strncmp(link->name, prefix, std::strlen(prefix)) == 0) {
      link->kind = InterfaceKind::kVirtual;
    }
  }
}

AddressState StateOf(int descriptor, const char* name, const FlatAddress& address) {
  AddressFlagsRequest request{};
  std::strncpy(request.name, name, sizeof(request.name) - 1);
  sockaddr_in6& own = request.value.address;
  own.sin6_family = AF_INET6;
  own.sin6_len = sizeof(own);
  std::memcpy(&own.sin6_addr, address.bytes, 16);
  own.sin6_scope_id = address.scope;
  auto* argument = reinterpret_cast<int*>(&request);
  if (system_calls.ioctl(descriptor, kAddressFlagsRequest, argument) < 0) {
    return AddressState::kPreferred;
  }
  int flags = request.value.flags;
  return flags & kDuplicated   ? AddressState::kDuplicated
         : flags & kTentative  ? AddressState::kTentative
         : flags & kDeprecated ? AddressState::kDeprecated
                               : AddressState::kPreferred;
}

int ListRoutesOf(int family, std::vector<RouteEntry>* out) {
  return ForEachMessage(family, NET_RT_DUMP, [&](const routing::Message& message) {
    routing::ReadDefaultRoute(message, out);
  });
}

}  // namespace

// The socket hears of everything from the start.
int SubscribeToChanges(int) { return 0; }

NetworkChange ReadChanges(int descriptor, bool* more) {
  uint8_t buffer[kEventBytes];
  NetworkChange changes = 0;
  *more = false;
  for (int count = 0; count < kChangesPerRead; count++) {
    ssize_t got = Receive(descriptor, buffer, sizeof(buffer));
    if (got == -EAGAIN || got == -EWOULDBLOCK) return changes;
    if (got <= 0) {
      changes |= kAllChanged | kNetworkOverrun;
      if (got != -ENOBUFS) return changes;
      continue;
    }
    changes |= routing::ChangesIn(buffer, static_cast<size_t>(got));
  }
  *more = true;
  return changes;
}

int ListLinks(std::vector<LinkEntry>* out) {
  out->clear();
  // Any socket answers the ioctl.
  Descriptor socket(OpenSocket(AF_INET, SOCK_DGRAM, 0));
  if (!socket.open()) return socket.get();
  return ForEachMessage(0, NET_RT_IFLIST2, [&](const routing::Message& message) {
    LinkEntry entry;
    if (out->size() == kNetworkEntries || !routing::ReadLink(message, &entry)) return;
    AskMedia(socket.get(), &entry);
    LookAtName(&entry);
    out->push_back(entry);
  });
}

int ListAddresses(std::vector<AddressEntry>* out) {
  out->clear();
  Descriptor socket(OpenSocket(AF_INET6, SOCK_DGRAM, 0));
  return ForEachMessage(0, NET_RT_IFLIST2, [&](const routing::Message& message) {
    AddressEntry entry;
    if (out->size() == kNetworkEntries || !routing::ReadAddress(message, &entry)) return;
    char name[IF_NAMESIZE];
    if (entry.address.family == AddressFamily::kIpv6 && socket.open() &&
        InterfaceName(entry.index, name) == 0) {
      entry.state = StateOf(socket.get(), name, entry.address);
    }
    out->push_back(entry);
  });
}

int ListDefaultRoutes(std::vector<RouteEntry>* out) {
  out->clear();
  int status = ListRoutesOf(AF_INET, out);
  return status < 0 ? status : ListRoutesOf(AF_INET6, out);
}

int AskRoute(const RouteQuestion& question, RouteAnswer* out) {
  uint8_t buffer[kEventBytes];
  const auto process = static_cast<int32_t>(::getpid());
  const int32_t sequence = next_sequence.fetch_add(1, std::memory_order_relaxed);
  size_t size = routing::WriteRouteQuestion(process, sequence, question, buffer);
  if (size == 0) return -EINVAL;
  Descriptor socket(OpenSocket(kRouteSocket.domain, kRouteSocket.type, kRouteSocket.protocol));
  if (!socket.open()) return socket.get();
  iovec part{buffer, size};
  ssize_t sent = SendGather(socket.get(), &part, 1);
  // ESRCH: there is no route (route(4)).
  if (sent < 0) return sent == -ESRCH ? -ENETUNREACH : static_cast<int>(sent);
  for (int count = 0; count < kAnswersRead; count++) {
    ssize_t got = Receive(socket.get(), buffer, sizeof(buffer));
    if (got <= 0) return got == 0 ? -ENETUNREACH : static_cast<int>(got);
    routing::MessageReader reader(buffer, static_cast<size_t>(got));
    routing::Message message;
    if (!reader.Next(&message)) continue;
    int status = routing::ReadAnswer(message, process, sequence, out);
    if (status != -EAGAIN) return status;
  }
  return -ENETUNREACH;
}

}  // namespace hawser
