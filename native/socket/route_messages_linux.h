// Messages of rtnetlink(7) as records. Pure functions of bytes: nothing here asks the kernel, and
// no length in a message is believed. Not here: requests
// (route_requests_linux.h), sockets (route_socket_linux.cc).
#ifndef HAWSER_SOCKET_ROUTE_MESSAGES_LINUX_H_
#define HAWSER_SOCKET_ROUTE_MESSAGES_LINUX_H_

#include <vector>

#include "socket/networks.h"

namespace hawser::rtnetlink {

// One message without its header (struct nlmsghdr, netlink(7)).
struct Message {
  uint16_t type;
  uint16_t flags;
  uint32_t sequence;
  const uint8_t* body;
  size_t size;
};

// The messages of one datagram in turn.
class MessageReader {
 public:
  MessageReader(const uint8_t* bytes, size_t size) : at_(bytes), left_(size) {}

  // False at the end, and at what is no message.
  bool Next(Message* out);

  // Whether bytes are left that make no message.
  bool malformed() const { return malformed_; }

 private:
  const uint8_t* at_;
  size_t left_;
  bool malformed_ = false;
};

// What a datagram of events says to have changed. All where it cannot be read.
NetworkChange ChangesIn(const uint8_t* bytes, size_t size);

// The errno, negative, of an NLMSG_ERROR or NLMSG_DONE; 0 where it carries none.
int ErrorOf(const Message& message);

// RTM_NEWLINK. False for another message, and for one that cannot be read. Whether a wired
// interface is wireless is not in it.
bool ReadLink(const Message& message, LinkEntry* out);

// RTM_NEWADDR, the same.
bool ReadAddress(const Message& message, AddressEntry* out);

// RTM_NEWROUTE: each next hop of a default route of the main table is added. Others add nothing.
void ReadDefaultRoute(const Message& message, std::vector<RouteEntry>* out);

// RTM_NEWROUTE as the answer to a question. False as above.
bool ReadAnswer(const Message& message, RouteAnswer* out);

}  // namespace hawser::rtnetlink

#endif  // HAWSER_SOCKET_ROUTE_MESSAGES_LINUX_H_
