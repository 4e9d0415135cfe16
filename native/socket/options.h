// Socket options over the table of options.def: what each is, getsockopt(2) and setsockopt(2).
// Values are in the kernel's own units. Not here: TCP_INFO (tcp_info.h), and what a policy of the
// library means in options (lib/socket/tune.ts).
#ifndef HAWSER_SOCKET_OPTIONS_H_
#define HAWSER_SOCKET_OPTIONS_H_

#include <cstddef>
#include <cstdint>

#include "platform/platform.h"

namespace hawser {

enum class OptionKind : uint8_t {
  kBoolean,           // OptionValue::number, 0 or 1
  kInteger,           // number, an int
  kUnsigned,          // number, an unsigned int
  kLinger,            // enabled, number (seconds)
  kText,              // text
  kInterfaceAddress,  // address, or to set it also number (index) where has_index
  kCredentials,       // process, user, group
  kStructure,         // has a function of its own
};

enum class OptionAccess : uint8_t { kReadOnly, kWriteOnly, kReadWrite };

enum class OptionLevel : uint8_t { kSocket, kTcp, kUdp, kIp, kIpv6, kLocal };

// A row's place in options.def.
enum class OptionId : int {
#define HAWSER_OPTION(name, level, constant, kind, unit, access, counterpart, help) constant,
#include "socket/options.def"
#undef HAWSER_OPTION
  kCount,
};

inline constexpr int kOptionCount = static_cast<int>(OptionId::kCount);

struct Option {
  const char* name;
  int level;     // kAbsent where this system lacks it
  int constant;  // kAbsent where this system lacks it
  OptionKind kind;
  OptionAccess access;
};

// The longest text value with its final zero; IFNAMSIZ and TCP_CA_NAME_MAX are both 16.
inline constexpr size_t kOptionTextBytes = 16;

// Which members count, OptionKind says. -1 for a credential that the system does not tell.
struct OptionValue {
  int64_t number = 0;
  bool enabled = false;
  bool has_index = false;
  uint8_t address[4] = {0, 0, 0, 0};  // network byte order
  char text[kOptionTextBytes] = {0};  // always ends in zero
  int64_t process = kAbsent;
  int64_t user = kAbsent;
  int64_t group = kAbsent;
};

// The row, or null outside the table.
const Option* FindOption(int index);

// getsockopt(2). 0 or -errno: -ENOPROTOOPT where this system lacks the option, -EINVAL for one that
// can only be set or is a structure, -EMSGSIZE where the kernel answered in another size.
int GetOption(int descriptor, OptionId id, OptionValue* value);

// setsockopt(2). 0 or -errno: -ENOPROTOOPT where this system lacks the option, -EINVAL for one that
// can only be read, and -ERANGE for a number that its type cannot hold.
int SetOption(int descriptor, OptionId id, const OptionValue& value);

}  // namespace hawser

#endif  // HAWSER_SOCKET_OPTIONS_H_
