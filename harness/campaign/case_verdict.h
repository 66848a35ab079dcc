// From the checks of a case to its verdict.
//
//   violation      before anything inconclusive before a pass
//   of violations  the first that a recovery showed, which is the one in the first bundle
//   missed faults  a fault that never fired makes a pass inconclusive, but not a violation
//   unseen         and so does what the tracer did not see of a run that acknowledged writes
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/campaign/live_run.h"
#include "harness/fault/fault.h"
#include "harness/oracle/guarantee.h"
#include "harness/oracle/verdict.h"
#include "harness/report/result.h"

namespace crashpoint::campaign {

class CaseVerdict {
 public:
  // One verdict is kept for each check: the first that did not pass. `prefix` goes before its summary.
  void add(oracle::Verdict verdict, const std::string& prefix);
  // Verdicts that are kept side by side, whatever their check.
  void append(std::vector<oracle::Verdict> verdicts);

  // What a recovery showed. Only the first counts.
  void add_violation(const oracle::Verdict& verdict);
  [[nodiscard]] bool has_violation() const { return violation_.has_value(); }

  // `first` is the number of the first of `faults` among all faults of the case. Counts of further cycles
  // and crash states add up.
  void add_faults(const std::vector<fault::Fault>& faults,
                  const std::vector<fault::FaultReport>& reports, std::size_t first);

  // Judges whether the run itself went as the scenario meant it to.
  void add_run(const scenario::Case& of, const LiveRun& run, const std::string& prefix);

  // Whether what the tracer saw of a run can carry a pass. `wrote` tells whether commands that changed data
  // were acknowledged; it is asked only where it matters.
  void add_sight(const oracle::Guarantee& guarantee, const LiveRun& run,
                 const std::function<bool()>& wrote, const std::string& prefix);

  // Whether some check did not pass. Missed faults, and what was not seen, do not count: a violation may
  // still show.
  [[nodiscard]] bool failed() const;

  // Writes verdict, checks and faults to `result`, whose promise is known. Last.
  void decide(report::CaseResult& result) &&;

 private:
  [[nodiscard]] oracle::Verdict worst() const;

  std::vector<oracle::Verdict> checks_;
  std::optional<oracle::Verdict> violation_;
  std::vector<report::FaultResult> faults_;
  std::optional<oracle::Verdict> missed_;  // the first fault that never fired
  std::optional<oracle::Verdict> unseen_;  // the first run that was not seen in full
};

[[nodiscard]] oracle::Verdict inconclusive(std::string check, std::string summary);

}  // namespace crashpoint::campaign
