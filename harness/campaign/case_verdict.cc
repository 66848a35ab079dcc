#include "harness/campaign/case_verdict.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string_view>
#include <utility>
#include <variant>

#include "harness/base/check.h"
#include "harness/base/glob.h"
#include "harness/base/text.h"
#include "harness/oracle/resp/describe.h"
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

// Of two verdicts of one check, or of one case, the more severe one counts.
enum class Severity : std::uint8_t { kPass, kKnown, kInconclusive, kNew };

Severity severity(const Verdict& verdict) {
  switch (verdict.outcome) {
    case Outcome::kPass:
      return Severity::kPass;
    case Outcome::kInconclusive:
      return Severity::kInconclusive;
    case Outcome::kViolation:
      break;
  }
  return verdict.known.empty() ? Severity::kNew : Severity::kKnown;
}

// Faults that let the target go on but not do its work: it may refuse commands for them.
bool made_to_refuse(const scenario::Case& of, const LiveRun& run) {
  for (std::size_t i = 0; i < run.traced.faults.size(); ++i) {
    const fault::FaultAction& action = of.faults[i].action;
    if (run.traced.faults[i].fired > 0 && !std::holds_alternative<fault::Kill>(action) &&
        !std::holds_alternative<fault::TornWrite>(action)) {
      return true;
    }
  }
  return false;
}

bool ends_in_shutdown(const scenario::Case& of) {
  return std::any_of(
      of.workload.steps.begin(), of.workload.steps.end(), [](const workload::Step& step) {
        const auto* admin = std::get_if<workload::Admin>(&step.action);
        return admin != nullptr && !admin->command.empty() && admin->command.front() == "SHUTDOWN";
      });
}

