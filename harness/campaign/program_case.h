// A case whose target is any program: its steps recorded, its dumps taken, every crash state recovered and judged.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "harness/explore/explore_case.h"
#include "harness/fault/fault.h"
#include "harness/oracle/dump/dump_judge.h"
#include "harness/oracle/guarantee.h"
#include "harness/report/result.h"
#include "harness/scenario/scenario.h"

namespace crashpoint::campaign {

// The check of a verdict that says that nothing could be tried: the commands, not the program, are to be mended.
inline constexpr const char* kUsageCheck = "usage";

struct ProgramOutcome {
  explore::ExploredCase explored;
  oracle::DumpHistory history;  // by which its violations were judged
  std::filesystem::path path;   // at which they must be recovered; empty: anywhere
  std::vector<fault::FaultReport> faults;
  double workload_ms = 0;
};

struct ProgramPlace {
  std::filesystem::path data;    // holds the files of the case; what it becomes is not kept
  std::filesystem::path folder;  // for everything else
  unsigned jobs = 1;
  std::function<bool()> go_on;
};

// `of` has a `program` and explores. `guarantee` is what it promises after any crash. Throws EnvironmentError.
[[nodiscard]] ProgramOutcome explore_program(const scenario::Case& of,
                                             const oracle::Guarantee& guarantee,
                                             const ProgramPlace& place);

}  // namespace crashpoint::campaign
