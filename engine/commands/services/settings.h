// The directives that commands obey. The server sets them at start and on CONFIG SET; the encoding
// thresholds are in Keyspace::limits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace engine::commands {

// maxmemory-policy: which keys may be evicted, and in which order.
struct EvictionPolicy {
  enum class By : std::uint8_t { kNothing, kLastUse, kFrequency, kChance, kTimeToLive };
  By by = By::kNothing;
  bool only_volatile = false;  // those that expire
};

struct Settings {
  std::int64_t slowlog_log_slower_than_us = 10'000;  // negative: never, 0: every command
  std::size_t slowlog_max_len = 128;
  bool latency_tracking = true;
  std::size_t proto_max_bulk_len = 512ull << 20;
  std::size_t hll_sparse_max_bytes = 3000;
  bool lazyfree_lazy_user_del = false;  // UNLINK instead of DEL is logged
  bool lazyfree_lazy_user_flush = false;
  bool lazyfree_lazy_expire = false;
  bool lazyfree_lazy_server_del = false;
  bool lazyfree_lazy_eviction = false;
  std::uint64_t maxmemory_bytes = 0;  // 0: no limit
  EvictionPolicy eviction;
  std::size_t maxmemory_samples = 5;
  int maxmemory_eviction_tenacity = 10;  // 0 .. 100
  std::uint32_t notified_events = 0;     // of EventClass (notify-keyspace-events)
  bool active_expire = true;             // DEBUG SET-ACTIVE-EXPIRE
  int active_expire_effort = 1;          // 1 .. 10
  int hz = 10;

  enum class Access : std::uint8_t { kLru, kLfu };  // what maxmemory-policy needs to know of a key
  Access access = Access::kLru;
  int lfu_log_factor = 10;
  int lfu_decay_time_min = 1;
};

}  // namespace engine::commands
