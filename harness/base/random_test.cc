#include "harness/base/random.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <span>
#include <string>

namespace crashpoint {
namespace {

// Computed with the reference C code of splitmix64 and xoshiro256**: a seed in an old report must
// mean the same run for ever.
TEST(Random, DrawsTheSameNumbersOnEveryMachine) {
  Random random(1);
  EXPECT_EQ(random(), 12966619160104079557U);
  EXPECT_EQ(random(), 9600361134598540522U);
  EXPECT_EQ(random(), 10590380919521690900U);
}

TEST(Random, StreamsOfOneSeedAreIndependent) {
  Random clients(1, "clients");
  Random values(1, "values");
  EXPECT_NE(clients(), values());
  EXPECT_EQ(Random(1, "clients")(), Random(1, "clients")());
  EXPECT_NE(Random(1, "clients")(), Random(2, "clients")());
}

TEST(Random, BelowReachesEveryValueAndNoOther) {
  Random random(7);
  std::array<int, 6> counts{};
  for (int i = 0; i < 6000; ++i) {
    ++counts.at(random.below(6));
  }
  for (const int count : counts) {
    EXPECT_NEAR(count, 1000, 200);
  }
}

TEST(Random, BetweenIncludesBothEnds) {
  Random random(7);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 200; ++i) {
    seen.insert(random.between(3, 5));
  }
  EXPECT_EQ(seen, (std::set<std::uint64_t>{3, 4, 5}));
  EXPECT_EQ(random.between(9, 9), 9U);
  random.between(0, Random::max());
}

TEST(Random, ChanceOfZeroNeverAndOfOneAlways) {
  Random random(7);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(random.chance(0));
    EXPECT_TRUE(random.chance(1));
  }
}

TEST(Random, BytesAndPicks) {
  Random random(7);
  EXPECT_EQ(random.bytes(33).size(), 33U);
  std::array<int, 1> one = {42};
  EXPECT_EQ(random.pick(std::span<int>(one)), 42);
}

}  // namespace
}  // namespace crashpoint
