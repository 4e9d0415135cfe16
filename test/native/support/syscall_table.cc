#include "support/syscall_table.h"

#include <doctest/doctest.h>

namespace hawser::testing {
namespace {

struct Entry {
  const char* site;
  const char* error_name;
  Row row;
};

constexpr Entry kEntries[] = {
#define FAULT(site, error, outcome) {#site, #error, {error, Outcome::outcome}},
#include "syscall_faults.def"
};

}  // namespace

void RunTable(const Runs& runs) {
  int total = 0;
  for (auto [site, run] : runs) {
    int count = 0;
    for (const Entry& entry : kEntries) {
      if (site != entry.site) continue;
      const std::string what = std::string(entry.site) + " meets " + entry.error_name;
      INFO(what);
      int before = OpenDescriptors();
      {
        RestoreSystemCalls restore;
        run(entry.row);
      }
      CHECK(OpenDescriptors() == before);
      count++;
    }
    INFO(site);
    CHECK(count > 0);
    total += count;
  }
  MESSAGE(total, " faults at ", runs.size(), " places");
}

}  // namespace hawser::testing
