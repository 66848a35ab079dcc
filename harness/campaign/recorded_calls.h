// Which calls a target makes in a life without faults, for faults that strike at each of them.
#pragma once

#include <string>
#include <vector>

#include "harness/scenario/load/load.h"
#include "harness/trace/trace.h"

namespace crashpoint::campaign {

// Runs the target of the case twice, up to the crash, or through the start after it: the calls that it made both times,
// since a server makes some by the clock. Throws UsageError and EnvironmentError. Leaves no process and no file.
[[nodiscard]] std::vector<scenario::Call> record_calls(const scenario::Case& of,
                                                       const scenario::CallsWanted& wanted);

// Those of a trace, in their order. Numbers in names that differ from run to run are a `*`.
[[nodiscard]] std::vector<scenario::Call> calls_in(const trace::Trace& trace,
                                                   const scenario::CallsWanted& wanted);

}  // namespace crashpoint::campaign
