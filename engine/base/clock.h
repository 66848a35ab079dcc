// Time, as an interface, so that tests can set it.
#pragma once

#include <cstdint>

namespace engine {

class Clock {
 public:
  virtual ~Clock() = default;
  // Milliseconds since the Unix epoch: what expiry times are measured in.
  virtual std::int64_t wall_ms() const = 0;
  // Microseconds on a clock that never jumps: what durations and timeouts are measured in.
  virtual std::int64_t monotonic_us() const = 0;
};

// The kernel's clocks. Safe from any thread.
class SystemClock final : public Clock {
 public:
  std::int64_t wall_ms() const override;
  std::int64_t monotonic_us() const override;
};

}  // namespace engine
