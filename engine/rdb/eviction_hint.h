// What an RDB file says about a key's last use, and how the 24 bits of Object::access() hold it.
#pragma once

#include <cstdint>

#include "engine/keyspace/object.h"

namespace engine::rdb {

// By maxmemory-policy: idle seconds under the *-lru ones, a logarithmic counter under the *-lfu
// ones. Under the others nothing is written, and the 24 bits are as under LRU.
enum class EvictionHint : std::uint8_t { kNone, kIdle, kFrequency };

// LRU: the Unix time of last use in seconds. LFU: that of last decay in minutes, 16 bits, and the
// counter, 8 bits.
inline constexpr std::uint32_t kAccessMask = 0xffffff;
inline constexpr std::uint8_t kFrequencyOfNewKey = 5;

inline std::uint64_t idle_seconds(const keyspace::Object& value, std::int64_t now_s) {
  return (static_cast<std::uint32_t>(now_s) - value.access()) & kAccessMask;
}
inline std::uint8_t frequency(const keyspace::Object& value) {
  return static_cast<std::uint8_t>(value.access());
}
inline void set_idle(keyspace::Object& value, std::uint64_t idle_s, std::int64_t now_s) {
  value.set_access(static_cast<std::uint32_t>(static_cast<std::uint64_t>(now_s) - idle_s));
}
inline void set_frequency(keyspace::Object& value, std::uint8_t frequency, std::int64_t now_s) {
  value.set_access((static_cast<std::uint32_t>(now_s / 60) << 8) | frequency);
}

}  // namespace engine::rdb
