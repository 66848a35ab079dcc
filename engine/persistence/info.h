// The figures of INFO persistence and the fields of INFO stats that come from here. The server
// prints them in redis-server 7.0's order and form.
#pragma once

#include <cstdint>

namespace engine::persistence {

struct Info {
  bool loading = false;
  std::int64_t loading_start_time_s = 0;
  std::int64_t loading_total_bytes = 0;
  std::int64_t loading_rdb_used_memory_bytes = 0;
  std::int64_t loading_loaded_bytes = 0;

  std::int64_t current_cow_peak_bytes = 0;
  std::int64_t current_cow_size_bytes = 0;
  std::int64_t current_cow_size_age_s = 0;
  double current_fork_percent = 0;
  std::int64_t current_save_keys_processed = 0;
  std::int64_t current_save_keys_total = 0;

  std::int64_t rdb_changes_since_last_save = 0;
  bool rdb_bgsave_in_progress = false;
  std::int64_t rdb_last_save_time_s = 0;
  bool rdb_last_bgsave_ok = true;
  std::int64_t rdb_last_bgsave_time_s = -1;
  std::int64_t rdb_current_bgsave_time_s = -1;
  std::int64_t rdb_saves = 0;
  std::int64_t rdb_last_cow_size_bytes = 0;
  std::int64_t rdb_last_load_keys_expired = 0;
  std::int64_t rdb_last_load_keys_loaded = 0;

  bool aof_enabled =
      false;  // also while the first rewrite after CONFIG SET appendonly yes is awaited
  bool aof_rewrite_in_progress = false;
  bool aof_rewrite_scheduled = false;
  std::int64_t aof_last_rewrite_time_s = -1;
  std::int64_t aof_current_rewrite_time_s = -1;
  bool aof_last_bgrewrite_ok = true;
  std::int64_t aof_rewrites = 0;
  std::int64_t aof_rewrites_consecutive_failures = 0;
  bool aof_last_write_ok = true;
  std::int64_t aof_last_cow_size_bytes = 0;
  std::int64_t aof_current_size_bytes = 0;
  std::int64_t aof_base_size_bytes = 0;
  std::int64_t aof_buffer_length_bytes = 0;
  std::int64_t aof_pending_bio_fsync = 0;
  std::int64_t aof_delayed_fsync = 0;

  std::int64_t total_forks = 0;
  std::int64_t latest_fork_us = 0;
};

}  // namespace engine::persistence
