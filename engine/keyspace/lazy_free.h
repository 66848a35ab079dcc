// Frees large values in a thread of its own, so that no client waits for it: UNLINK, FLUSHALL
// ASYNC, and other commands as the lazyfree directives say.
//
// There is one thread per process. It starts with the first large value and ends with the process:
// what it has not freed by then is left to the kernel. If the thread cannot be started, values are
// freed at once.
//
// Threads  Called from one (the one that executes commands).
#pragma once

#include <cstddef>
#include <memory>

#include "engine/keyspace/object.h"

namespace engine::keyspace {

class Database;

namespace lazy_free {

void take(std::unique_ptr<Database> database);
void take(Object value);

// Keys that wait to be freed, or were freed by the thread since the last reset.
std::size_t pending_objects();
std::size_t freed_objects();
void reset_freed_objects();

}  // namespace lazy_free
}  // namespace engine::keyspace
