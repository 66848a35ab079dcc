// Unsigned and signed integers of fixed width in little-endian byte order, at any alignment.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace engine {

static_assert(std::endian::native == std::endian::little, "x86-64 and aarch64 Linux only");

template <typename T>
T load_le(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

template <typename T>
void store_le(void* to, T value) {
  std::memcpy(to, &value, sizeof(value));
}

}  // namespace engine
