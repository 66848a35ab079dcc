// For tests: time that passes only when a test says so.
#pragma once

#include <cstdint>

#include "engine/base/clock.h"

namespace engine {

class ManualClock final : public Clock {
 public:
  std::int64_t wall_ms() const override { return wall_ms_; }
  std::int64_t monotonic_us() const override { return monotonic_us_; }
  void advance_ms(std::int64_t ms) {
    wall_ms_ += ms;
    advance_monotonic_ms(ms);
  }
  void advance_s(std::int64_t seconds) { advance_ms(seconds * 1000); }
  void advance_monotonic_ms(std::int64_t ms) { monotonic_us_ += ms * 1000; }
  void set_wall_ms(std::int64_t ms) { wall_ms_ = ms; }

 private:
  std::int64_t wall_ms_ = 1'700'000'000'000;
  std::int64_t monotonic_us_ = 1'000'000'000;
};

}  // namespace engine
