// The crash states of a case: those at the crash after a power loss, or along the whole recorded run
// where the scenario explores; each recovered, judged, and told as verdicts.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/crash/image/image.h"
#include "harness/explore/second_crash.h"
#include "harness/oracle/resp/judge.h"
#include "harness/oracle/verdict.h"
#include "harness/recovery/recovery_checks.h"
#include "harness/report/result.h"
#include "harness/trace/trace.h"

namespace crashpoint::explore {

// A crash state that broke a promise, with all that judging it again takes.
struct ViolatingState {
  oracle::Verdict verdict;
  std::string name;  // what was lost in it, and where
  crash::CrashImage image;
  oracle::Guarantee guarantee;
  oracle::CrashMoment crash;
  // Of a crash after the life that followed a recovery: what that is judged by. Else null.
  std::shared_ptr<const SecondLife> life = {};
};

struct ExploredCase {
  std::vector<oracle::Verdict> checks;     // one for each finding; a pass for each kind without one
  std::vector<ViolatingState> violations;  // one for each of those that are one, in order
  std::vector<report::StateCounts> states;
  std::vector<std::string> notes;
  std::uint64_t recoveries = 0;
  std::uint64_t continued = 0;  // of those: directories on which life went on
  report::StateTimes times;
};

// `plan.of.crash` is a power loss or explores. `trace` and `judge` are of the run; `data` is the
// directory as the run left it. Every state is held against start, guarantee, `expect` and
// `idempotent`; some, evenly chosen, against `continues`, and in a few of those the power fails once more; a few against all else that the scenario asks for as well.
// Works in `folder`, with `jobs` threads. Once `go_on` returns false, it ends with what it has found so
// far and an inconclusive check. Throws EnvironmentError.
ExploredCase explore_case(const recovery::RecoveryPlan& plan, const oracle::Judge& judge,
                          std::shared_ptr<const trace::Trace> trace,
                          const std::filesystem::path& data, const std::filesystem::path& folder,
                          unsigned jobs, const std::function<bool()>& go_on);

}  // namespace crashpoint::explore
