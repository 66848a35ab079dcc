// From the checks of a case to its verdict.
//
//   violation      a new one before anything inconclusive before a known one before a pass
//   of violations  the first that a recovery showed, which is the one in the first bundle
//   known          a violation that a known finding of the target covers; it hides no other
//   premise        where a fault never fired, or a message that the scenario means to provoke is missing,
//                  what the scenario expects of it is not due: that is inconclusive. What the target
//                  promises anyway (its data, a start) is due
//   unseen         what the tracer did not see of a run that acknowledged writes makes a pass inconclusive
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
  // The known findings that the case may show; before anything is added.
  void expect(std::vector<scenario::KnownFinding> findings);
  // Marks a violation that one of them covers. `prefix` goes before its summary in reports.
  void recognise(oracle::Verdict& verdict, const std::string& prefix);

  // One verdict is kept for each check: the first of the worst. `prefix` goes before its summary.
  void add(oracle::Verdict verdict, const std::string& prefix);
  // Verdicts that are kept side by side, whatever their check.
  void append(std::vector<oracle::Verdict> verdicts);

  // What a recovery showed, recognised. Only the first counts, and a new one before a known one.
  void add_violation(const oracle::Verdict& verdict);
  [[nodiscard]] bool has_violation() const { return violation_.has_value(); }
  [[nodiscard]] bool is_unseen() const { return unseen_.has_value(); }
  [[nodiscard]] bool has_new_violation() const { return violation_ && violation_->known.empty(); }

  // `first` is the number of the first of `faults` among all faults of the case. Counts of further cycles
  // and crash states add up.
  void add_faults(const std::vector<fault::Fault>& faults,
                  const std::vector<fault::FaultReport>& reports, std::size_t first);

  // Judges whether the run itself went as the scenario meant it to.
  void add_run(const scenario::Case& of, const LiveRun& run, const std::string& prefix);

  // Whether what the tracer saw of a run can carry a pass. `wrote` tells whether commands that changed data
  // were acknowledged; it is asked only where it matters. `elsewhere`: as from written_elsewhere().
  void add_sight(const oracle::Guarantee& guarantee, const LiveRun& run,
                 const std::function<bool()>& wrote, const std::string& elsewhere,
                 const std::string& prefix);

  // Whether some check did not pass, known findings apart. Missed faults, and what was not seen, do not
  // count: a violation may still show.
  [[nodiscard]] bool failed() const;

  // Writes verdict, checks and faults to `result`, whose promise is known. Last.
  void decide(report::CaseResult& result) &&;

 private:
  void add_resumption(const LiveRun& run, const std::string& prefix);
  void add_refusals(const scenario::Case& of, const LiveRun& run, const std::string& prefix);
  void drop_what_is_not_due();
  [[nodiscard]] bool is_due(const std::string& check) const;
  void add_what_no_longer_occurs();
  [[nodiscard]] oracle::Verdict worst() const;

  std::vector<scenario::KnownFinding> known_;
  bool known_occurred_ = false;
  bool refuses_ = false;  // what is expected is that the target does not start
  bool premise_missing_ = false;
  std::vector<oracle::Verdict> checks_;
  std::optional<oracle::Verdict> violation_;
  std::vector<report::FaultResult> faults_;
  std::optional<oracle::Verdict> missed_;  // the first fault that never fired
  std::optional<oracle::Verdict> unseen_;  // the first run that was not seen in full
};

// Those of the case that are of this program.
[[nodiscard]] std::vector<scenario::KnownFinding> known_findings_of(
    const scenario::Case& of, const recovery::Program& program);

[[nodiscard]] oracle::Verdict inconclusive(std::string check, std::string summary);

}  // namespace crashpoint::campaign
