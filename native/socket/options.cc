#include "socket/options.h"

#include <cerrno>
#include <climits>
#include <cstring>

#include "socket/system_calls.h"

namespace hawser {
namespace {

constexpr int LevelConstant(OptionLevel level) {
  switch (level) {
    case OptionLevel::kSocket:
      return platform::kLevelSocket;
    case OptionLevel::kTcp:
      return platform::kLevelTcp;
    case OptionLevel::kUdp:
      return platform::kLevelUdp;
    case OptionLevel::kIp:
      return platform::kLevelIp;
    case OptionLevel::kIpv6:
      return platform::kLevelIpv6;
    case OptionLevel::kLocal:
      return platform::kLevelLocal;
  }
  return kAbsent;
}

constexpr Option kOptions[] = {
#define HAWSER_OPTION(name, level, constant, kind, unit, access, counterpart, help) \
  {#name, LevelConstant(OptionLevel::level), platform::constant, OptionKind::kind,  \
   OptionAccess::access},
#include "socket/options.def"
#undef HAWSER_OPTION
};

static_assert(sizeof(kOptions) / sizeof(kOptions[0]) == kOptionCount);

// socket(7) lets a signal interrupt neither call, but a filter or a stacked layer may.
int Get(int descriptor, const Option& option, void* bytes, socklen_t* length) {
  for (;;) {
    if (system_calls.getsockopt(descriptor, option.level, option.constant, bytes, length) == 0) {
      return 0;
    }
    if (errno != EINTR) return -errno;
  }
}

int Set(int descriptor, const Option& option, const void* bytes, socklen_t length) {
  for (;;) {
    if (system_calls.setsockopt(descriptor, option.level, option.constant, bytes, length) == 0) {
      return 0;
    }
    if (errno != EINTR) return -errno;
  }
}

// ip(7): for some options the kernel answers with one byte where the value fits.
int GetNumber(int descriptor, const Option& option, OptionValue* value) {
  unsigned int number = 0;
  socklen_t length = sizeof(number);
  int result = Get(descriptor, option, &number, &length);
  if (result < 0) return result;
  if (length == 1) {
    unsigned char byte = 0;
    std::memcpy(&byte, &number, 1);
    number = byte;
  } else if (length != sizeof(number)) {
    return -EMSGSIZE;
  }
  if (option.kind == OptionKind::kBoolean) {
    // XNU answers with the flag's bit, not with 1.
    value->number = number != 0 ? 1 : 0;
  } else if (option.kind == OptionKind::kUnsigned) {
    value->number = number;
  } else {
    value->number = static_cast<int>(number);
  }
  return 0;
}

int SetNumber(int descriptor, const Option& option, int64_t number) {
  if (option.kind == OptionKind::kUnsigned) {
    if (number < 0 || number > UINT_MAX) return -ERANGE;
    unsigned int value = static_cast<unsigned int>(number);
    return Set(descriptor, option, &value, sizeof(value));
  }
  if (number < INT_MIN || number > INT_MAX) return -ERANGE;
  int value = static_cast<int>(number);
  if (option.kind == OptionKind::kBoolean) value = value != 0 ? 1 : 0;
  return Set(descriptor, option, &value, sizeof(value));
}

int GetLinger(int descriptor, const Option& option, OptionValue* value) {
  linger answer = {};
  socklen_t length = sizeof(answer);
  int result = Get(descriptor, option, &answer, &length);
  if (result < 0) return result;
  if (length != sizeof(answer)) return -EMSGSIZE;
  value->enabled = answer.l_onoff != 0;
  value->number = answer.l_linger;
  return 0;
}

int SetLinger(int descriptor, const Option& option, const OptionValue& value) {
  if (value.number < 0 || value.number > INT_MAX) return -ERANGE;
  linger wanted = {};
  wanted.l_onoff = value.enabled ? 1 : 0;
  wanted.l_linger = static_cast<int>(value.number);
  return Set(descriptor, option, &wanted, sizeof(wanted));
}

int GetText(int descriptor, const Option& option, OptionValue* value) {
  // SO_BINDTODEVICE wants room for a whole interface name (socket(7)).
  char bytes[kOptionTextBytes] = {0};
  socklen_t length = sizeof(bytes);
  int result = Get(descriptor, option, bytes, &length);
  if (result < 0) return result;
  if (length > sizeof(bytes)) return -EMSGSIZE;
  size_t size = strnlen(bytes, length);
  if (size >= kOptionTextBytes) size = kOptionTextBytes - 1;
  std::memset(value->text, 0, kOptionTextBytes);
  std::memcpy(value->text, bytes, size);
  return 0;
}

int SetText(int descriptor, const Option& option, const OptionValue& value) {
  size_t size = strnlen(value.text, kOptionTextBytes);
  if (size >= kOptionTextBytes) return -ERANGE;
  return Set(descriptor, option, value.text, static_cast<socklen_t>(size + 1));
}

int GetInterfaceAddress(int descriptor, const Option& option, OptionValue* value) {
  socklen_t length = sizeof(value->address);
  int result = Get(descriptor, option, value->address, &length);
  if (result < 0) return result;
  return length == sizeof(value->address) ? 0 : -EMSGSIZE;
}

int SetInterfaceAddress(int descriptor, const Option& option, const OptionValue& value) {
  // An in_addr for an address: given an ip_mreqn without index, XNU ignores the address in it.
  if (!value.has_index) return Set(descriptor, option, value.address, sizeof(value.address));
  if (value.number < 0 || value.number > INT_MAX) return -ERANGE;
  ip_mreqn request = {};
  request.imr_ifindex = static_cast<int>(value.number);
  return Set(descriptor, option, &request, sizeof(request));
}

int GetCredentials(int descriptor, const Option& option, OptionValue* value) {
  unsigned char bytes[platform::kPeerCredentialsBytes];
  socklen_t length = sizeof(bytes);
  int result = Get(descriptor, option, bytes, &length);
  if (result < 0) return result;
  bool read =
      platform::ReadPeerCredentials(bytes, length, &value->process, &value->user, &value->group);
  return read ? 0 : -EMSGSIZE;
}

}  // namespace

const Option* FindOption(int index) {
  if (index < 0 || index >= kOptionCount) return nullptr;
  return &kOptions[index];
}

int GetOption(int descriptor, OptionId id, OptionValue* value) {
  const Option* option = FindOption(static_cast<int>(id));
  if (option == nullptr || option->access == OptionAccess::kWriteOnly) return -EINVAL;
  if (option->constant == kAbsent || option->level == kAbsent) return -ENOPROTOOPT;
  *value = OptionValue();
  switch (option->kind) {
    case OptionKind::kBoolean:
    case OptionKind::kInteger:
    case OptionKind::kUnsigned:
      return GetNumber(descriptor, *option, value);
    case OptionKind::kLinger:
      return GetLinger(descriptor, *option, value);
    case OptionKind::kText:
      return GetText(descriptor, *option, value);
    case OptionKind::kInterfaceAddress:
      return GetInterfaceAddress(descriptor, *option, value);
    case OptionKind::kCredentials:
      return GetCredentials(descriptor, *option, value);
    case OptionKind::kStructure:
      return -EINVAL;
  }
  return -EINVAL;
}

int SetOption(int descriptor, OptionId id, const OptionValue& value) {
  const Option* option = FindOption(static_cast<int>(id));
  if (option == nullptr || option->access == OptionAccess::kReadOnly) return -EINVAL;
  if (option->constant == kAbsent || option->level == kAbsent) return -ENOPROTOOPT;
  switch (option->kind) {
    case OptionKind::kBoolean:
    case OptionKind::kInteger:
    case OptionKind::kUnsigned:
      return SetNumber(descriptor, *option, value.number);
    case OptionKind::kLinger:
      return SetLinger(descriptor, *option, value);
    case OptionKind::kText:
      return SetText(descriptor, *option, value);
    case OptionKind::kInterfaceAddress:
      return SetInterfaceAddress(descriptor, *option, value);
    case OptionKind::kCredentials:
    case OptionKind::kStructure:
      return -EINVAL;
  }
  return -EINVAL;
}

}  // namespace hawser
