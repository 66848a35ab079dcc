// When a crash came, on the scales by which something was acknowledged.
#pragma once

#include <cstdint>
#include <limits>

#include "harness/trace/event.h"

namespace crashpoint::oracle {

// The default is the end of the history (a live crash).
struct CrashMoment {
  trace::Position position = trace::kNever;  // what was acked before it was acked
  std::int64_t at_ns =
      std::numeric_limits<std::int64_t>::max();  // its time; the history's end if later
  // When a sync began that was running then: what kBuffered lets go counts from there.
  std::int64_t sync_began_ns = std::numeric_limits<std::int64_t>::max();
};

}  // namespace crashpoint::oracle
