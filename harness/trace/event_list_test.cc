#include "harness/trace/event_list.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <utility>

#include "harness/base/error.h"
#include "harness/base/temporary_directory.h"

namespace crashpoint::trace {
namespace {

constexpr std::size_t kMany = 3000;  // more than the first piece of memory holds

EventList numbered(EventList events, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    events.emplace_back().enter = i;
  }
  return events;
}

// How many have the number of their place.
std::size_t right_ones(const EventList& events) {
  std::size_t count = 0;
  for (const Event& event : events) {
    count += event.enter == count ? 1 : 0;
  }
  return count;
}

TEST(EventList, KeepsWhatItHoldsWhenItGrowsMovesOrIsCopied) {
  EventList events = numbered({}, kMany);
  EXPECT_EQ(right_ones(events), kMany);
  const EventList copy = events;
  const EventList moved = std::move(events);
  EXPECT_EQ(right_ones(copy), kMany);
  EXPECT_EQ(right_ones(moved), kMany);
}

TEST(EventList, KeepsWhatItHoldsWhenItIsSpilled) {
  const TemporaryDirectory folder;
  for (const std::uint64_t memory_bytes : {std::uint64_t{0}, std::uint64_t{200'000}}) {
    const EventList events = numbered(EventList(memory_bytes, folder.path()), kMany);
    EXPECT_EQ(right_ones(events), kMany);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "the file has no name";
  }
}

TEST(EventList, SpillsWhereItIsTold) {
  EXPECT_THROW(numbered(EventList(0, "/no/such/folder"), 1), EnvironmentError);
}

TEST(EventList, TakesAnEventOfItsOwn) {
  EventList events = numbered({}, 1);
  events.front().offset = 7;
  while (events.size() < kMany) {
    events.push_back(events.front());
  }
  EXPECT_EQ(events.back().offset, 7);
}

TEST(EventList, TruncatedForgetsTheRest) {
  EventList events = numbered({}, kMany);
  events.truncate(2);
  EXPECT_EQ(events.size(), 2U);
  EXPECT_EQ(events.back().enter, 1U);
}

}  // namespace
}  // namespace crashpoint::trace
