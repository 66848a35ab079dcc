// Frees what is large in a thread of its own, so that nobody waits for it: UNLINK, FLUSHALL ASYNC and what
// the lazyfree directives make of others.
//
// The thread is one per process, begins with the first thing that is large, and ends with the process: what
// it has not come to by then is left to the kernel. Where there is no thread to be had, things are freed at
// once.
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
