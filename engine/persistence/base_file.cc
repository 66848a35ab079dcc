#include "engine/persistence/base_file.h"

#include <fmt/format.h>

#include "engine/aof/base_writer.h"
#include "engine/io/directory.h"
#include "engine/io/failpoint.h"
#include "engine/io/file.h"
#include "engine/persistence/snapshot_file.h"

namespace engine::persistence {
namespace {

Status write_commands(const std::string& path, const keyspace::Keyspace& keyspace,
                      const aof::BaseOptions& options) {
  Result<io::File> file = io::File::open(path, io::OpenMode::kCreate);
  if (!file) {
    return tl::unexpected(file.error());
  }
  if (Status written = aof::write_base(*file, keyspace, options); !written) {
    return written;
  }
  if (Status ok = io::fail_at("aof/rewrite/child-before-fsync", path); !ok) {
    return ok;
  }
  if (Status synced = file->sync(); !synced) {
    return synced;
  }
  return file->close();
}

}  // namespace

std::string temp_base_name(pid_t writer) {
  return fmt::format("temp-rewriteaof-bg-{}.aof", writer);
}

Status write_base_file(const std::string& path, const keyspace::Keyspace& keyspace,
                       const Settings& settings, std::int64_t now_s,
                       const std::function<void(std::uint64_t)>& keys_written) {
  if (settings.aof_use_rdb_preamble) {
    rdb::SnapshotOptions options;
    options.compress = settings.rdbcompression;
    options.checksum = settings.rdbchecksum;
    options.write_back = settings.aof_rewrite_incremental_fsync;
    options.aof_base = true;
    options.eviction_hint = settings.eviction_hint;
    options.now_s = now_s;
    options.key_delay_us = settings.rdb_key_save_delay_us;
    options.progress = keys_written;
    return write_snapshot_file(path, keyspace, options);
  }
  aof::BaseOptions options;
  options.checksum = settings.aof_checksum;
  options.write_back = settings.aof_rewrite_incremental_fsync;
  if (settings.aof_timestamp_enabled) {
    options.timestamp_s = now_s;
  }
  options.key_delay_us = settings.rdb_key_save_delay_us;
  options.progress = keys_written;
  Status status = write_commands(path, keyspace, options);
  if (!status) {
    static_cast<void>(io::remove_file(path));
  }
  return status;
}

}  // namespace engine::persistence
