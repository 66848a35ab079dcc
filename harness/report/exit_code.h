// The exit code of a run, and what it is missing.
#pragma once

#include <string>
#include <vector>

#include "harness/report/result.h"

namespace crashpoint::report {

// Whether some cases that were meant to be run were not: the run was interrupted, or a part of it is
// missing from a merged report.
[[nodiscard]] bool is_incomplete(const RunResult& run);

// Why it is, in lines for people; empty if it is complete.
[[nodiscard]] std::vector<std::string> describe_incomplete(const RunResult& run);

// The exit code of a run: 1 if there is a violation; else 3 if a case is inconclusive or the run is
// incomplete; else 0.
[[nodiscard]] int exit_code(const RunResult& run);

}  // namespace crashpoint::report
