// What a crashed run could have left for recovery: one directory after a process kill, every
// permitted crash state after a power loss, and each of them with the damage the scenario asks for.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "harness/scenario/scenario.h"
#include "harness/trace/trace.h"
#include "harness/workload/history.h"

namespace crashpoint::campaign {

// `name` tells the directory from the others of the case: "truncate x.aof to 93". Empty if there is
// only one.
using VisitDirectory = std::function<void(const std::string& name, const trace::Image& image)>;

// Calls `visit` with each, in an order that depends on the case and the trace alone. `data` is the
// real directory, as the crash left it. Throws UsageError for damage that cannot be done.
void for_each_crash_directory(const scenario::Case& scenario, const trace::Trace& trace,
                              const workload::History& history, const std::filesystem::path& data,
                              const VisitDirectory& visit);

}  // namespace crashpoint::campaign
