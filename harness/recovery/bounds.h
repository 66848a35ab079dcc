// What a target must not pile up: descriptors and processes while it runs, files in its data directory.
// Of crashpoint-engine and redis-server some of it is bounded by default; of other targets what the scenario says.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "harness/oracle/verdict.h"
#include "harness/scenario/scenario.h"

namespace crashpoint::recovery {

struct Holdings {
  std::uint64_t descriptors = 0;
  std::uint64_t children = 0;  // ended ones that nobody has waited for included
};

// Of a process; nothing: it has ended, or may not be looked into.
std::optional<Holdings> holdings_of(pid_t process);

// At the end of a workload with `clients`, of a target that began it with `before`.
std::vector<oracle::Verdict> judge_growth(const scenario::Case& of, const Holdings& before,
                                          const Holdings& after, std::uint64_t clients);

// Of a data directory after recovery.
std::vector<oracle::Verdict> judge_file_bounds(const scenario::Case& of,
                                               const std::filesystem::path& data);

}  // namespace crashpoint::recovery
