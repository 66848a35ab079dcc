#include "harness/base/random.h"

#include <bit>

namespace crashpoint {
namespace {

// Sebastiano Vigna, https://prng.di.unimi.it/splitmix64.c (public domain).
std::uint64_t splitmix64(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9E3779B97F4A7C15);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

}  // namespace

Random::Random(std::uint64_t seed) {
  for (std::uint64_t& word : state_) {
    word = splitmix64(seed);
  }
}

Random::Random(std::uint64_t seed, std::string_view purpose) : Random(derive_seed(seed, purpose)) {}

// David Blackman and Sebastiano Vigna, https://prng.di.unimi.it/xoshiro256starstar.c.
Random::result_type Random::operator()() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Random::below(std::uint64_t bound) {
  // Draws past the last whole multiple of `bound` would favour small results.
  const std::uint64_t uneven = (max() - bound + 1) % bound;
  std::uint64_t draw = (*this)();
  while (draw < uneven) {
    draw = (*this)();
  }
  return draw % bound;
}

std::uint64_t Random::between(std::uint64_t low, std::uint64_t high) {
  const std::uint64_t width = high - low;
  return width == max() ? (*this)() : low + below(width + 1);
}

double Random::fraction() {
  return static_cast<double>((*this)() >> 11) * 0x1.0p-53;
}

std::string Random::bytes(std::size_t size) {
  std::string out(size, '\0');
  for (char& byte : out) {
    byte = static_cast<char>((*this)() >> 56);
  }
  return out;
}

std::uint64_t derive_seed(std::uint64_t seed, std::string_view purpose) {
  std::uint64_t hash = 0xCBF29CE484222325;  // FNV-1a
  for (const char c : purpose) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  }
  std::uint64_t state = splitmix64(seed) ^ hash;
  return splitmix64(state);
}

}  // namespace crashpoint
