// What the C library does with memory that is freed. Not here: who needs it.
#ifndef HAWSER_PLATFORM_HEAP_H_
#define HAWSER_PLATFORM_HEAP_H_

#include <stdlib.h>

#include <atomic>
#include <cstddef>

namespace hawser::platform {

// Twice this is what glibc may then keep at the end of its heap: about what V8 lets pile up between
// two collections of memory that is in use for a moment only.
inline constexpr size_t kKeptFreedBytes = 8u << 20;

// Blocks of some hundred KiB that come and go go back to the kernel each time otherwise, and each
// of their pages is a fault when it comes again: a tenth of what a message of 16 KiB costs.
//
// mallopt(3), M_MMAP_THRESHOLD: freeing a chunk that was mapped raises that threshold to its size,
// and the one of trimming to twice that, unless the application has set one of them. The chunk is
// never touched, so that none of it ever was in memory. Other C libraries have rules of their own,
// and lose nothing by it.
inline void KeepFreedMemory() {
  static std::atomic<bool> done{false};
  if (done.exchange(true, std::memory_order_relaxed)) return;
  // Volatile, or the compiler leaves out a pair that does nothing by the language's rules.
  void* volatile chunk = malloc(kKeptFreedBytes);
  free(chunk);
}

}  // namespace hawser::platform

#endif  // HAWSER_PLATFORM_HEAP_H_
