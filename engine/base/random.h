// Random numbers for choices that need no secrecy: sampling, random members, seeds of tables.
#pragma once

#include <cstdint>

namespace engine {

// xoshiro256** (Blackman, Vigna 2018). One thread.
class Random {
 public:
  // The same seed gives the same sequence.
  explicit Random(std::uint64_t seed);
  // Seeded by the kernel.
  static Random from_entropy();

  std::uint64_t next();
  // In [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound);

 private:
  std::uint64_t state_[4] = {};
};

}  // namespace engine
