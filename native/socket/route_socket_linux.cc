#include "socket/route_socket.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <new>

#include "socket/calls.h"
#include "socket/route_messages_linux.h"
#include "socket/route_requests_linux.h"

namespace hawser {

const RouteSocketKind kRouteSocket = {AF_NETLINK, SOCK_RAW, NETLINK_ROUTE};

namespace {

// Numbers of the kernel's ABI that older headers lack (include/uapi/linux/netlink.h).
constexpr int kLevelNetlink = 270;
constexpr int kStrictCheck = 12;
constexpr uint16_t kDumpInterrupted = 0x10;

// Enough for any event; a longer one counts as everything.
constexpr size_t kEventBytes = 8192;
// The kernel fills at most 32 KiB at once, or one message if that is longer (netlink(7)).
constexpr size_t kAnswerBytes = 65536;
// What changes while it is listed is listed again so often; after that its event is awaited.
constexpr int kListAttempts = 8;
constexpr uint32_t kSequence = 1;

constexpr uint32_t Group(int number) { return 1u << (number - 1); }
constexpr int kGroupIpv4Rule = 8;
constexpr int kGroupIpv6Rule = 19;
constexpr int kGroupNextHop = 32;

// Everything that is not the kernel's own word is passed over.
bool IsFromKernel(const SocketAddress& from) {
  sockaddr_nl address;
  if (from.length < sizeof(address)) return false;
  std::memcpy(&address, &from.storage, sizeof(address));
  return address.nl_pid == 0;
}

int SendRequest(int descriptor, const uint8_t* request, size_t size) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  SocketAddress to{};
  std::memcpy(&to.storage, &kernel, sizeof(kernel));
  to.length = sizeof(kernel);
  iovec part{const_cast<uint8_t*>(request), size};
  ssize_t sent = SendDatagram(descriptor, &part, 1, &to);
  return sent < 0 ? static_cast<int>(sent) : 0;
}

enum class Step { kGoOn, kEnd };

// The answers to one request: 0 when they are complete, or -errno.
template <typename Visit>
int ReadAnswers(int descriptor, uint8_t* buffer, Visit visit) {
  for (;;) {
    SocketAddress from{};
    bool truncated = false;
    ssize_t got = ReceiveDatagram(descriptor, buffer, kAnswerBytes, &from, &truncated);
    if (got < 0) return static_cast<int>(got);
    if (truncated) return -EMSGSIZE;
    if (!IsFromKernel(from)) continue;
    rtnetlink::MessageReader reader(buffer, static_cast<size_t>(got));
    rtnetlink::Message message;
    while (reader.Next(&message)) {
      if (message.sequence != kSequence) continue;
      if (message.type == NLMSG_DONE || message.type == NLMSG_ERROR) {
        return rtnetlink::ErrorOf(message);
      }
      if (visit(message) == Step::kEnd) return 0;
    }
    if (reader.malformed()) return -EBADMSG;
  }
}

// A socket for each request: an answer that nobody has waited for cannot come later.
template <typename Visit>
int Ask(const uint8_t* request, size_t size, Visit visit) {
  Descriptor socket(OpenSocket(kRouteSocket.domain, kRouteSocket.type, kRouteSocket.protocol));
  if (!socket.open()) return socket.get();
  std::unique_ptr<uint8_t[]> buffer(new (std::nothrow) uint8_t[kAnswerBytes]);
  if (buffer == nullptr) return -ENOMEM;
  int one = 1;
  // A kernel without it answers with more, which is passed over.
  (void)system_calls.setsockopt(socket.get(), kLevelNetlink, kStrictCheck, &one, sizeof(one));
  int status = SendRequest(socket.get(), request, size);
  return status < 0 ? status : ReadAnswers(socket.get(), buffer.get(), visit);
}

// One list, again where it changed meanwhile.
template <typename Entry, typename Read>
int List(const uint8_t* request, size_t size, std::vector<Entry>* out, Read read) {
  const size_t before = out->size();
  for (int attempt = 1;; attempt++) {
    bool interrupted = false;
    int status = Ask(request, size, [&](const rtnetlink::Message& message) {
      interrupted = interrupted || (message.flags & kDumpInterrupted) != 0;
      read(message);
      return Step::kGoOn;
    });
    if (status < 0 || !interrupted || attempt == kListAttempts) return status;
    out->resize(before);
  }
}

// Drivers give a wireless interface no kind of its own; sysfs does (sysfs-class-net).
bool IsWireless(const char* name) {
  char path[64];
  for (const char* sign : {"phy80211", "wireless"}) {
    (void)std::snprintf(path, sizeof(path), "/sys/class/net/%s/%s", name, sign);
    if (::access(path, F_OK) == 0) return true;
  }
  return false;
}

}  // namespace

