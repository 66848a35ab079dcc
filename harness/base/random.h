// Seeded randomness: the same on every machine and standard library, so that a seed in a report
// reproduces the run. (std::uniform_int_distribution is free to differ between libraries.)
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace crashpoint {

// xoshiro256**, seeded through splitmix64. A UniformRandomBitGenerator. Not for several threads.
class Random {
 public:
  using result_type = std::uint64_t;

  explicit Random(std::uint64_t seed);

  // A stream of its own for a purpose ("workload/client/3"): what is drawn from one stream never
  // shifts another.
  Random(std::uint64_t seed, std::string_view purpose);

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  result_type operator()();

  // Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound);
  // Uniform in [low, high], both included; low <= high.
  std::uint64_t between(std::uint64_t low, std::uint64_t high);
  // Uniform in [0, 1).
  double fraction();
  bool chance(double probability) { return fraction() < probability; }
  std::string bytes(std::size_t size);

  template <typename T>
  T& pick(std::span<T> items) {
    return items[below(items.size())];
  }

 private:
  std::array<std::uint64_t, 4> state_{};
};

// A seed for `purpose` that depends on all of `seed`.
[[nodiscard]] std::uint64_t derive_seed(std::uint64_t seed, std::string_view purpose);

}  // namespace crashpoint
