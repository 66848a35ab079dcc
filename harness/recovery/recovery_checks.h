// Starts the target on one crash state and holds what comes back against everything the case asks:
// start, data, files, log, INFO, what follows, usability, other readers.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/oracle/resp/judge.h"
#include "harness/recovery/program.h"
#include "harness/recovery/starter.h"
#include "harness/scenario/scenario.h"

namespace crashpoint::recovery {

// What every recovery of a case shares.
struct RecoveryPlan {
  const scenario::Case& of;
  const Program& program;
  oracle::Guarantee guarantee;
  // Finds the program behind a name of also_loads_in.
  std::function<Program(const std::string& use)> other_program;
  // With it life goes on with the directory (continuation.h); without, this check is left out.
  std::shared_ptr<Starter> starter = {};
};

struct Recovery {
  bool started = false;
  target::State state;                  // what came back, where it started
  target::State final_state;            // what the directory holds after all checks
  std::vector<oracle::Verdict> checks;  // in order; a check that was not asked for is not there
  std::vector<std::string> notes;       // checks that were left out, and why
  std::string log;                      // of the first start
  bool continued = false;               // life went on, and was judged
  double start_ms = 0;
  double judge_ms = 0;

  [[nodiscard]] oracle::Outcome outcome() const;
};

// Recovers `data` in place: on return it is as the last start left it and no process is alive.
// `folder` is for instances of the target. `judge` and `crash` are of the run that crashed.
// Throws EnvironmentError when the harness itself could not go on.
Recovery recover_and_judge(const RecoveryPlan& plan, const oracle::Judge& judge,
                           const oracle::CrashMoment& crash, const std::filesystem::path& data,
                           const std::filesystem::path& folder);

}  // namespace crashpoint::recovery
