// Holds file names and log lines against the patterns of a scenario.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/oracle/verdict.h"
#include "harness/scenario/scenario.h"

namespace crashpoint::recovery {

// `found` is what matches the pattern, empty if nothing does. `check` names the check in reports,
// `when` and `noun` say in words when there should be what ("after recovery", "log line").
[[nodiscard]] oracle::Verdict judge_pattern(const std::string& check, std::string_view when,
                                            std::string_view noun, const scenario::Pattern& pattern,
                                            std::string_view found);

// A verdict for each pattern on the lines of `log`.
[[nodiscard]] std::vector<oracle::Verdict> judge_log(const std::string& check,
                                                     std::string_view when,
                                                     const std::vector<scenario::Pattern>& patterns,
                                                     std::string_view log);

}  // namespace crashpoint::recovery
