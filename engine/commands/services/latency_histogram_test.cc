#include "engine/commands/services/latency_histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace engine::commands {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

// Figures that redis-server 7.0.15 showed in INFO latencystats.
TEST(LatencyHistogram, HasTheClassesOfRedis) {
  for (const auto& [us, shown] : {std::pair{1, 1.003},
                                  {2, 2.007},
                                  {3, 3.007},
                                  {8, 8.031},
                                  {10, 10.047},
                                  {19, 19.071},
                                  {35, 35.071},
                                  {177, 177.151},
                                  {1572, 1572.863},
                                  {10158, 10158.079}}) {
    LatencyHistogram histogram;
    histogram.record(us);
    EXPECT_DOUBLE_EQ(histogram.percentile_us(50), shown) << us;
  }
}

TEST(LatencyHistogram, FindsThePercentiles) {
  LatencyHistogram histogram;
  for (int us = 1; us <= 100; ++us) {
    histogram.record(us);
  }
  EXPECT_DOUBLE_EQ(histogram.percentile_us(0), 1.003);
  EXPECT_DOUBLE_EQ(histogram.percentile_us(50), 50.175);
  EXPECT_DOUBLE_EQ(histogram.percentile_us(100), 100.351);
}

TEST(LatencyHistogram, CumulatesInDoublingSteps) {
  LatencyHistogram histogram;
  for (const std::int64_t us : {0, 1, 8, 20, 20, 5'000'000}) {
    histogram.record(us);
  }
  EXPECT_EQ(histogram.count(), 6u);
  EXPECT_THAT(histogram.cumulative(),
              ElementsAre(Pair(1, 2), Pair(8, 3), Pair(33, 5), Pair(1'073'741, 6)));
}

}  // namespace
}  // namespace engine::commands
