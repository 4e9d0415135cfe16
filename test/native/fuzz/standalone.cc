// Runs a fuzz target without a fuzzer: over files where any are named, else over inputs from a
// fixed sequence of pseudo-random bytes. `PROGRAM [count | FILE...]`
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr size_t kMostBytes = 512;

void RunFile(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
  (void)LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

void RunSequence(long count) {
  std::mt19937 random(20);  // the same inputs everywhere and every time
  std::vector<uint8_t> bytes;
  for (long i = 0; i < count; i++) {
    bytes.resize(random() % kMostBytes);
    // Mostly small numbers, which lengths and indexes are made of.
    const uint32_t mask = random() % 3 == 0 ? 0xff : 0x1f;
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random() & mask);
    (void)LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::printf("%ld inputs\n", count);
}

}  // namespace

int main(int argc, char** argv) {
  char* end = nullptr;
  const long count = argc > 1 ? std::strtol(argv[1], &end, 10) : 10000;
  if (argc > 1 && *end != '\0') {
    for (int i = 1; i < argc; i++) RunFile(argv[i]);
  } else {
    RunSequence(count);
  }
  return 0;
}