std::uint64_t count_clients(const workload::History& history) {
  std::set<std::uint32_t> clients;
  for (const workload::Operation& operation : history.operations) {
    clients.insert(operation.client);
  }
  return clients.size();
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

// A target that meets an error again and again must not try again at once each time.
Verdict judge_tries(const fault::Fault& fault, const fault::FaultReport& report) {
  Verdict verdict;
  verdict.check = "tries";
  verdict.promise =
      fmt::format("the fault fires at most {}: {}", counted(*fault.fires_max, "time"), fault.text);
  if (report.fired > *fault.fires_max) {
    verdict.outcome = Outcome::kViolation;
    verdict.summary = fmt::format("it fired {} times: the target tries again without a pause",
                                  with_commas(report.fired));
  }
  return verdict;
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

std::vector<scenario::KnownFinding> known_findings_of(const scenario::Case& of,
                                                      const recovery::Program& program) {
  std::vector<scenario::KnownFinding> findings;
  for (const scenario::KnownFinding& finding : of.known_findings) {
    const auto matches = [&](const std::string& glob) { return name_match(glob, of.name); };
    if (finding.target == program.use &&
        (finding.version.empty() || name_match(finding.version, program.version)) &&
        (finding.cases.empty() || std::ranges::any_of(finding.cases, matches))) {
      findings.push_back(finding);
    }
  }
  return findings;
}

void CaseVerdict::expect(std::vector<scenario::KnownFinding> findings) {
  known_ = std::move(findings);
}

void CaseVerdict::recognise(Verdict& verdict, const std::string& prefix) {
  const auto covers = [&](const scenario::KnownFinding& finding) {
    if (finding.check != verdict.check || verdict.cause.empty() != finding.cause.empty()) {
      return false;
    }
    if (!finding.found.empty() && !name_match(finding.found, prefix + verdict.summary)) {
      return false;
    }
    if (verdict.cause.empty()) {
      return true;
    }
    return name_match(finding.cause, verdict.cause) &&
           std::ranges::all_of(verdict.profiles, [&](const std::string& profile) {
             return std::ranges::find(finding.profiles, profile) != finding.profiles.end();
           });
  };
  const auto found = std::ranges::find_if(known_, covers);
  if (verdict.outcome == Outcome::kViolation && found != known_.end()) {
    verdict.known = found->reference.empty()
                        ? found->reason
                        : fmt::format("{} ({})", found->reason, found->reference);
    known_occurred_ = true;
  }
}

void CaseVerdict::add(Verdict verdict, const std::string& prefix) {
  recognise(verdict, prefix);
  if (verdict.outcome != Outcome::kPass && !prefix.empty()) {
    verdict.summary = prefix + verdict.summary;
  }
  const auto known = std::find_if(checks_.begin(), checks_.end(), [&](const Verdict& other) {
    return other.check == verdict.check && other.promise == verdict.promise;
  });
  if (known == checks_.end()) {
    checks_.push_back(std::move(verdict));
  } else if (severity(verdict) > severity(*known)) {
    *known = std::move(verdict);
  }
}

void CaseVerdict::append(std::vector<Verdict> verdicts) {
  for (Verdict& verdict : verdicts) {
    recognise(verdict, "");
    checks_.push_back(std::move(verdict));
  }
}

void CaseVerdict::add_violation(const Verdict& verdict) {
  if (!violation_ || (!has_new_violation() && verdict.known.empty())) {
    violation_ = verdict;
  }
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
    if (faults[i].fires_max) {
      add(judge_tries(faults[i], report), "");
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
  if (!run.unanswered.empty()) {
    add(inconclusive("target",
                     fmt::format("the target does not answer what reading its data needs: {}; "
                                 "scenarios/README.md lists what a target must answer",
                                 fmt::join(run.unanswered, "; "))),
        prefix);
    return;
  }
  const workload::End end = run.workload.end;
  const bool left_alone =
      end == workload::End::kTargetGone && !any_fired && !run.ended_by_itself.has_value();
  if (!run.dropped_by_fault() &&
      (left_alone || end == workload::End::kStalled || end == workload::End::kUnreadable ||
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
  add_resumption(run, prefix);
  if (run.held_before && run.held_after) {
    for (Verdict& verdict : recovery::judge_growth(of, *run.held_before, *run.held_after,
                                                   count_clients(run.workload.history))) {
      add(std::move(verdict), prefix);
    }
  }
  if (run.start.ready()) {
    add_refusals(of, run, prefix);
  }
  refuses_ = !of.oracle.starts;
  if (missed_) {
    return;  // the log is not the one that the scenario is about
  }
  for (const scenario::Pattern& pattern : of.oracle.run_log) {
    for (Verdict& verdict :
         recovery::judge_log("run log", "before the crash", {pattern}, run.log)) {
      if (pattern.present && verdict.outcome == Outcome::kViolation) {
        premise_missing_ = true;
        verdict = inconclusive(
            verdict.check,
            fmt::format(
                "the run was not the one that the scenario is about: it printed no line that "
                "matches '{}'; the end of its output: {}",
                pattern.glob, tail_of(run.log)));
      }
      add(std::move(verdict), prefix);
    }
  }
}

// A fault that has passed is no reason to refuse writes.
void CaseVerdict::add_resumption(const LiveRun& run, const std::string& prefix) {
  Verdict verdict;
  verdict.check = "resumes";
  verdict.promise = fmt::format("writes are accepted within {} ms once the faults have passed",
                                run.plan.resumes_within_ms);
  if (!run.workload.refused_still.empty()) {
    verdict.outcome = Outcome::kViolation;
    verdict.summary = fmt::format("{} ms after the workload, SET is still answered -{}",
                                  run.plan.resumes_within_ms, escape(run.workload.refused_still));
  } else if (run.workload.resumed_after_ms) {
    verdict.summary =
        fmt::format("SET was accepted {} ms after the workload", *run.workload.resumed_after_ms);
  } else {
    return;  // it was not asked
  }
  add(std::move(verdict), prefix);
}

// A target that refuses what it is asked keeps every promise.
void CaseVerdict::add_refusals(const scenario::Case& of, const LiveRun& run,
                               const std::string& prefix) {
  std::uint64_t answered = 0;
  std::uint64_t refused = 0;
  const workload::Operation* first = nullptr;
  for (const workload::Operation& operation : run.workload.history.operations) {
    answered += operation.is_acked() ? 1U : 0U;
    if (operation.is_refused()) {
      ++refused;
      first = first != nullptr ? first : &operation;
    }
  }
  if (static_cast<double>(refused) <= of.oracle.refused_max * static_cast<double>(answered) ||
      made_to_refuse(of, run)) {
    return;
  }
  add(inconclusive(
          "refused",
          fmt::format("{} of {} were refused, so nothing can be said of them; the first: {} "
                      "was answered -{} (if that is what the scenario is about, set "
                      "oracle.run.refused_max)",
                      with_commas(refused), counted(answered, "command"),
                      oracle::describe_operation(*first), escape(first->reply->text))),
      prefix);
}

void CaseVerdict::add_sight(const oracle::Guarantee& guarantee, const LiveRun& run,
                            const std::function<bool()>& wrote, const std::string& elsewhere,
                            const std::string& prefix) {
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
        fmt::format(
            "{}the target acknowledged writes, but no change of its data directory was seen: {}",
            prefix,
            elsewhere.empty() ? "its data is elsewhere, or it is changed in a way that the "
                                "tracer does not see"
                              : fmt::format("it wrote to {} instead; make it keep its data "
                                            "in {{dir}}",
                                            elsewhere)));
  }
}

bool CaseVerdict::failed() const {
  return std::ranges::any_of(
      checks_, [](const Verdict& verdict) { return severity(verdict) >= Severity::kInconclusive; });
}

// Whether a check is of what the target promises in any run of the case.
bool CaseVerdict::is_due(const std::string& check) const {
  if (check == "start") {
    return !refuses_;
  }
  return check == "guarantee" || check == "idempotent" || check == "continues" ||
         check == "resumes" || check == "growth" || check == "tries" || check == "usable" ||
         check == "replies" || check == "run";
}

void CaseVerdict::drop_what_is_not_due() {
  if (!missed_ && !premise_missing_) {
    return;
  }
  for (Verdict& verdict : checks_) {
    if (verdict.outcome == Outcome::kViolation && !is_due(verdict.check)) {
      verdict = inconclusive(
          verdict.check,
          "not due, because what the scenario is about did not happen: " + verdict.summary);
    }
  }
  if (violation_ && !is_due(violation_->check)) {
    const auto other = std::ranges::find(checks_, Outcome::kViolation, &Verdict::outcome);
    violation_ = other != checks_.end() ? std::optional(*other) : std::nullopt;
  }
}

// Where a known finding is declared, and everything passes: it may have been mended.
void CaseVerdict::add_what_no_longer_occurs() {
  const auto due = std::ranges::find(known_, false, &scenario::KnownFinding::sometimes);
  if (due == known_.end() || known_occurred_ || worst().outcome != Outcome::kPass) {
    return;
  }
  Verdict gone;
  gone.outcome = Outcome::kViolation;
  gone.check = "known_findings";
  gone.promise = fmt::format("a known finding of {}: {}", due->target, due->reason);
  gone.summary = "it no longer occurs; take it out of known_findings";
  checks_.push_back(std::move(gone));
}

void CaseVerdict::decide(report::CaseResult& result) && {
  drop_what_is_not_due();
  // First, because the report shows the first inconclusive check: the others follow from this one.
  if (missed_) {
    checks_.insert(checks_.begin(), *std::move(missed_));
  }
  if (unseen_) {
    checks_.push_back(*std::move(unseen_));
  }
  add_what_no_longer_occurs();
  result.verdict = worst();
  if (result.verdict.outcome == Outcome::kPass) {
    result.verdict.promise = result.promise;
  }
  result.checks = std::move(checks_);
  result.faults = std::move(faults_);
}

Verdict CaseVerdict::worst() const {
  if (has_new_violation()) {
    return *violation_;
  }
  for (const Severity wanted : {Severity::kNew, Severity::kInconclusive}) {
    const auto found = std::ranges::find(checks_, wanted, severity);
    if (found != checks_.end()) {
      return *found;
    }
  }
  if (violation_) {
    return *violation_;
  }
  if (const auto found = std::ranges::find(checks_, Severity::kKnown, severity);
      found != checks_.end()) {
    return *found;
  }
  Verdict pass;
  pass.check = "guarantee";
  return pass;
}

}  // namespace crashpoint::campaign
