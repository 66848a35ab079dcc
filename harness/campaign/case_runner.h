// One case from start to verdict: run the workload under faults, crash, damage, recover, judge.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "harness/recovery/program.h"
#include "harness/report/result.h"
#include "harness/scenario/scenario.h"

namespace crashpoint::campaign {

struct CaseContext {
  std::filesystem::path folder;  // for this case alone: created, and removed again
  // Finds the program of a target; find_program() with the run's folder for links, or a cache of it.
  std::function<recovery::Program(const scenario::Target&)> program;
  std::string reproduce_options;  // what the printed command needs besides file, case and seed
  std::filesystem::path bundles;  // where the bundle of a violation goes; empty: none is made
  unsigned jobs = 1;              // crash states recovered at the same time
  std::function<bool()> go_on = [] { return true; };  // false: the run is being stopped
};

// Never throws for what the target does. What the harness cannot do (a program that does not start
// in the first place, ptrace forbidden, a full disk) makes the case inconclusive and says why. A case
// that is stopped gives what it has found; without a violation it is inconclusive.
report::CaseResult run_case(const scenario::Case& of, const CaseContext& context);

}  // namespace crashpoint::campaign
