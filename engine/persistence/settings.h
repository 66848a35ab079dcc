// The directives of redis.conf that concern persistence, with redis-server 7.0's names and
// defaults.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/aof/fsync_policy.h"
#include "engine/rdb/eviction_hint.h"

namespace engine::persistence {

using aof::FsyncPolicy;

// sanitize-dump-payload: whether blobs read from an RDB file or RESTORE are validated entry by
// entry. (The engine validates always, since a hostile blob must never crash it; the directive is
// kept for CONFIG GET and decides nothing more.)
enum class SanitizePayload { kNo, kYes, kClients };

// `save <seconds> <changes>`.
struct SaveRule {
  std::int64_t seconds = 0;
  std::int64_t changes = 0;

  bool operator==(const SaveRule&) const = default;
};

struct Settings {
  // `dir`: absolute. It may change at run time; an enabled AOF stays in the directory it was opened
  // in.
  std::string directory = ".";
  std::string dbfilename = "dump.rdb";
  std::vector<SaveRule> save = {{3600, 1}, {300, 100}, {60, 10000}};
  bool rdbcompression = true;
  bool rdbchecksum = true;
  bool rdb_save_incremental_fsync = true;
  bool stop_writes_on_bgsave_error = true;
  SanitizePayload sanitize_dump_payload = SanitizePayload::kNo;
  rdb::EvictionHint eviction_hint = rdb::EvictionHint::kNone;  // by maxmemory-policy

  bool appendonly = false;
  std::string appendfilename = "appendonly.aof";  // fixed at start
  std::string appenddirname = "appendonlydir";    // fixed at start
  FsyncPolicy appendfsync = FsyncPolicy::kEverysec;
  bool no_appendfsync_on_rewrite = false;
  int auto_aof_rewrite_percentage = 100;  // 0 = never
  std::int64_t auto_aof_rewrite_min_size_bytes = std::int64_t{64} << 20;
  bool aof_load_truncated = true;
  bool aof_use_rdb_preamble = true;
  bool aof_timestamp_enabled = false;
  bool aof_rewrite_incremental_fsync = true;
  bool aof_disable_auto_gc = false;
  bool aof_checksum = true;  // ours: checksums and a synced watermark in annotation lines

  std::int64_t loading_process_events_interval_bytes = std::int64_t{2} << 20;
  // Microseconds per key; negative: one microsecond for every -n keys (hidden in redis-server).
  std::int64_t rdb_key_save_delay_us = 0;
  std::int64_t key_load_delay_us = 0;
};

}  // namespace engine::persistence
