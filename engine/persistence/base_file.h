// The file of a base: the keyspace as an RDB file or as commands, by aof-use-rdb-preamble.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

#include "engine/base/result.h"
#include "engine/keyspace/keyspace.h"
#include "engine/persistence/settings.h"

namespace engine::persistence {

// "temp-rewriteaof-bg-<pid>.aof": redis-server's name for one that process `writer` writes.
std::string temp_base_name(pid_t writer);

// Writes `path` anew and syncs it; on an error the file is removed. `now_s`: Unix time.
// `keys_written` is called after each key.
Status write_base_file(const std::string& path, const keyspace::Keyspace& keyspace,
                       const Settings& settings, std::int64_t now_s,
                       const std::function<void(std::uint64_t)>& keys_written);

}  // namespace engine::persistence
