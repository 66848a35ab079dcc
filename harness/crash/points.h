// The crash points of a trace: the moments at which a crash can leave something new, or after which more
// is promised.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "harness/trace/trace.h"

namespace crashpoint::crash {

// Something other than a send by which the run acknowledged: it had, from `position` on.
struct Ack {
  trace::Position position = 0;
  std::int64_t at_ns = 0;
};

struct PointOptions {
  // Only where the run ended: the crash itself, when a fault made it.
  bool only_the_end = false;
  // Only before and after what a program orders its durability by: syncs, and changes of names
  // (rename, link, unlink). Else also before and after every other change of the data directory, and
  // after every reply.
  bool persistence_points_only = false;
  // Only while a child of this purpose lives ("rewrite", "snapshot"); empty: always.
  std::string while_child = {};
  // After each of these as well: more is promised then.
  std::vector<Ack> acks = {};
  // Of those, by number from 0, both included.
  std::uint64_t first = 0;
  std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
};

struct CrashPoint {
  trace::Position position = 0;
  // The last moment the crash can come: just before the next event, or with the last one.
  std::int64_t at_ns = 0;
  // When the oldest sync that was running then began; the maximum if none was.
  std::int64_t sync_began_ns = std::numeric_limits<std::int64_t>::max();
};

// In order of the trace. "Before" a call is while it is in the kernel: whether it happened is open.
[[nodiscard]] std::vector<CrashPoint> crash_points(const trace::Trace& trace,
                                                   const PointOptions& options = {});

}  // namespace crashpoint::crash
