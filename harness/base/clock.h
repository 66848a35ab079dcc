// The monotonic clock on which durations are measured and traces and histories are stamped; and the time of day.
#pragma once

#include <chrono>
#include <cstdint>

namespace crashpoint {

using SteadyClock = std::chrono::steady_clock;

[[nodiscard]] inline double ms_since(SteadyClock::time_point began) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - began).count();
}

// In ns; CLOCK_MONOTONIC, as a program sees it too.
[[nodiscard]] inline std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(SteadyClock::now().time_since_epoch())
      .count();
}

// Milliseconds since the epoch, the unit of key deadlines.
[[nodiscard]] inline std::int64_t unix_now_ms() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             system_clock::now().time_since_epoch())
      .count();
}

}  // namespace crashpoint