int SubscribeToChanges(int descriptor) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = Group(RTNLGRP_LINK) | Group(RTNLGRP_IPV4_IFADDR) | Group(RTNLGRP_IPV4_ROUTE) |
                      Group(kGroupIpv4Rule) | Group(RTNLGRP_IPV6_IFADDR) |
                      Group(RTNLGRP_IPV6_ROUTE) | Group(kGroupIpv6Rule) | Group(kGroupNextHop);
  SocketAddress local{};
  std::memcpy(&local.storage, &address, sizeof(address));
  local.length = sizeof(address);
  return Bind(descriptor, local);
}

NetworkChange ReadChanges(int descriptor, bool* more) {
  uint8_t buffer[kEventBytes];
  NetworkChange changes = 0;
  *more = false;
  for (int count = 0; count < kChangesPerRead; count++) {
    SocketAddress from{};
    bool truncated = false;
    ssize_t got = ReceiveDatagram(descriptor, buffer, sizeof(buffer), &from, &truncated);
    if (got == -EAGAIN || got == -EWOULDBLOCK) return changes;
    if (got < 0) {
      // ENOBUFS: events were lost (netlink(7)). Another error says no more about what was.
      changes |= kAllChanged | kNetworkOverrun;
      if (got != -ENOBUFS) return changes;
      continue;
    }
    if (!IsFromKernel(from)) continue;
    changes |= truncated ? kAllChanged : rtnetlink::ChangesIn(buffer, static_cast<size_t>(got));
  }
  *more = true;
  return changes;
}

int ListLinks(std::vector<LinkEntry>* out) {
  out->clear();
  uint8_t request[rtnetlink::kRequestBytes];
  size_t size = rtnetlink::WriteLinksRequest(kSequence, request);
  return List(request, size, out, [&](const rtnetlink::Message& message) {
    LinkEntry entry;
    if (out->size() == kNetworkEntries || !rtnetlink::ReadLink(message, &entry)) return;
    if (entry.kind == InterfaceKind::kWired && IsWireless(entry.name)) {
      entry.kind = InterfaceKind::kWireless;
    }
    out->push_back(entry);
  });
}

int ListAddresses(std::vector<AddressEntry>* out) {
  out->clear();
  uint8_t request[rtnetlink::kRequestBytes];
  size_t size = rtnetlink::WriteAddressesRequest(kSequence, request);
  return List(request, size, out, [&](const rtnetlink::Message& message) {
    AddressEntry entry;
    if (out->size() == kNetworkEntries || !rtnetlink::ReadAddress(message, &entry)) return;
    out->push_back(entry);
  });
}

int ListDefaultRoutes(std::vector<RouteEntry>* out) {
  out->clear();
  for (AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    uint8_t request[rtnetlink::kRequestBytes];
    size_t size = rtnetlink::WriteRoutesRequest(kSequence, family, request);
    size_t before = out->size();
    int status = List(request, size, out, [&](const rtnetlink::Message& message) {
      size_t first = out->size();
      rtnetlink::ReadDefaultRoute(message, out);
      // A kernel without this family answers for all others.
      if (out->size() > first && (*out)[first].family != family) out->resize(first);
    });
    // The table is made with its first route.
    if (status == -ENOENT) out->resize(before);
    if (status < 0 && status != -ENOENT) return status;
  }
  return 0;
}

int AskRoute(const RouteQuestion& question, RouteAnswer* out) {
  uint8_t request[rtnetlink::kRequestBytes];
  size_t size = rtnetlink::WriteRouteQuestion(kSequence, question, request);
  if (size == 0) return -EINVAL;
  bool answered = false;
  int status = Ask(request, size, [&](const rtnetlink::Message& message) {
    answered = rtnetlink::ReadAnswer(message, out);
    return Step::kEnd;
  });
  if (status < 0) return status;
  return answered ? 0 : -ENETUNREACH;
}

}  // namespace hawser
