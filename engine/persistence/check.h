// `crashpoint-engine --check DIR`: what a start would load from a directory, found out by the code
// of a start, without changing anything.
#pragma once

#include <cstdio>

#include "engine/aof/replay_target.h"
#include "engine/keyspace/keyspace.h"
#include "engine/persistence/settings.h"

namespace engine::persistence {

// Examines the append only file and the snapshot in settings.directory, whichever are there, and
// prints what would load, what would be cut off, and what is damaged and where. `keyspace` is empty
// and `target` executes on it; both hold what was loaded last. Returns the exit code: 0 if
// everything that is there would load, 1 if something would be refused.
int check_directory(const Settings& settings, keyspace::Keyspace& keyspace,
                    aof::ReplayTarget& target, std::FILE* out);

}  // namespace engine::persistence
