#include "engine/base/latency_monitor.h"

#include <gtest/gtest.h>

#include <string_view>

namespace engine {
namespace {

struct SetClock final : Clock {
  std::int64_t wall_ms() const override { return now_s * 1000; }
  std::int64_t monotonic_us() const override { return now_s * 1'000'000; }
  std::int64_t now_s = 100;
};

TEST(LatencyMonitor, KeepsWhatReachesTheThreshold) {
  SetClock clock;
  LatencyMonitor monitor(clock);
  monitor.took("fork", 9'000'000);
  monitor.set_threshold_ms(5);
  monitor.took("fork", 4'999);
  EXPECT_TRUE(monitor.events().empty());
  monitor.took("fork", 5'000);
  EXPECT_EQ(monitor.events().at("fork").samples.front().latency_ms, 5);
}

TEST(LatencyMonitor, KeepsTheLongestOfASecondAndTheNewest160) {
  SetClock clock;
  LatencyMonitor monitor(clock);
  monitor.set_threshold_ms(1);
  for (std::int64_t i = 1; i <= 200; ++i) {
    clock.now_s = 100 + i;
    monitor.took("command", i * 1000);
    monitor.took("command", 1000);
  }
  const LatencyMonitor::Event& event = monitor.events().at("command");
  EXPECT_EQ(event.samples.size(), LatencyMonitor::kSamplesMax);
  EXPECT_EQ(event.samples.front().time_s, 141);
  EXPECT_EQ(event.samples.back().latency_ms, 200);
  EXPECT_EQ(event.latency_ms_max, 200);
}

TEST(LatencyMonitor, ForgetsTheEventsNamed) {
  SetClock clock;
  LatencyMonitor monitor(clock);
  monitor.set_threshold_ms(1);
  for (const char* name : {"a", "b", "c"}) {
    monitor.took(name, 1000);
  }
  const std::string_view names[] = {"a", "none"};
  EXPECT_EQ(monitor.reset(names), 1u);
  EXPECT_EQ(monitor.reset({}), 2u);
  EXPECT_TRUE(monitor.events().empty());
}

}  // namespace
}  // namespace engine
