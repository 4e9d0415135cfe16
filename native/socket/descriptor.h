// An owned file descriptor: closed once, by whoever holds it last.
#ifndef HAWSER_SOCKET_DESCRIPTOR_H_
#define HAWSER_SOCKET_DESCRIPTOR_H_

#include "socket/system_calls.h"

namespace hawser {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() { Reset(); }
  Descriptor(Descriptor&& other) noexcept : value_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      Reset();
      value_ = other.Release();
    }
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return value_; }
  bool open() const { return value_ >= 0; }

  // Gives the descriptor away; this object owns nothing afterwards.
  int Release() {
    int value = value_;
    value_ = -1;
    return value;
  }

  void Reset() {
    // close(2): the descriptor is gone whatever is returned, EINTR included; never repeat it.
    if (value_ >= 0) (void)system_calls.close(Release());
  }

 private:
  int value_ = -1;
};

}  // namespace hawser

#endif  // HAWSER_SOCKET_DESCRIPTOR_H_
