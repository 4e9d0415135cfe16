// Control messages (control_message.h): what is written is read again, and no length is trusted.
#include "socket/control_message.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

using namespace hawser;

namespace {

struct Message {
  int level;
  int type;
  std::string data;
};

std::vector<Message> Read(const msghdr& message) {
  std::vector<Message> all;
  ForEachControlMessage(message, [&](int level, int type, const uint8_t* data, size_t length) {
    all.push_back({level, type, std::string(reinterpret_cast<const char*>(data), length)});
  });
  return all;
}

// A control buffer on the heap, exactly as large as it says.
struct Raw {
  std::vector<uint8_t> bytes;
  msghdr message{};

  explicit Raw(size_t size) : bytes(size) {
    message.msg_control = bytes.data();
    message.msg_controllen = static_cast<decltype(message.msg_controllen)>(size);
  }
  cmsghdr* At(size_t offset) { return reinterpret_cast<cmsghdr*>(bytes.data() + offset); }
};

}  // namespace

TEST_CASE("control messages: what was appended is read again, in order") {
  ControlBuffer<64> buffer;
  int32_t number = 42;
  REQUIRE(buffer.Append(SOL_SOCKET, 1, &number, sizeof(number)));
  REQUIRE(buffer.Append(IPPROTO_IP, 2, "abc", 3));
  msghdr message{};
  buffer.AttachTo(&message);
  std::vector<Message> all = Read(message);
  REQUIRE(all.size() == 2);
  CHECK(all[0].level == SOL_SOCKET);
  CHECK(all[0].type == 1);
  CHECK(all[0].data == std::string(reinterpret_cast<char*>(&number), sizeof(number)));
  CHECK(all[1].level == IPPROTO_IP);
  CHECK(all[1].data == "abc");
}

TEST_CASE("control messages: an empty buffer attaches nothing") {
  ControlBuffer<16> buffer;
  msghdr message{};
  buffer.AttachTo(&message);
  CHECK(message.msg_control == nullptr);
  CHECK(message.msg_controllen == 0);
  CHECK(Read(message).empty());
}

TEST_CASE("control messages: what does not fit is refused, and nothing of it is written") {
  ControlBuffer<8> buffer;
  const std::string large(100, 'x');
  CHECK_FALSE(buffer.Append(1, 2, large.data(), large.size()));
  CHECK(buffer.Append(1, 2, "12345678", 8));
  CHECK_FALSE(buffer.Append(1, 3, "", 0));
  msghdr message{};
  buffer.AttachTo(&message);
  CHECK(Read(message).size() == 1);
}

TEST_CASE("control messages: a header without payload is a message") {
  Raw raw(CMSG_SPACE(0));
  raw.At(0)->cmsg_len = CMSG_LEN(0);
  raw.At(0)->cmsg_type = 9;
  std::vector<Message> all = Read(raw.message);
  REQUIRE(all.size() == 1);
  CHECK(all[0].type == 9);
  CHECK(all[0].data.empty());
}

TEST_CASE(
    "control messages: one whose length reaches beyond the buffer ends there, and is the last") {
  for (size_t excess : {size_t{1}, size_t{8}, size_t{1000}, size_t{1} << 31}) {
    CAPTURE(excess);
    Raw raw(CMSG_SPACE(4) + CMSG_SPACE(4));
    raw.At(0)->cmsg_len = CMSG_LEN(4);
    raw.At(CMSG_SPACE(4))->cmsg_len =
        static_cast<decltype(cmsghdr::cmsg_len)>(CMSG_SPACE(4) + excess);
    std::vector<Message> all = Read(raw.message);
    REQUIRE(all.size() == 2);
    CHECK(all[1].data.size() == CMSG_SPACE(4) - CMSG_LEN(0));
  }
}

TEST_CASE("control messages: a length that wraps around ends with the buffer, and is the last") {
  using Length = decltype(cmsghdr::cmsg_len);
  for (Length less : {Length{1}, Length{8}, Length{16}, Length{24}, Length{64}}) {
    CAPTURE(less);
    Raw raw(CMSG_SPACE(8));
    raw.At(0)->cmsg_len = static_cast<Length>(0) - less;
    std::vector<Message> all = Read(raw.message);
    REQUIRE(all.size() == 1);
    CHECK(all[0].data.size() == CMSG_SPACE(8) - CMSG_LEN(0));
  }
}

TEST_CASE("control messages: a length below the header's ends the reading") {
  for (size_t length = 0; length < CMSG_LEN(0); length++) {
    Raw raw(CMSG_SPACE(8));
    raw.At(0)->cmsg_len = static_cast<decltype(cmsghdr::cmsg_len)>(length);
    CHECK(Read(raw.message).empty());
  }
}

TEST_CASE("control messages: a buffer too short for one header holds none") {
  for (size_t size = 0; size < sizeof(cmsghdr); size++) {
    Raw raw(size);
    CHECK(Read(raw.message).empty());
  }
}
