// Slots and their generations (slot_table.h).
#include "reactor/slot_table.h"

#include <doctest/doctest.h>

#include <set>
#include <vector>

using namespace hawser;

TEST_CASE("slots: a name finds its slot until it is freed, and never again") {
  SlotTable table;
  SlotName name = table.Allocate(5, SlotKind::kStream);
  REQUIRE(table.Find(name) != nullptr);
  CHECK(table.Find(name)->descriptor == 5);
  CHECK(table.Find(name)->kind == SlotKind::kStream);
  CHECK(table.open() == 1);
  table.Free(name.index);
  CHECK(table.Find(name) == nullptr);
  CHECK(table.open() == 0);

  std::set<int32_t> generations{name.generation};
  for (int i = 0; i < 100; i++) {
    SlotName next = table.Allocate(6, SlotKind::kListener);
    CHECK(next.index == name.index);
    CHECK(generations.insert(next.generation).second);
    CHECK(table.Find(name) == nullptr);
    table.Free(next.index);
  }
}

TEST_CASE("slots: nothing of the socket before is left in a slot") {
  SlotTable table;
  SlotName name = table.Allocate(5, SlotKind::kStream);
  Slot& slot = *table.Find(name);
  slot.latched = -1;
  slot.readable = slot.paused = slot.carried = slot.ended = slot.hung_up = true;
  slot.referenced = false;
  slot.credits = 3;
  slot.interest = 3;
  slot.peer.port = 9;
  table.Free(name.index);
  Slot& fresh = *table.Find(table.Allocate(6, SlotKind::kStream));
  CHECK(fresh.latched == 0);
  CHECK_FALSE((fresh.readable || fresh.paused || fresh.carried || fresh.ended || fresh.hung_up));
  CHECK(bool{fresh.referenced});
  CHECK(fresh.credits == -1);
  CHECK(fresh.interest == 0);
  CHECK(fresh.peer.port == 0);
}

TEST_CASE("slots: names that never were find nothing") {
  SlotTable table;
  SlotName name = table.Allocate(5, SlotKind::kStream);
  for (SlotName wrong :
       {SlotName{}, SlotName{-1, 1}, SlotName{INT32_MIN, 1}, SlotName{INT32_MAX, 1},
        SlotName{name.index + 1, 1}, SlotName{name.index, 0},
        SlotName{name.index, name.generation + 1}, SlotName{name.index, -name.generation}}) {
    CHECK(table.Find(wrong) == nullptr);
  }
}

TEST_CASE("slots: a slot stays where it is while the table grows") {
  SlotTable table;
  std::vector<SlotName> names;
  std::vector<Slot*> slots;
  for (int i = 0; i < 5000; i++) {
    names.push_back(table.Allocate(i, SlotKind::kStream));
    REQUIRE(names.back().index >= 0);
    slots.push_back(table.Find(names.back()));
  }
  CHECK(table.open() == 5000);
  for (size_t i = 0; i < names.size(); i++) {
    CHECK(table.Find(names[i]) == slots[i]);
    CHECK(slots[i]->descriptor == static_cast<int>(i));
  }
}

TEST_CASE("slots: a generation is positive, also after the last one") {
  SlotTable table;
  SlotName name = table.Allocate(5, SlotKind::kStream);
  table.At(name.index).generation = INT32_MAX;
  CHECK(table.Find({name.index, INT32_MAX}) != nullptr);
  table.Free(name.index);
  SlotName next = table.Allocate(5, SlotKind::kStream);
  CHECK(next.generation == 1);
  CHECK(table.Find({name.index, INT32_MAX}) == nullptr);
}
