// The clock of the events, the delays and the moments of a run.
#pragma once

#include <cstdint>
#include <ctime>

namespace crashpoint::ptrace {

// CLOCK_MONOTONIC.
[[nodiscard]] inline std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace crashpoint::ptrace
