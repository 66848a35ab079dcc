// Writes the keyspace as the commands that rebuild it: a base without RDB preamble.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "engine/base/result.h"
#include "engine/io/file.h"
#include "engine/keyspace/keyspace.h"

namespace engine::aof {

struct BaseOptions {
  bool checksum = true;                     // aof-checksum
  bool write_back = true;                   // aof-rewrite-incremental-fsync
  std::optional<std::int64_t> timestamp_s;  // aof-timestamp-enabled: a #TS line at the head
  std::int64_t key_delay_us = 0;            // rdb-key-save-delay
  std::function<void(std::uint64_t keys_written)> progress;
};

// This makes nothing durable: sync the file.
Status write_base(io::File& file, const keyspace::Keyspace& keyspace, const BaseOptions& options);

}  // namespace engine::aof
