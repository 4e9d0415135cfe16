// Messages of the kernel made by hand: bytes one after the other, and copies on the heap of exactly
// their size, so that a sanitizer sees the first byte beyond.
#ifndef HAWSER_TEST_SUPPORT_MESSAGES_H_
#define HAWSER_TEST_SUPPORT_MESSAGES_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace hawser::test {

using Bytes = std::vector<uint8_t>;

template <typename T>
Bytes BytesOf(const T& value) {
  Bytes bytes(sizeof(value));
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

// Not insert(), about which gcc 12 warns for no reason.
inline void Append(Bytes* to, const Bytes& what) {
  for (uint8_t byte : what) to->push_back(byte);
}

inline void Pad(Bytes* bytes, size_t boundary) {
  while (bytes->size() % boundary != 0) bytes->push_back(0);
}

inline Bytes TextBytes(const std::string& text) { return Bytes(text.begin(), text.end()); }

// "45 00 1f": what a recording is written as.
inline Bytes FromHex(const std::string& text) {
  Bytes bytes;
  std::string digits;
  for (char one : text) {
    if (one == ' ' || one == '\n') continue;
    digits.push_back(one);
    if (digits.size() < 2) continue;
    bytes.push_back(static_cast<uint8_t>(std::stoi(digits, nullptr, 16)));
    digits.clear();
  }
  return bytes;
}

// The first `size` bytes, on the heap and no longer than that.
struct Exactly {
  std::unique_ptr<uint8_t[]> data;
  size_t size;

  explicit Exactly(const Bytes& bytes) : Exactly(bytes, bytes.size()) {}
  Exactly(const Bytes& bytes, size_t count) : data(new uint8_t[count]), size(count) {
    if (count > 0) std::memcpy(data.get(), bytes.data(), count);
  }
};

// Calls `look` with every shorter piece of a message, and then with `count` copies in which some
// bytes are others, the same ones every time.
template <typename Look>
void Mangle(const Bytes& message, int count, Look look) {
  for (size_t size = 0; size < message.size(); size++) {
    Exactly piece(message, size);
    look(piece.data.get(), piece.size);
  }
  std::mt19937 random(24);
  for (int i = 0; i < count; i++) {
    Bytes mangled = message;
    for (uint32_t changes = 1 + random() % 4; changes > 0 && !mangled.empty(); changes--) {
      // Small numbers now and then, which lengths are made of.
      uint32_t value = random() % 2 == 0 ? random() % 40 : random() % 256;
      mangled[random() % mangled.size()] = static_cast<uint8_t>(value);
    }
    Exactly whole(mangled);
    look(whole.data.get(), whole.size);
  }
}

}  // namespace hawser::test

#endif  // HAWSER_TEST_SUPPORT_MESSAGES_H_
