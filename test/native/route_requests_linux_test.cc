// Requests of rtnetlink (route_requests_linux.cc): whole messages, in the form that is read again.
#include "socket/route_requests_linux.h"

#include <doctest/doctest.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstring>
#include <string>

#include "socket/route_messages_linux.h"

using namespace hawser;
using namespace hawser::rtnetlink;

namespace {

constexpr uint32_t kSequence = 5;

Message Read(const uint8_t* buffer, size_t size) {
  MessageReader reader(buffer, size);
  Message message{};
  REQUIRE(reader.Next(&message));
  Message none;
  CHECK_FALSE(reader.Next(&none));
  CHECK_FALSE(reader.malformed());
  return message;
}

RouteQuestion Question(AddressFamily family) {
  RouteQuestion question{};
  question.destination.family = family;
  question.destination.bytes[0] = 10;
  return question;
}

// Whether a message ends with these bytes, as the last attribute.
bool EndsWith(const Message& message, const void* bytes, size_t size) {
  return message.size >= size && std::memcmp(message.body + message.size - size, bytes, size) == 0;
}

}  // namespace

TEST_CASE("rtnetlink requests: a list is asked for with a dump") {
  uint8_t buffer[kRequestBytes];
  Message links = Read(buffer, WriteLinksRequest(kSequence, buffer));
  CHECK(links.type == RTM_GETLINK);
  CHECK((links.flags & (NLM_F_REQUEST | NLM_F_DUMP)) == (NLM_F_REQUEST | NLM_F_DUMP));
  CHECK(links.sequence == kSequence);
  Message addresses = Read(buffer, WriteAddressesRequest(kSequence, buffer));
  CHECK(addresses.type == RTM_GETADDR);
  CHECK((addresses.flags & NLM_F_DUMP) == NLM_F_DUMP);
}

TEST_CASE("rtnetlink requests: routes are those of one family and of the main table") {
  uint8_t buffer[kRequestBytes];
  for (AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    Message message = Read(buffer, WriteRoutesRequest(kSequence, family, buffer));
    CHECK(message.type == RTM_GETROUTE);
    CHECK((message.flags & NLM_F_DUMP) == NLM_F_DUMP);
    rtmsg body;
    REQUIRE(message.size >= sizeof(body));
    std::memcpy(&body, message.body, sizeof(body));
    CHECK(body.rtm_family == (family == AddressFamily::kIpv4 ? AF_INET : AF_INET6));
    CHECK(body.rtm_table == RT_TABLE_MAIN);
  }
}

TEST_CASE("rtnetlink requests: a question names destination, source and interface") {
  uint8_t buffer[kRequestBytes];
  RouteQuestion question = Question(AddressFamily::kIpv6);
  size_t bare = WriteRouteQuestion(kSequence, question, buffer);
  Message message = Read(buffer, bare);
  CHECK(message.type == RTM_GETROUTE);
  CHECK((message.flags & NLM_F_DUMP) == 0);
  CHECK(EndsWith(message, question.destination.bytes, 16));
  question.source = question.destination;
  question.source.bytes[0] = 11;
  size_t with_source = WriteRouteQuestion(kSequence, question, buffer);
  CHECK(with_source == bare + 20);
  CHECK(EndsWith(Read(buffer, with_source), question.source.bytes, 16));
  question.index = 4;
  size_t with_index = WriteRouteQuestion(kSequence, question, buffer);
  CHECK(with_index == with_source + 8);
  CHECK(EndsWith(Read(buffer, with_index), &question.index, sizeof(question.index)));
  CHECK(with_index <= sizeof(buffer));
}

TEST_CASE(
    "rtnetlink requests: the zone of a destination is its interface, unless one is asked for") {
  uint8_t buffer[kRequestBytes];
  RouteQuestion question = Question(AddressFamily::kIpv6);
  question.destination.scope = 3;
  Message zoned = Read(buffer, WriteRouteQuestion(kSequence, question, buffer));
  CHECK(EndsWith(zoned, &question.destination.scope, sizeof(uint32_t)));
  question.index = 4;
  Message asked = Read(buffer, WriteRouteQuestion(kSequence, question, buffer));
  CHECK(EndsWith(asked, &question.index, sizeof(question.index)));
}

TEST_CASE("rtnetlink requests: what is no question is not written") {
  uint8_t buffer[kRequestBytes];
  RouteQuestion question = Question(AddressFamily::kIpv4);
  CHECK(WriteRouteQuestion(kSequence, question, buffer) > 0);
  question.source.family = AddressFamily::kIpv6;
  CHECK(WriteRouteQuestion(kSequence, question, buffer) == 0);
  CHECK(WriteRouteQuestion(kSequence, Question(AddressFamily::kUnix), buffer) == 0);
  CHECK(WriteRouteQuestion(kSequence, Question(AddressFamily::kNone), buffer) == 0);
}
