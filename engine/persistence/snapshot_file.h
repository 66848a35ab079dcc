// Writing the RDB file of a keyspace so that the old one stays whole until the new one is durable.
//
// There are two functions because a forked child does the first and its parent the second, after it
// has read the child's exit status.
#pragma once

#include <sys/types.h>

#include <string>

#include "engine/base/result.h"
#include "engine/keyspace/keyspace.h"
#include "engine/rdb/snapshot_writer.h"

namespace engine::persistence {

// "<dbfilename>.lock": held by the server that keeps its data in that file.
std::string snapshot_lock_name(const std::string& dbfilename);

// "temp-<pid>.rdb": redis-server's name for it.
std::string temp_snapshot_name(pid_t pid);

// Writes `path` anew and syncs it. On an error the file is removed.
Status write_snapshot_file(const std::string& path, const keyspace::Keyspace& keyspace,
                           const rdb::SnapshotOptions& options);

// Renames `temp` (synced) to `name`, both in `directory`, and syncs the directory.
Status install_snapshot_file(const std::string& directory, const std::string& temp,
                             const std::string& name);

}  // namespace engine::persistence
