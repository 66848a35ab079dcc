// How fast a counter grows, averaged over the last samples (INFO's instantaneous_... fields).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace engine::server {

class Rate {
 public:
  // `counter` never falls (a smaller value starts afresh).
  void sample(std::uint64_t counter, std::int64_t now_ms) {
    const std::int64_t elapsed_ms = now_ms - last_ms_;
    const std::uint64_t grown = counter >= last_counter_ ? counter - last_counter_ : 0;
    per_second_[next_] = elapsed_ms > 0 ? grown * 1000 / static_cast<std::uint64_t>(elapsed_ms) : 0;
    next_ = (next_ + 1) % kSamples;
    last_ms_ = now_ms;
    last_counter_ = counter;
  }

  std::uint64_t per_second() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t sample : per_second_) {
      sum += sample;
    }
    return sum / kSamples;
  }

 private:
  static constexpr std::size_t kSamples = 16;

  std::array<std::uint64_t, kSamples> per_second_ = {};
  std::size_t next_ = 0;
  std::int64_t last_ms_ = 0;
  std::uint64_t last_counter_ = 0;
};

}  // namespace engine::server
