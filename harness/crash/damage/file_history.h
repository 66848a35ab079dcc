// The past of one file of the data directory, from the trace: which contents it had, and which commands
// its end was written for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "harness/crash/damage/damage.h"

namespace crashpoint::crash {

// What the path held `back` versions before `content`, which it holds now; damage.h says what counts
// as a version. UsageError when there are not that many, or there is no trace.
[[nodiscard]] std::string earlier_version(const RunContext& run, std::string_view path,
                                          std::string_view content, std::uint64_t back);

}  // namespace crashpoint::crash
