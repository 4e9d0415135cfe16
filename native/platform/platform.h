// The one place that asks which system this is. Everything else includes this header and uses the
// names that linux.h and darwin.h define with the same spelling; a thing that a system lacks is
// kAbsent there, and is refused at run time with a reason instead of being compiled away.
#ifndef HAWSER_PLATFORM_PLATFORM_H_
#define HAWSER_PLATFORM_PLATFORM_H_

namespace hawser {

// The value of a constant that this system does not have. No real option, flag or level is -1.
inline constexpr int kAbsent = -1;

}  // namespace hawser

#if defined(__linux__)
#include "platform/linux.h"
#elif defined(__APPLE__)
#include "platform/darwin.h"
#else
#error "hawser supports Linux and macOS"
#endif

#endif  // HAWSER_PLATFORM_PLATFORM_H_
