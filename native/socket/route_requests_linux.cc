#include "socket/route_requests_linux.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstring>

namespace hawser::rtnetlink {
namespace {

// Numbers of the kernel's ABI that older headers lack (include/uapi/linux/if_link.h).
constexpr uint16_t kAttributeExtendedMask = 29;
constexpr uint32_t kSkipStatistics = 1 << 3;

constexpr size_t Align(size_t size) { return (size + 3) & ~static_cast<size_t>(3); }

class Request {
 public:
  explicit Request(uint8_t* out) : out_(out) { std::memset(out, 0, kRequestBytes); }

  template <typename T>
  void Begin(uint16_t type, uint16_t flags, uint32_t sequence, const T& body) {
    header_.nlmsg_type = type;
    header_.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
    header_.nlmsg_seq = sequence;
    std::memcpy(out_ + sizeof(header_), &body, sizeof(body));
    size_ = Align(sizeof(header_) + sizeof(body));
  }

  void Add(uint16_t type, const void* data, size_t size) {
    rtattr attribute;
    attribute.rta_type = type;
    attribute.rta_len = static_cast<uint16_t>(sizeof(attribute) + size);
    std::memcpy(out_ + size_, &attribute, sizeof(attribute));
    std::memcpy(out_ + size_ + sizeof(attribute), data, size);
    size_ += Align(sizeof(attribute) + size);
  }

  size_t End() {
    header_.nlmsg_len = static_cast<uint32_t>(size_);
    std::memcpy(out_, &header_, sizeof(header_));
    return size_;
  }

 private:
  uint8_t* out_;
  size_t size_ = 0;
  nlmsghdr header_{};
};

uint8_t DomainOfFamily(AddressFamily family) {
  return static_cast<uint8_t>(family == AddressFamily::kIpv4 ? AF_INET : AF_INET6);
}

size_t BytesOfFamily(AddressFamily family) { return family == AddressFamily::kIpv4 ? 4 : 16; }

}  // namespace

size_t WriteLinksRequest(uint32_t sequence, uint8_t* out) {
  Request request(out);
  request.Begin(RTM_GETLINK, NLM_F_DUMP, sequence, ifinfomsg{});
  // The counters are most of an answer, and nobody looks at them.
  request.Add(kAttributeExtendedMask, &kSkipStatistics, sizeof(kSkipStatistics));
  return request.End();
}

size_t WriteAddressesRequest(uint32_t sequence, uint8_t* out) {
  Request request(out);
  request.Begin(RTM_GETADDR, NLM_F_DUMP, sequence, ifaddrmsg{});
  return request.End();
}

size_t WriteRoutesRequest(uint32_t sequence, AddressFamily family, uint8_t* out) {
  Request request(out);
  rtmsg body{};
  body.rtm_family = DomainOfFamily(family);
  // A kernel that checks requests strictly answers with this table only (Linux 4.20).
  body.rtm_table = RT_TABLE_MAIN;
  request.Begin(RTM_GETROUTE, NLM_F_DUMP, sequence, body);
  return request.End();
}

size_t WriteRouteQuestion(uint32_t sequence, const RouteQuestion& question, uint8_t* out) {
  const FlatAddress& to = question.destination;
  if (to.family != AddressFamily::kIpv4 && to.family != AddressFamily::kIpv6) return 0;
  size_t size = BytesOfFamily(to.family);
  bool has_source = question.source.family != AddressFamily::kNone;
  if (has_source && question.source.family != to.family) return 0;
  rtmsg body{};
  body.rtm_family = DomainOfFamily(to.family);
  body.rtm_dst_len = static_cast<uint8_t>(size * 8);
  body.rtm_src_len = has_source ? body.rtm_dst_len : 0;
  Request request(out);
  request.Begin(RTM_GETROUTE, 0, sequence, body);
  request.Add(RTA_DST, to.bytes, size);
  if (has_source) request.Add(RTA_SRC, question.source.bytes, size);
  int32_t index = question.index != 0 ? question.index : static_cast<int32_t>(to.scope);
  if (index != 0) request.Add(RTA_OIF, &index, sizeof(index));
  return request.End();
}

}  // namespace hawser::rtnetlink
