#include "engine/keyspace/intset.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace engine::keyspace {
namespace {

void expect_holds(const Intset& intset, const std::set<std::int64_t>& model) {
  ASSERT_EQ(intset.count(), model.size());
  std::size_t index = 0;
  for (const std::int64_t value : model) {
    EXPECT_EQ(intset.at(index++), value);
    EXPECT_TRUE(intset.contains(value));
  }
  EXPECT_TRUE(Intset::validate(intset.blob()));
}

RC_GTEST_PROP(Intset, BehavesAsASortedSetOfIntegers, ()) {
  // Few distinct values of every width, so that they meet.
  const auto value = rc::gen::map(rc::gen::pair(rc::gen::inRange(-3, 4), rc::gen::inRange(0, 4)),
                                  [](const std::pair<int, int>& pair) {
                                    return std::int64_t{pair.first} << (16 * pair.second);
                                  });
  const auto steps = *rc::gen::container<std::vector<std::pair<bool, std::int64_t>>>(
      rc::gen::pair(rc::gen::arbitrary<bool>(), value));
  Intset intset;
  std::set<std::int64_t> model;
  for (const auto& [insert, each] : steps) {
    if (insert) {
      RC_ASSERT(intset.insert(each) == model.insert(each).second);
    } else {
      RC_ASSERT(intset.erase(each) == (model.erase(each) == 1));
    }
  }
  expect_holds(intset, model);
  expect_holds(intset.clone(), model);
}

TEST(Intset, IsAsWideAsTheWidestIntegerEverAdded) {
  using namespace std::string_view_literals;
  Intset intset;
  intset.insert(5);
  EXPECT_EQ(intset.blob(), "\x02\0\0\0\x01\0\0\0\x05\0"sv);
  intset.insert(70'000);
  EXPECT_EQ(intset.blob(), "\x04\0\0\0\x02\0\0\0\x05\0\0\0\x70\x11\x01\0"sv);
  intset.erase(70'000);
  EXPECT_EQ(intset.blob(), "\x04\0\0\0\x01\0\0\0\x05\0\0\0"sv);
  intset.insert(INT64_MIN);
  EXPECT_EQ(intset.at(0), INT64_MIN);
  EXPECT_EQ(intset.blob().size(), 8u + 2 * 8);
}

TEST(Intset, ValidateRefusesWhatIsNoSortedSet) {
  using namespace std::string_view_literals;
  EXPECT_TRUE(Intset::validate("\x02\0\0\0\x02\0\0\0\x01\0\x02\0"sv));
  EXPECT_FALSE(Intset::validate(""sv));
  EXPECT_FALSE(Intset::validate("\x02\0\0\0\x02\0\0"sv)) << "header cut";
  EXPECT_FALSE(Intset::validate("\x03\0\0\0\x01\0\0\0\x01\0\x02\0"sv)) << "width of 3";
  EXPECT_FALSE(Intset::validate("\x02\0\0\0\x03\0\0\0\x01\0\x02\0"sv)) << "count too large";
  EXPECT_FALSE(Intset::validate("\x02\0\0\0\x02\0\0\0\x02\0\x01\0"sv)) << "descending";
  EXPECT_FALSE(Intset::validate("\x02\0\0\0\x02\0\0\0\x01\0\x01\0"sv)) << "twice";
  EXPECT_FALSE(Intset::validate("\x08\0\0\0\xff\xff\xff\xff\x01\0"sv)) << "count beyond memory";
}

}  // namespace
}  // namespace engine::keyspace
