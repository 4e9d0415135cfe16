// Requests of rtnetlink(7) as bytes. Pure. Not here: what is answered (route_messages_linux.h).
#ifndef HAWSER_SOCKET_ROUTE_REQUESTS_LINUX_H_
#define HAWSER_SOCKET_ROUTE_REQUESTS_LINUX_H_

#include "socket/networks.h"

namespace hawser::rtnetlink {

// Room for any request below.
inline constexpr size_t kRequestBytes = 128;

// Each writes a whole message and answers its size.
size_t WriteLinksRequest(uint32_t sequence, uint8_t* out);
size_t WriteAddressesRequest(uint32_t sequence, uint8_t* out);
size_t WriteRoutesRequest(uint32_t sequence, AddressFamily family, uint8_t* out);
// 0 where the destination is no IP address, or the source is of another family.
size_t WriteRouteQuestion(uint32_t sequence, const RouteQuestion& question, uint8_t* out);

}  // namespace hawser::rtnetlink

#endif  // HAWSER_SOCKET_ROUTE_REQUESTS_LINUX_H_
