#include "socket/datagram_batch.h"

#include <errno.h>

#include <cstring>

namespace hawser {
namespace {

using platform::MultiMessage;

template <typename Value>
bool ReadValue(const uint8_t* data, size_t length, Value* out) {
  if (length < sizeof(*out)) return false;
  std::memcpy(out, data, sizeof(*out));
  return true;
}

// A traffic class is one byte in IPv4's message and an int in IPv6's.
int32_t ReadByteOrInt(const uint8_t* data, size_t length) {
  int value = 0;
  if (ReadValue(data, length, &value)) return value & 0xff;
  return length >= 1 ? data[0] : -1;
}

void ReadIpv4(int type, const uint8_t* data, size_t length, DatagramDetails* out) {
  in_pktinfo info;
  if (type == platform::kPacketInfo4Message && ReadValue(data, length, &info)) {
    out->local = {};
    out->local.family = AddressFamily::kIpv4;
    std::memcpy(out->local.bytes, &info.ipi_addr, 4);
    out->interface_index = static_cast<int32_t>(info.ipi_ifindex);
  } else if (type == platform::kTrafficClass4Message) {
    out->traffic_class = ReadByteOrInt(data, length);
  } else if (type == platform::kHopLimit4Message) {
    out->hop_limit = ReadByteOrInt(data, length);
  }
}

void ReadIpv6(int type, const uint8_t* data, size_t length, DatagramDetails* out) {
  platform::PacketInfo6 info;
  if (type == platform::kPacketInfo6Message && ReadValue(data, length, &info)) {
    SocketAddress address;
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_addr = info.address;
    bool is_link_local =
        info.address.s6_addr[0] == 0xfe && (info.address.s6_addr[1] & 0xc0) == 0x80;
    if (is_link_local) in.sin6_scope_id = info.interface_index;
    std::memset(&address.storage, 0, sizeof(address.storage));
    std::memcpy(&address.storage, &in, sizeof(in));
    address.length = sizeof(in);
    out->local = ToFlatAddress(address);
    out->interface_index = static_cast<int32_t>(info.interface_index);
  } else if (type == platform::kTrafficClass6Message) {
    out->traffic_class = ReadByteOrInt(data, length);
  } else if (type == platform::kHopLimit6Message) {
    out->hop_limit = ReadByteOrInt(data, length);
  }
}

void ReadSocketLevel(int type, const uint8_t* data, size_t length, DatagramDetails* out) {
  if (type == platform::kDropsMessage) {
    out->has_drops = ReadValue(data, length, &out->drops);
  } else {
    (void)platform::ReadTimeMessage(type, data, length, &out->time_ns);
  }
}

// What the systems without recvmmsg(2) and sendmmsg(2) do instead, with the same contract.
int ReceiveOneByOne(int descriptor, MultiMessage* messages, int count, int* error) {
  for (int i = 0; i < count; i++) {
    ssize_t got;
    do {
      got = system_calls.recvmsg(descriptor, &messages[i].msg_hdr, platform::kReceiveDatagramFlags);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && i == 0) return -1;
    if (got < 0) {
      if (errno != EAGAIN && errno != EWOULDBLOCK) *error = -errno;
      return i;
    }
    messages[i].msg_len = static_cast<unsigned int>(got);
  }
  return count;
}

int SendOneByOne(int descriptor, MultiMessage* messages, int count) {
  for (int i = 0; i < count; i++) {
    ssize_t sent = system_calls.sendmsg(descriptor, &messages[i].msg_hdr, platform::kSendFlags);
    if (sent < 0) return i > 0 ? i : -1;
    messages[i].msg_len = static_cast<unsigned int>(sent);
  }
  return count;
}

}  // namespace

DatagramDetails ReadDetails(const msghdr& message) {
  DatagramDetails details;
  ForEachControlMessage(message, [&](int level, int type, const uint8_t* data, size_t length) {
    if (level == IPPROTO_IP) {
      ReadIpv4(type, data, length, &details);
    } else if (level == IPPROTO_IPV6) {
      ReadIpv6(type, data, length, &details);
    } else if (level == SOL_SOCKET) {
      ReadSocketLevel(type, data, length, &details);
    } else if (level == IPPROTO_UDP && type == platform::kCoalescedMessage) {
      int stride = 0;
      if (ReadValue(data, length, &stride) && stride > 0) details.stride = stride;
    }
  });
  return details;
}

// ---- receiving

void ReceiveBatch::Place(int index, iovec first, iovec second) {
  parts_[index][0] = first;
  parts_[index][1] = second;
}

int ReceiveBatch::Receive(int descriptor, int count) {
  for (int i = 0; i < count; i++) {
    msghdr& header = messages_[i].msg_hdr;
    header.msg_name = &peers_[i].storage;
    header.msg_namelen = sizeof(peers_[i].storage);
    header.msg_iov = parts_[i];
    header.msg_iovlen = parts_[i][1].iov_len > 0 ? 2 : 1;
    header.msg_control = control_[i];
    header.msg_controllen = platform::kDatagramControlBytes;
    header.msg_flags = 0;
  }
  error_ = 0;
  int got;
  do {
    got = system_calls.recvmmsg == nullptr
              ? ReceiveOneByOne(descriptor, messages_, count, &error_)
              : system_calls.recvmmsg(descriptor, messages_, static_cast<unsigned int>(count),
                                      platform::kReceiveDatagramFlags);
  } while (got < 0 && errno == EINTR);
  if (got >= 0) return got;
  return errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

const SocketAddress& ReceiveBatch::peer(int index) {
  SocketAddress& peer = peers_[index];
  peer.length = messages_[index].msg_hdr.msg_namelen;
  if (peer.length == 0) peer.storage.ss_family = AF_UNSPEC;
  return peer;
}

void ReceiveBatch::CloseDescriptors(int index) {
  ForEachControlMessage(
      messages_[index].msg_hdr, [](int level, int type, const uint8_t* data, size_t length) {
        if (level != SOL_SOCKET || type != SCM_RIGHTS) return;
        int passed;
        for (; length >= sizeof(passed); data += sizeof(passed), length -= sizeof(passed)) {
          std::memcpy(&passed, data, sizeof(passed));
          (void)system_calls.close(passed);
        }
      });
}

// ---- sending

int SendBatch::Add(const uint8_t* bytes, size_t size, const DatagramRoute& route, int domain) {
  int index = count_;
  msghdr& header = messages_[index].msg_hdr;
  header = {};
  if (route.to != nullptr) {
    int status = ToSocketAddress(*route.to, domain, &peers_[index]);
    if (status < 0) return status;
    header.msg_name = &peers_[index].storage;
    header.msg_namelen = peers_[index].length;
  }
  parts_[index] = {const_cast<uint8_t*>(bytes), size};
  header.msg_iov = &parts_[index];
  header.msg_iovlen = 1;
  int status = Describe(index, route);
  if (status < 0) return status;
  count_++;
  return 0;
}

// The control messages. An IPv4 destination is spoken of in IPv4's terms on an IPv6 socket too.
int SendBatch::Describe(int index, const DatagramRoute& route) {
  bool has_source = route.local != nullptr || route.interface_index != 0;
  if (!has_source && route.traffic_class == 0 && route.stride == 0) return 0;
  const FlatAddress* known = route.to != nullptr ? route.to : route.local;
  bool is_ipv4 = known == nullptr || known->family == AddressFamily::kIpv4;
  ControlBuffer<128>& control = controls_[index];
  control = ControlBuffer<128>();
  if (has_source && is_ipv4) {
    in_pktinfo info{};
    info.ipi_ifindex = static_cast<decltype(info.ipi_ifindex)>(route.interface_index);
    if (route.local != nullptr) {
      if (route.local->family != AddressFamily::kIpv4) return -EAFNOSUPPORT;
      std::memcpy(&info.ipi_spec_dst, route.local->bytes, 4);
    }
    (void)control.Append(IPPROTO_IP, platform::kPacketInfo4Message, &info, sizeof(info));
  } else if (has_source) {
    platform::PacketInfo6 info{};
    info.interface_index = static_cast<uint32_t>(route.interface_index);
    if (route.local != nullptr) {
      if (route.local->family != AddressFamily::kIpv6) return -EAFNOSUPPORT;
      std::memcpy(&info.address, route.local->bytes, 16);
    }
    (void)control.Append(IPPROTO_IPV6, platform::kPacketInfo6Message, &info, sizeof(info));
  }
  if (route.traffic_class != 0) {
    int value = route.traffic_class;
    (void)control.Append(is_ipv4 ? IPPROTO_IP : IPPROTO_IPV6,
                         is_ipv4 ? IP_TOS : platform::kTrafficClass6Message, &value, sizeof(value));
  }
  if (route.stride > 0 && platform::kSegmentMessage != kAbsent) {
    auto size = static_cast<uint16_t>(route.stride);
    (void)control.Append(IPPROTO_UDP, platform::kSegmentMessage, &size, sizeof(size));
  }
  control.AttachTo(&messages_[index].msg_hdr);
  return 0;
}

int SendBatch::Send(int descriptor, int first) {
  int sent;
  do {
    sent = system_calls.sendmmsg == nullptr
               ? SendOneByOne(descriptor, messages_ + first, count_ - first)
               : system_calls.sendmmsg(descriptor, messages_ + first,
                                       static_cast<unsigned int>(count_ - first),
                                       platform::kSendFlags);
  } while (sent < 0 && errno == EINTR);
  if (sent > 0) return sent;
  return sent == 0 || errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

bool CanSegment(int descriptor) {
  if (platform::kSegmentMessage == kAbsent) return false;
  int value = 0;
  socklen_t length = sizeof(value);
  return system_calls.getsockopt(descriptor, IPPROTO_UDP, platform::kSegmentMessage, &value,
                                 &length) == 0;
}

// ---- the error queue

int TakeDatagramError(int descriptor, DatagramError* out) {
  if (platform::kErrorQueueFlags == kAbsent) return 0;
  // The datagram's own bytes come with its error; they are of no use here.
  uint8_t bytes[1];
  iovec part{bytes, sizeof(bytes)};
  SocketAddress peer;
  alignas(cmsghdr) uint8_t control[512];
  for (;;) {
    msghdr message{};
    message.msg_name = &peer.storage;
    message.msg_namelen = sizeof(peer.storage);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    ssize_t got = system_calls.recvmsg(descriptor, &message, platform::kErrorQueueFlags);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
    int error = 0;
    ForEachControlMessage(message, [&](int level, int type, const uint8_t* data, size_t length) {
      (void)platform::ReadErrorMessage(level, type, data, length, &error, &out->info);
    });
    // Timestamps and the like stand in the same queue.
    if (error == 0) continue;
    peer.length = message.msg_namelen;
    if (peer.length == 0) peer.storage.ss_family = AF_UNSPEC;
    out->error = -error;
    out->peer = ToFlatAddress(peer);
    return 1;
  }
}

}  // namespace hawser
