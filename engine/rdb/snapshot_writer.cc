#include "engine/rdb/snapshot_writer.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/debug_delay.h"
#include "engine/base/memory.h"
#include "engine/base/text.h"
#include "engine/base/version.h"
#include "engine/rdb/encode.h"
#include "engine/rdb/output.h"
#include "engine/rdb/rdb_format.h"

namespace engine::rdb {
namespace {

void put_aux(Output& out, std::string_view key, std::string_view value) {
  out.put_byte(kAux);
  put_string(out, key, false);
  put_string(out, value, false);
}

void put_header(Output& out, const SnapshotOptions& options) {
  out.put(fmt::format("{}{:04}", kMagic, kVersion));
  put_aux(out, "redis-ver", kRedisVersion);
  put_aux(out, "redis-bits", "64");
  put_aux(out, "ctime", Digits(options.now_s));
  put_aux(out, "used-mem", Digits(std::uint64_t{memory::used_bytes()}));
  put_aux(out, "aof-base", options.aof_base ? "1" : "0");
}

void put_i64(Output& out, std::int64_t value) {
  std::array<char, sizeof(value)> bytes{};
  store_le(bytes.data(), value);
  out.put({bytes.data(), bytes.size()});
}

void put_hint(Output& out, const keyspace::Object& value, const SnapshotOptions& options) {
  switch (options.eviction_hint) {
    case EvictionHint::kNone:
      return;
    case EvictionHint::kIdle:
      out.put_byte(kIdle);
      return put_length(out, idle_seconds(value, options.now_s));
    case EvictionHint::kFrequency:
      out.put_byte(kFrequency);
      return out.put_byte(frequency(value));
  }
}

}  // namespace

Status write_snapshot(io::File& file, const keyspace::Keyspace& keyspace,
                      const SnapshotOptions& options) {
  Output out(file, options.checksum, options.write_back);
  put_header(out, options);
  DebugDelay delay(options.key_delay_us);
  std::uint64_t keys_written = 0;
  for (int index = 0; index < keyspace.count(); ++index) {
    const keyspace::Database& database = keyspace.database(index);
    if (database.size() == 0) {
      continue;
    }
    out.put_byte(kSelectDb);
    put_length(out, static_cast<std::uint64_t>(index));
    out.put_byte(kResizeDb);
    put_length(out, database.size());
    put_length(out, database.expires_size());
    database.for_each(
        [&](std::string_view key, const keyspace::Object& value, std::int64_t expire_ms) {
          if (out.failed()) {
            return;
          }
          if (expire_ms != keyspace::kNoExpiry) {
            out.put_byte(kExpireMs);
            put_i64(out, expire_ms);
          }
          put_hint(out, value, options);
          out.put_byte(value_type(value));
          put_string(out, key, options.compress);
          put_value(out, value, options.compress);
          delay.pause();
          ++keys_written;
          if (options.progress) {
            options.progress(keys_written);
          }
        });
  }
  // A snapshot without some keys would lose them: it replaces the old one.
  ENGINE_CHECK(out.failed() || keys_written == keyspace.size(), keys_written, keyspace.size());
  out.put_byte(kEof);
  if (Status flushed = out.flush(); !flushed) {
    return flushed;
  }
  put_i64(out, static_cast<std::int64_t>(options.checksum ? out.crc() : 0));
  return out.flush();
}

}  // namespace engine::rdb
