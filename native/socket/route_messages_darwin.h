// Messages of the routing socket, route(4), and of sysctl(3)'s lists of the same form, as records.
// Pure functions of bytes: nothing here asks the kernel, and no length in a message is believed.
// The layouts are written down here, so that this is tested on any system;
// route_socket_darwin.cc compares them with the system's headers. Not here: sockets, and what is
// in no message (whether a wired interface is wireless, the state of an address).
#ifndef HAWSER_SOCKET_ROUTE_MESSAGES_DARWIN_H_
#define HAWSER_SOCKET_ROUTE_MESSAGES_DARWIN_H_

#include <vector>

#include "socket/networks.h"

namespace hawser::routing {

// The layout and the numbers of <net/route.h>, <net/if.h>, <net/if_dl.h> and <net/if_types.h>.
namespace layout {
// Of every message: its length, 16 bits, and its type.
inline constexpr size_t kType = 3;
inline constexpr size_t kLeastMessageBytes = 4;

// struct if_msghdr2, and if_msghdr as far as this goes.
inline constexpr size_t kLinkAddresses = 4;
inline constexpr size_t kLinkFlags = 8;
inline constexpr size_t kLinkIndex = 12;
inline constexpr size_t kLinkKind = 32;
inline constexpr size_t kLinkMtu = 40;
inline constexpr size_t kLinkBytes = 160;

// struct ifa_msghdr.
inline constexpr size_t kAddressAddresses = 4;
inline constexpr size_t kAddressIndex = 12;
inline constexpr size_t kAddressBytes = 20;

// struct rt_msghdr.
inline constexpr size_t kRouteIndex = 4;
inline constexpr size_t kRouteFlags = 8;
inline constexpr size_t kRouteAddresses = 12;
inline constexpr size_t kRouteProcess = 16;
inline constexpr size_t kRouteSequence = 20;
inline constexpr size_t kRouteError = 24;
inline constexpr size_t kRouteMtu = 40;
inline constexpr size_t kRouteBytes = 92;

// struct sockaddr_dl before its data.
inline constexpr size_t kLinkNameLength = 5;
inline constexpr size_t kLinkAddressLength = 6;
inline constexpr size_t kLinkData = 8;
}  // namespace layout

// RTM_*
inline constexpr uint8_t kVersion = 5;
inline constexpr uint8_t kRouteAdded = 1;
inline constexpr uint8_t kRouteDeleted = 2;
inline constexpr uint8_t kRouteChanged = 3;
inline constexpr uint8_t kRouteGet = 4;
inline constexpr uint8_t kRouteRedirected = 6;
inline constexpr uint8_t kAddressAdded = 12;
inline constexpr uint8_t kAddressDeleted = 13;
inline constexpr uint8_t kLinkInfo = 14;
inline constexpr uint8_t kLinkInfo2 = 18;

// RTA_*: which addresses follow a message, in this order.
inline constexpr int kDestination = 0;
inline constexpr int kGateway = 1;
inline constexpr int kNetmask = 2;
inline constexpr int kInterface = 4;
inline constexpr int kInterfaceAddress = 5;
inline constexpr int kBroadcast = 7;
inline constexpr int kAddressKinds = 8;

// RTF_*
inline constexpr uint32_t kFlagUp = 0x1;
inline constexpr uint32_t kFlagGateway = 0x2;
inline constexpr uint32_t kFlagReject = 0x8;
inline constexpr uint32_t kFlagBlackhole = 0x1000;
inline constexpr uint32_t kFlagLinkLayer = 0x400;
inline constexpr uint32_t kFlagCloned = 0x20000;
inline constexpr uint32_t kFlagLocal = 0x200000;
inline constexpr uint32_t kFlagScoped = 0x1000000;

// AF_*
inline constexpr uint8_t kInet = 2;
inline constexpr uint8_t kLink = 18;
inline constexpr uint8_t kInet6 = 30;

struct Message {
  uint8_t type;
  const uint8_t* bytes;  // the header included
  size_t size;
};

// The messages of a buffer in turn.
class MessageReader {
 public:
  MessageReader(const uint8_t* bytes, size_t size) : at_(bytes), left_(size) {}

  // False at the end, and at what is no message.
  bool Next(Message* out);
  bool malformed() const { return malformed_; }

 private:
  const uint8_t* at_;
  size_t left_;
  bool malformed_ = false;
};

// What events say to have changed. All where they cannot be read.
NetworkChange ChangesIn(const uint8_t* bytes, size_t size);

// RTM_IFINFO2. False for another message, and for one that cannot be read.
bool ReadLink(const Message& message, LinkEntry* out);

// RTM_NEWADDR, the same. The state is not in it.
bool ReadAddress(const Message& message, AddressEntry* out);

// RTM_GET of sysctl's list of routes: a default route is added, except one that only sockets bound
// to its interface use (RTF_IFSCOPE).
void ReadDefaultRoute(const Message& message, std::vector<RouteEntry>* out);

// RTM_GET as the answer to one question. 0, or -errno; -EAGAIN for a message that is none.
int ReadAnswer(const Message& message, int32_t process, int32_t sequence, RouteAnswer* out);

// Room for a question.
inline constexpr size_t kRequestBytes = 256;

// A whole RTM_GET message: its size, or 0 where the destination is no IP address. A source cannot
// be asked about here; whoever asks looks at it apart.
size_t WriteRouteQuestion(int32_t process, int32_t sequence, const RouteQuestion& question,
                          uint8_t* out);

}  // namespace hawser::routing

#endif  // HAWSER_SOCKET_ROUTE_MESSAGES_DARWIN_H_
