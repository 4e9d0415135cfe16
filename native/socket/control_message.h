// Control messages (cmsg(3)): a bounded writer and an iterator that trusts no length.
#ifndef HAWSER_SOCKET_CONTROL_MESSAGE_H_
#define HAWSER_SOCKET_CONTROL_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "platform/platform.h"

namespace hawser {

// Room for control messages whose payloads are at most `kPayload` bytes together with one header.
template <size_t kPayload>
class ControlBuffer {
 public:
  ControlBuffer() { std::memset(bytes_, 0, sizeof(bytes_)); }

  // Appends one message. False when it does not fit; nothing is written then.
  bool Append(int level, int type, const void* payload, size_t size) {
    if (used_ + CMSG_SPACE(size) > sizeof(bytes_)) return false;
    auto* header = reinterpret_cast<cmsghdr*>(bytes_ + used_);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = static_cast<decltype(header->cmsg_len)>(CMSG_LEN(size));
    std::memcpy(CMSG_DATA(header), payload, size);
    used_ += CMSG_SPACE(size);
    return true;
  }

  // For sending: what was appended.
  void AttachTo(msghdr* message) {
    message->msg_control = used_ > 0 ? bytes_ : nullptr;
    message->msg_controllen = static_cast<decltype(message->msg_controllen)>(used_);
  }

  // For receiving: all the room there is.
  void AttachWhole(msghdr* message) {
    message->msg_control = bytes_;
    message->msg_controllen = sizeof(bytes_);
  }

 private:
  alignas(cmsghdr) uint8_t bytes_[CMSG_SPACE(kPayload)];
  size_t used_ = 0;
};

// Calls `each(level, type, data, length)` for every control message in the buffer. The payload may
// be unaligned: copy it out. XNU leaves the length of a message that it has cut as it was before:
// one that reaches beyond the buffer ends there, and is the last.
template <typename Each>
void ForEachControlMessage(const msghdr& message, Each each) {
  auto* view = const_cast<msghdr*>(&message);
  const auto* end = static_cast<const uint8_t*>(message.msg_control) + message.msg_controllen;
  for (cmsghdr* header = CMSG_FIRSTHDR(view); header != nullptr;
       header = CMSG_NXTHDR(view, header)) {
    const uint8_t* data = CMSG_DATA(header);
    if (header->cmsg_len < CMSG_LEN(0)) return;
    size_t length = header->cmsg_len - CMSG_LEN(0);
    if (data > end) return;
    const auto room = static_cast<size_t>(end - data);
    each(header->cmsg_level, header->cmsg_type, data, length < room ? length : room);
    if (length > room) return;
  }
}

}  // namespace hawser

#endif  // HAWSER_SOCKET_CONTROL_MESSAGE_H_
