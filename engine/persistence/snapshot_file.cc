#include "engine/persistence/snapshot_file.h"

#include <fmt/format.h>

#include "engine/io/directory.h"
#include "engine/io/failpoint.h"
#include "engine/io/file.h"

namespace engine::persistence {
namespace {

Status write_and_sync(const std::string& path, const keyspace::Keyspace& keyspace,
                      const rdb::SnapshotOptions& options) {
  if (Status ok = io::fail_at("rdb/save/before-write", path); !ok) {
    return ok;
  }
  Result<io::File> file = io::File::open(path, io::OpenMode::kCreate);
  if (!file) {
    return tl::unexpected(file.error());
  }
  if (Status written = rdb::write_snapshot(*file, keyspace, options); !written) {
    return written;
  }
  if (Status ok = io::fail_at("rdb/save/before-fsync", path); !ok) {
    return ok;
  }
  if (io::failpoint("planted/skip-snapshot-fsync") == 0) {
    if (Status synced = file->sync(); !synced) {
      return synced;
    }
  }
  if (Status ok = io::fail_at("rdb/save/after-fsync", path); !ok) {
    return ok;
  }
  return file->close();
}

}  // namespace

std::string snapshot_lock_name(const std::string& dbfilename) {
  return dbfilename + ".lock";
}

std::string temp_snapshot_name(pid_t pid) {
  return fmt::format("temp-{}.rdb", pid);
}

Status write_snapshot_file(const std::string& path, const keyspace::Keyspace& keyspace,
                           const rdb::SnapshotOptions& options) {
  Status status = write_and_sync(path, keyspace, options);
  if (!status) {
    static_cast<void>(io::remove_file(path));
  }
  return status;
}

Status install_snapshot_file(const std::string& directory, const std::string& temp,
                             const std::string& name) {
  const std::string from = io::join_path(directory, temp);
  const std::string to = io::join_path(directory, name);
  Status status = io::fail_at("rdb/save/before-rename", from);
  if (status) {
    status = io::rename_file(from, to);
  }
  if (!status) {
    static_cast<void>(io::remove_file(from));
    return status;
  }
  if (Status ok = io::fail_at("rdb/save/after-rename", to); !ok) {
    return ok;
  }
  if (Status synced = io::sync_directory(directory); !synced) {
    return synced;
  }
  return io::fail_at("rdb/save/after-directory-sync", directory);
}

}  // namespace engine::persistence
