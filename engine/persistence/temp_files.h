// Temporary files that a killed process left.
#pragma once

#include <string>

#include "engine/base/log.h"

namespace engine::persistence {

// Removes from `directory` the temporary names that carry a process id ("temp-<pid>.rdb",
// "temp-rewriteaof-<pid>.aof", "temp-rewriteaof-bg-<pid>.aof") if no such process runs, or it is
// this one, which is writing none now.
void remove_stale_temp_files(const std::string& directory, Log& log);

}  // namespace engine::persistence
