#include "harness/campaign/case_verdict.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>

#include "harness/base/check.h"
#include "harness/base/text.h"
#include "harness/recovery/pattern_check.h"
#include "harness/trace/audit.h"

namespace crashpoint::campaign {
namespace {

using oracle::Outcome;
using oracle::Verdict;

constexpr std::size_t kTailBytes = 400;

// The end of the output of a target, escaped.
std::string tail_of(std::string_view log) {
  return escape(log.substr(log.size() - std::min(log.size(), kTailBytes)));
}

bool ends_in_shutdown(const scenario::Case& of) {
  return std::any_of(
      of.workload.steps.begin(), of.workload.steps.end(), [](const workload::Step& step) {
        const auto* admin = std::get_if<workload::Admin>(&step.action);
        return admin != nullptr && !admin->command.empty() && admin->command.front() == "SHUTDOWN";
      });
}

// Of snapshots, only one that a client knew complete must be there.
bool is_due_on_disk(const oracle::Guarantee& guarantee, const workload::History& history) {
  return guarantee.kind != oracle::Guarantee::Kind::kSnapshot ||
         std::ranges::any_of(history.snapshots, [](const workload::Snapshot& snapshot) {
           return snapshot.completed_ns != 0;
         });
}

// Where every acknowledged write must be on disk, one since the first of them was sent; else any.
bool saw_a_change(const oracle::Guarantee& guarantee, const LiveRun& run) {
  const bool at_once = guarantee.kind == oracle::Guarantee::Kind::kDurable;
  const std::int64_t since_ns = at_once ? run.workload.history.began_ns : 0;
  return std::ranges::any_of(run.traced.trace.events, [&](const trace::Event& event) {
    return event.enter_ns >= since_ns && trace::changes_directory(event);
  });
}

std::string describe_failed_start(const scenario::Case& of, const LiveRun& run) {
  return fmt::format("the target did not start: {}; the end of its output: {}",
                     run.start.kind == recovery::StartOutcome::Kind::kTimeout
                         ? fmt::format("no answer within {} ms", of.recovery.deadline_ms)
                         : recovery::describe_status(run.start.status),
                     tail_of(run.log));
}

}  // namespace

Verdict inconclusive(std::string check, std::string summary) {
  Verdict verdict;
  verdict.outcome = Outcome::kInconclusive;
  verdict.check = std::move(check);
  verdict.summary = std::move(summary);
  return verdict;
}

void CaseVerdict::add(Verdict verdict, const std::string& prefix) {
  if (verdict.outcome != Outcome::kPass && !prefix.empty()) {
    verdict.summary = prefix + verdict.summary;
  }
  const auto known = std::find_if(checks_.begin(), checks_.end(), [&](const Verdict& other) {
    return other.check == verdict.check && other.promise == verdict.promise;
  });
  if (known == checks_.end()) {
    checks_.push_back(std::move(verdict));
  } else if (known->outcome == Outcome::kPass && verdict.outcome != Outcome::kPass) {
    *known = std::move(verdict);
  }
}

void CaseVerdict::append(std::vector<Verdict> verdicts) {
  for (Verdict& verdict : verdicts) {
    checks_.push_back(std::move(verdict));
  }
}

void CaseVerdict::add_violation(const Verdict& verdict) {
  violation_ = violation_ ? violation_ : verdict;
}

void CaseVerdict::add_faults(const std::vector<fault::Fault>& faults,
                             const std::vector<fault::FaultReport>& reports, std::size_t first) {
  HARNESS_CHECK(reports.size() <= faults.size(), reports.size(), faults.size());
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const fault::FaultReport& report = reports[i];
    if (first + i < faults_.size()) {
      faults_[first + i].report.passed += report.passed;
      faults_[first + i].report.fired += report.fired;
    } else {
      faults_.push_back({faults[i].text, report});
    }
    if (report.fired == 0 && !faults[i].may_miss && !missed_) {
      std::string text = fmt::format("the fault never fired: {}", faults[i].text);
      if (!report.nearest.empty()) {
        text += fmt::format("; what did occur: {}", fmt::join(report.nearest, "; "));
      }
      missed_ = inconclusive("faults", std::move(text));
    }
  }
}

void CaseVerdict::add_run(const scenario::Case& of, const LiveRun& run, const std::string& prefix) {
  const bool any_fired = run.any_fault_fired();
  if (!run.start.ready() && !any_fired) {
    add(inconclusive("run", describe_failed_start(of, run)), prefix);
    return;
  }
  const workload::End end = run.workload.end;
  if (!run.dropped_by_fault() &&
      (end == workload::End::kStalled || end == workload::End::kUnreadable ||
       end == workload::End::kConnectionLost)) {
    add(inconclusive("run", "the workload could not go on: " + run.workload.detail), prefix);
  }
  if (run.ended_by_itself && !any_fired && !ends_in_shutdown(of)) {
    Verdict verdict;
    verdict.outcome = Outcome::kViolation;
    verdict.check = "run";
    verdict.promise = "the target stays up while nothing is done to it";
    verdict.summary =
        fmt::format("it {}; the end of its output: {}",
                    recovery::describe_status(*run.ended_by_itself), tail_of(run.log));
    add(std::move(verdict), prefix);
  }
  if (!missed_) {  // otherwise the log is not the one that the scenario is about
    for (Verdict& verdict :
         recovery::judge_log("run log", "before the crash", of.oracle.run_log, run.log)) {
      add(std::move(verdict), prefix);
    }
  }
}

void CaseVerdict::add_sight(const oracle::Guarantee& guarantee, const LiveRun& run,
                            const std::function<bool()>& wrote, const std::string& prefix) {
  if (unseen_ || guarantee.kind == oracle::Guarantee::Kind::kNone) {
    return;
  }
  const trace::Notes& unseen = run.traced.trace.unseen;
  if (!unseen.empty()) {
    if (wrote()) {
      unseen_ = inconclusive("seen", fmt::format("{}not all that the target did could be seen: {}",
                                                 prefix, fmt::join(unseen, "; ")));
    }
  } else if (is_due_on_disk(guarantee, run.workload.history) && !saw_a_change(guarantee, run) &&
             wrote()) {
    unseen_ = inconclusive(
        "seen",
        prefix +
            "the target acknowledged writes, but no change of its data directory was seen: "
            "its data is elsewhere, or it is changed in a way that the tracer does not see");
  }
}

bool CaseVerdict::failed() const {
  return std::any_of(checks_.begin(), checks_.end(),
                     [](const Verdict& verdict) { return verdict.outcome != Outcome::kPass; });
}

void CaseVerdict::decide(report::CaseResult& result) && {
  if (missed_) {
    checks_.push_back(*std::move(missed_));
  }
  if (unseen_) {
    checks_.push_back(*std::move(unseen_));
  }
  result.verdict = worst();
  if (result.verdict.outcome == Outcome::kPass) {
    result.verdict.promise = result.promise;
  }
  result.checks = std::move(checks_);
  result.faults = std::move(faults_);
}

Verdict CaseVerdict::worst() const {
  if (violation_) {
    return *violation_;
  }
  for (const Outcome outcome : {Outcome::kViolation, Outcome::kInconclusive}) {
    const auto found = std::ranges::find(checks_, outcome, &Verdict::outcome);
    if (found != checks_.end()) {
      return *found;
    }
  }
  Verdict pass;
  pass.check = "guarantee";
  return pass;
}

}  // namespace crashpoint::campaign
