// Writes a whole keyspace as an RDB file.
#pragma once

#include <cstdint>
#include <functional>

#include "engine/base/result.h"
#include "engine/io/file.h"
#include "engine/keyspace/keyspace.h"
#include "engine/rdb/eviction_hint.h"

namespace engine::rdb {

struct SnapshotOptions {
  bool compress = true;    // rdbcompression
  bool checksum = true;    // rdbchecksum
  bool write_back = true;  // rdb-save-incremental-fsync
  bool aof_base = false;   // aux field aof-base: the file opens an append only file
  EvictionHint eviction_hint = EvictionHint::kNone;
  std::int64_t now_s = 0;                                    // aux field ctime, Unix time
  std::int64_t key_delay_us = 0;                             // rdb-key-save-delay
  std::function<void(std::uint64_t keys_written)> progress;  // after each key; may be empty
};

// Writes from the current position of `file`. This makes nothing durable: sync the file.
Status write_snapshot(io::File& file, const keyspace::Keyspace& keyspace,
                      const SnapshotOptions& options);

}  // namespace engine::rdb
