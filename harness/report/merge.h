// Merges reports: the shards of a run, or runs on several targets.
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

// The order of `runs` does not matter: cases are sorted by name, target and seed. Wall time is that of
// the longest run, since shards run in parallel. `command` is left empty. A shard that other reports of
// the same run show to be missing is in `missing`; so is one that has no case though it should. Throws
// UsageError if a report or a case (same name, target and seed) is there twice, if the reports are of
// different versions of crashpoint, or if there is none.
[[nodiscard]] RunResult merge(std::vector<NamedRun> runs);

// Changes the paths of artifacts from relative to the report's directory `from` to relative to `to`.
void relocate_artifacts(RunResult& run, const std::filesystem::path& from,
                        const std::filesystem::path& to);

}  // namespace crashpoint::report
