// Several reports as one: the shards of a run, or runs against several targets.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/report/result.h"

namespace crashpoint::report {

struct NamedRun {
  std::string source;  // the report's path, for messages
  RunResult run;
};

// The order of `runs` does not matter: cases are put in order of name, target and seed. Wall time is
// that of the longest run, as shards run side by side. `command` is left empty. Throws UsageError
// when a case is in two reports (same name, target and seed), when the reports are of different
// versions of crashpoint, or when there is none.
[[nodiscard]] RunResult merge(std::vector<NamedRun> runs);

// Makes the paths of artifacts, which are relative to the report's folder `from`, relative to `to`.
void relocate_artifacts(RunResult& run, const std::filesystem::path& from,
                        const std::filesystem::path& to);

}  // namespace crashpoint::report
