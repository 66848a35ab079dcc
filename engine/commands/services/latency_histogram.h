// How long the calls of one command took, in classes whose width grows with the duration (2 decimal
// digits are kept), as in the HdrHistogram that redis-server uses: the same classes, so that INFO
// latencystats and LATENCY HISTOGRAM show the same figures for the same durations.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace engine::commands {

class LatencyHistogram {
 public:
  void record(std::int64_t duration_us);

  std::uint64_t count() const { return count_; }
  // The duration that `percent` of the calls did not exceed; microseconds. Not when count() is 0.
  double percentile_us(double percent) const;
  // (microseconds, how many calls took no longer), microseconds doubling; only entries where the
  // count grows.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> cumulative() const;

 private:
  // Up to 1 s in nanoseconds; longer durations count as 1 s.
  static constexpr std::size_t kClasses = std::size_t{24} * 128;

  std::array<std::uint64_t, kClasses> counts_{};
  std::uint64_t count_ = 0;
};

}  // namespace engine::commands
