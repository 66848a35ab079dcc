// Loads an RDB file, versions 1 to 10, into a keyspace.
#pragma once

#include <cstdint>
#include <functional>

#include "engine/base/log.h"
#include "engine/base/result.h"
#include "engine/io/file.h"
#include "engine/keyspace/keyspace.h"
#include "engine/rdb/eviction_hint.h"

namespace engine::rdb {

// How far a load has come.
struct LoadProgress {
  std::uint64_t offset = 0;             // bytes read
  std::uint64_t used_memory_bytes = 0;  // the memory of the writer, as it reported it
  std::int64_t keys_loaded = 0;
  std::int64_t keys_expired = 0;
};

struct LoadOptions {
  bool verify_checksum = true;  // rdbchecksum
  // Expired keys of a snapshot are left out. They are kept where commands follow that were executed
  // before they expired (the base of an append only file).
  bool keep_expired = false;
  bool overwrite = false;  // DEBUG RELOAD MERGE: a key that is there already is replaced
  EvictionHint eviction_hint = EvictionHint::kNone;
  std::int64_t now_ms = 0;
  std::int64_t key_delay_us = 0;                      // key-load-delay
  std::uint64_t progress_interval_bytes = 2u << 20;   // loading-process-events-interval-bytes
  std::function<void(const LoadProgress&)> progress;  // may be empty
};

struct LoadResult {
  std::uint64_t end_offset = 0;  // where the snapshot ends in the file: after its checksum
  std::int64_t keys_loaded = 0;
  std::int64_t keys_expired = 0;
  std::int64_t empty_keys_skipped = 0;
};

// An error names the file, the byte and the reason; `keyspace` then holds what had been read by
// then. The checksum is verified when everything has been read.
Result<LoadResult> load_snapshot(const io::File& file, keyspace::Keyspace& keyspace,
                                 const LoadOptions& options, Log& log);

}  // namespace engine::rdb
