// Which operations took long, by kind ("command", "fork", "aof-write", "aof-fsync-always", ...):
// what redis-server's LATENCY command reports.
//
// Threads  One.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/clock.h"

namespace engine {

class LatencyMonitor {
 public:
  struct Sample {
    std::int64_t time_s = 0;  // since the epoch; one sample a second, the longest
    std::int64_t latency_ms = 0;
  };
  struct Event {
    std::deque<Sample> samples;  // the newest kSamplesMax, oldest first; never empty
    std::int64_t latency_ms_max = 0;
  };
  static constexpr std::size_t kSamplesMax = 160;

  // Borrows the clock.
  explicit LatencyMonitor(const Clock& clock) : clock_(clock) {}

  // latency-monitor-threshold: what took at least this long is kept; 0: nothing is.
  void set_threshold_ms(std::int64_t threshold_ms) { threshold_ms_ = threshold_ms; }
  void took(std::string_view event, std::int64_t duration_us) {
    if (threshold_ms_ > 0 && duration_us / 1000 >= threshold_ms_) {
      keep(event, duration_us / 1000);
    }
  }

  const std::map<std::string, Event, std::less<>>& events() const { return events_; }
  // Forgets these events, or all if none is named; returns how many there were.
  std::size_t reset(std::span<const std::string_view> names);

 private:
  void keep(std::string_view event, std::int64_t latency_ms);

  const Clock& clock_;
  std::int64_t threshold_ms_ = 0;
  std::map<std::string, Event, std::less<>> events_;
};

}  // namespace engine
