// Whether a target keeps its data where the harness does not look.
#pragma once

#include <filesystem>
#include <string>

#include "harness/trace/trace.h"

namespace crashpoint::campaign {

// A file outside the data directory to which the target wrote though it wrote to none inside; empty if
// there is none. Files below `own`, devices and the like do not count.
[[nodiscard]] std::string written_elsewhere(const trace::Trace& trace,
                                            const std::filesystem::path& own);

}  // namespace crashpoint::campaign
