#include "harness/campaign/case_verdict.h"

#include <gtest/gtest.h>

#include <utility>

namespace crashpoint::campaign {
namespace {

using oracle::Outcome;
using oracle::Verdict;

Verdict verdict(Outcome outcome, std::string check, std::string summary = "") {
  Verdict verdict;
  verdict.outcome = outcome;
  verdict.check = std::move(check);
  verdict.summary = std::move(summary);
  return verdict;
}

report::CaseResult decide(CaseVerdict verdict) {
  report::CaseResult result;
  result.promise = "everything acknowledged";
  std::move(verdict).decide(result);
  return result;
}

fault::Fault fault_named(const std::string& text, bool may_miss) {
  fault::Fault fault;
  fault.text = text;
  fault.may_miss = may_miss;
  return fault;
}

TEST(CaseVerdict, PassesWithThePromiseOfTheCase) {
  CaseVerdict all;
  all.add(verdict(Outcome::kPass, "start"), "");
  EXPECT_FALSE(all.failed());
  const report::CaseResult result = decide(all);
  EXPECT_EQ(result.verdict.outcome, Outcome::kPass);
  EXPECT_EQ(result.verdict.promise, "everything acknowledged");
}

TEST(CaseVerdict, OfOneCheckTheFirstThatDidNotPassIsKept) {
  CaseVerdict all;
  all.add(verdict(Outcome::kPass, "data"), "cycle 1: ");
  all.add(verdict(Outcome::kViolation, "data", "lost"), "cycle 2: ");
  all.add(verdict(Outcome::kViolation, "data", "lost again"), "cycle 3: ");
  EXPECT_TRUE(all.failed());
  const report::CaseResult result = decide(all);
  ASSERT_EQ(result.checks.size(), 1U);
  EXPECT_EQ(result.verdict.summary, "cycle 2: lost");
}

TEST(CaseVerdict, AViolationIsWorseThanAnythingInconclusive) {
  CaseVerdict all;
  all.add(verdict(Outcome::kInconclusive, "run"), "");
  all.add(verdict(Outcome::kViolation, "data"), "");
  EXPECT_EQ(decide(all).verdict.check, "data");
}

TEST(CaseVerdict, AFaultThatNeverFiredMakesAPassInconclusive) {
  CaseVerdict all;
  all.add_faults({fault_named("kill at fsync", false)}, {fault::FaultReport{}}, 0);
  EXPECT_FALSE(all.failed()) << "a further cycle may still show a violation";
  EXPECT_EQ(decide(all).verdict.outcome, Outcome::kInconclusive);
}

TEST(CaseVerdict, WhatIsPromisedInAnyRunIsDueWithoutTheFault) {
  for (const char* check : {"guarantee", "start", "idempotent", "usable", "replies"}) {
    CaseVerdict all;
    all.add_faults({fault_named("kill at fsync", false)}, {fault::FaultReport{}}, 0);
    all.add(verdict(Outcome::kViolation, check), "");
    EXPECT_EQ(decide(all).verdict.outcome, Outcome::kViolation) << check;
  }
}

TEST(CaseVerdict, WhatTheScenarioExpectsOfTheFaultIsNotDueWithoutIt) {
  for (const char* check : {"expect", "files", "log", "info", "run log"}) {
    CaseVerdict all;
    all.add_faults({fault_named("kill at fsync", false)}, {fault::FaultReport{}}, 0);
    all.add_violation(verdict(Outcome::kViolation, check, "missing"));
    all.add(verdict(Outcome::kViolation, check, "missing"), "");
    const report::CaseResult result = decide(all);
    EXPECT_EQ(result.verdict.outcome, Outcome::kInconclusive) << check;
    EXPECT_EQ(result.verdict.check, "faults") << "told by what did not happen";
  }
}

TEST(CaseVerdict, AFaultThatMayMissCounts) {
  CaseVerdict all;
  all.add_faults({fault_named("kill at fsync", true)}, {fault::FaultReport{}}, 0);
  EXPECT_EQ(decide(all).verdict.outcome, Outcome::kPass);
}

LiveRun run_that_saw(bool change, trace::Notes unseen = {}) {
  LiveRun run;
  run.traced.trace.unseen = std::move(unseen);
  if (change) {
    trace::Event& event = run.traced.trace.events.emplace_back();
    event.op = trace::Op::kWrite;
    event.inside = true;
    event.performed = 1;
  }
  return run;
}

Outcome outcome_of(const LiveRun& run, oracle::Guarantee::Kind kind, bool wrote = true) {
  CaseVerdict all;
  all.add_sight(
      {.kind = kind}, run, [wrote] { return wrote; }, "", "");
  EXPECT_FALSE(all.failed()) << "a violation may still show";
  return decide(std::move(all)).verdict.outcome;
}

TEST(CaseVerdict, IsNoPassWhereAcknowledgedWritesLeftNoTraceInTheDirectory) {
  using Kind = oracle::Guarantee::Kind;
  EXPECT_EQ(outcome_of(run_that_saw(true), Kind::kDurable), Outcome::kPass);
  for (const Kind kind : {Kind::kDurable, Kind::kBuffered, Kind::kPrefix}) {
    EXPECT_EQ(outcome_of(run_that_saw(false), kind), Outcome::kInconclusive);
    EXPECT_EQ(outcome_of(run_that_saw(false), kind, /*wrote=*/false), Outcome::kPass);
  }
  EXPECT_EQ(outcome_of(run_that_saw(false), Kind::kNone), Outcome::kPass);
}

TEST(CaseVerdict, OfSnapshotsOnlyACompleteOneMustHaveLeftATrace) {
  LiveRun run = run_that_saw(false);
  run.workload.history.snapshots.push_back({.what = "save rule"});
  EXPECT_EQ(outcome_of(run, oracle::Guarantee::Kind::kSnapshot), Outcome::kPass);
  run.workload.history.snapshots.push_back({.completed_ns = 5, .what = "SAVE"});
  EXPECT_EQ(outcome_of(run, oracle::Guarantee::Kind::kSnapshot), Outcome::kInconclusive);
}

TEST(CaseVerdict, AChangeBeforeTheFirstWriteIsNoneOfADurableOne) {
  LiveRun run = run_that_saw(true);
  run.workload.history.began_ns = 1;
  EXPECT_EQ(outcome_of(run, oracle::Guarantee::Kind::kDurable), Outcome::kInconclusive);
  EXPECT_EQ(outcome_of(run, oracle::Guarantee::Kind::kPrefix), Outcome::kPass);
}

TEST(CaseVerdict, IsNoPassWhereNotAllWasSeen) {
  const LiveRun run = run_that_saw(true, {"x.db is mapped"});
  EXPECT_EQ(outcome_of(run, oracle::Guarantee::Kind::kDurable), Outcome::kInconclusive);
  EXPECT_EQ(outcome_of(run, oracle::Guarantee::Kind::kNone), Outcome::kPass);
  CaseVerdict all;
  all.add_sight(
      {}, run, [] { return true; }, "", "");
  all.add(verdict(Outcome::kViolation, "data"), "");
  EXPECT_EQ(decide(all).verdict.check, "data") << "what was found is there all the same";
}

TEST(CaseVerdict, TheFirstViolationThatARecoveryShowedDecides) {
  CaseVerdict all;
  all.add(verdict(Outcome::kViolation, "run"), "");
  all.add_violation(verdict(Outcome::kViolation, "data", "first"));
  all.add_violation(verdict(Outcome::kViolation, "data", "second"));
  EXPECT_EQ(decide(all).verdict.summary, "first");
}

// ---- known findings

Verdict lost(std::string cause, std::vector<std::string> profiles) {
  Verdict violation = verdict(Outcome::kViolation, "guarantee", "1 command is lost");
  violation.cause = std::move(cause);
  violation.profiles = std::move(profiles);
  return violation;
}

scenario::KnownFinding known_loss() {
  scenario::KnownFinding finding;
  finding.check = "guarantee";
  finding.cause = "mkdir *";
  finding.profiles = {"btrfs", "weakest"};
  finding.reason = "it does not sync the directory";
  return finding;
}

scenario::KnownFinding known_refusal() {
  scenario::KnownFinding finding;
  finding.check = "start";
  finding.found = "*it exited with status 1";
  finding.reason = "it takes zeros for damage";
  return finding;
}

report::CaseResult judge(std::vector<scenario::KnownFinding> known, std::vector<Verdict> found) {
  CaseVerdict all;
  all.expect(std::move(known));
  for (Verdict& violation : found) {
    all.recognise(violation, "");
    all.add_violation(violation);
  }
  all.append(std::move(found));
  return decide(all);
}

TEST(CaseVerdict, AKnownFindingCoversItsCheckCauseAndProfiles) {
  const report::CaseResult result = judge({known_loss()}, {lost("mkdir data", {"weakest"})});
  EXPECT_EQ(result.verdict.known, "it does not sync the directory");
}

TEST(CaseVerdict, AKnownFindingCoversNothingElse) {
  EXPECT_EQ(judge({known_loss()}, {lost("write a.aof", {"weakest"})}).verdict.known, "");
  EXPECT_EQ(judge({known_loss()}, {lost("mkdir data", {"xfs", "weakest"})}).verdict.known, "")
      << "a further profile permits it";
  Verdict other = lost("mkdir data", {"weakest"});
  other.check = "start";
  EXPECT_EQ(judge({known_loss()}, {other}).verdict.known, "");
  EXPECT_EQ(judge({known_loss()}, {verdict(Outcome::kViolation, "guarantee")}).verdict.known, "")
      << "a live violation has no cause";
  EXPECT_EQ(
      judge({known_refusal()}, {verdict(Outcome::kViolation, "start", "it hangs")}).verdict.known,
      "");
}

TEST(CaseVerdict, AViolationWithoutACauseIsKnownByWhatWasFound) {
  CaseVerdict all;
  all.expect({known_refusal()});
  all.add(verdict(Outcome::kViolation, "start", "it exited with status 1"), "append 3 zeros: ");
  EXPECT_EQ(decide(all).verdict.known, "it takes zeros for damage");
}

TEST(CaseVerdict, AKnownFindingHidesNoOther) {
  const Verdict known = lost("mkdir data", {"weakest"});
  const Verdict fresh = lost("write a.aof", {"ext4-ordered", "weakest"});
  EXPECT_EQ(judge({known_loss()}, {known, fresh}).verdict.cause, "write a.aof");
  EXPECT_EQ(judge({known_loss()}, {fresh, known}).verdict.cause, "write a.aof");
}

TEST(CaseVerdict, OfOneCheckANewViolationReplacesAKnownOne) {
  CaseVerdict all;
  all.expect({known_refusal()});
  all.add(verdict(Outcome::kViolation, "start", "it exited with status 1"), "state 1: ");
  EXPECT_FALSE(all.failed());
  all.add(verdict(Outcome::kViolation, "start", "it hangs"), "state 2: ");
  EXPECT_TRUE(all.failed());
  EXPECT_EQ(decide(all).verdict.summary, "state 2: it hangs");
}

TEST(CaseVerdict, WhatIsInconclusiveIsNotHiddenByAKnownFinding) {
  CaseVerdict all;
  all.expect({known_refusal()});
  all.add(verdict(Outcome::kViolation, "start", "it exited with status 1"), "");
  all.add(verdict(Outcome::kInconclusive, "run", "nothing was sent"), "");
  EXPECT_EQ(decide(all).verdict.check, "run");
}

TEST(CaseVerdict, AKnownFindingThatNoLongerOccursIsAViolation) {
  CaseVerdict all;
  all.expect({known_refusal()});
  all.add(verdict(Outcome::kPass, "start"), "");
  const report::CaseResult result = decide(all);
  EXPECT_EQ(result.verdict.outcome, Outcome::kViolation);
  EXPECT_EQ(result.verdict.check, "known_findings");
}

TEST(CaseVerdict, AKnownFindingThatOccursSometimesMayBeAbsent) {
  scenario::KnownFinding sometimes = known_refusal();
  sometimes.sometimes = true;
  CaseVerdict all;
  all.expect({sometimes});
  all.add(verdict(Outcome::kPass, "start"), "");
  EXPECT_EQ(decide(all).verdict.outcome, Outcome::kPass);
  EXPECT_EQ(judge({sometimes}, {verdict(Outcome::kViolation, "start", "it hangs")}).verdict.known,
            "")
      << "and hides nothing";
}

TEST(CaseVerdict, WhereNothingCouldBeSaidAKnownFindingMayStillOccur) {
  CaseVerdict all;
  all.expect({known_refusal()});
  all.add(verdict(Outcome::kInconclusive, "run"), "");
  EXPECT_EQ(decide(all).verdict.outcome, Outcome::kInconclusive);
}

// ---- the run

workload::Operation answered(std::uint64_t index, bool refused) {
  workload::Operation operation{.client = 0, .index = index, .arguments = {"SET", "k", "v"}};
  operation.reply = target::RespValue{
      .kind = refused ? target::RespValue::Kind::kError : target::RespValue::Kind::kSimple,
      .text = refused ? "ERR no" : "OK"};
  return operation;
}

LiveRun run_with(std::size_t done, std::size_t refused) {
  LiveRun run;
  run.start.kind = recovery::StartOutcome::Kind::kReady;
  for (std::size_t i = 0; i < done + refused; ++i) {
    run.workload.history.operations.push_back(answered(i, i >= done));
  }
  return run;
}

TEST(CaseVerdict, ARunThatRefusedMostCommandsIsInconclusive) {
  CaseVerdict all;
  all.add_run({}, run_with(1, 250), "");
  const report::CaseResult result = decide(all);
  EXPECT_EQ(result.verdict.outcome, Outcome::kInconclusive);
  EXPECT_EQ(result.verdict.check, "refused");
  EXPECT_NE(result.verdict.summary.find("250 of 251 commands were refused"), std::string::npos)
      << result.verdict.summary;
}

TEST(CaseVerdict, AFewRefusedCommandsAreNoneOfThePromise) {
  CaseVerdict all;
  all.add_run({}, run_with(100, 5), "");
  EXPECT_EQ(decide(all).verdict.outcome, Outcome::kPass);
}

TEST(CaseVerdict, AScenarioMayBeAboutRefusals) {
  scenario::Case of;
  of.oracle.refused_max = 1;
  CaseVerdict all;
  all.add_run(of, run_with(1, 250), "");
  EXPECT_EQ(decide(all).verdict.outcome, Outcome::kPass);
}

TEST(CaseVerdict, AFaultMayMakeTheTargetRefuse) {
  scenario::Case of;
  of.faults = {fault_named("no space", false)};
  of.faults[0].action = fault::InjectError{};
  LiveRun run = run_with(1, 250);
  run.traced.faults.resize(1);
  run.traced.faults[0].fired = 1;
  CaseVerdict all;
  all.add_run(of, run, "");
  EXPECT_EQ(decide(all).verdict.outcome, Outcome::kPass);
}

TEST(CaseVerdict, AMessageThatTheScenarioMeansToProvokeAndIsMissingIsNoViolation) {
  scenario::Case of;
  of.oracle.run_log = {{.glob = "*saving error*", .present = true}};
  CaseVerdict all;
  LiveRun run = run_with(1, 0);
  run.log = "Ready to accept connections\n";
  all.add_run(of, run, "");
  all.add(verdict(Outcome::kViolation, "expect", "a is missing"), "");
  const report::CaseResult result = decide(all);
  EXPECT_EQ(result.verdict.outcome, Outcome::kInconclusive);
  EXPECT_EQ(result.verdict.check, "run log");
}

TEST(CaseVerdict, AMessageThatMustNotOccurAndDoesIsAViolation) {
  scenario::Case of;
  of.oracle.run_log = {{.glob = "*saving error*", .present = false}};
  CaseVerdict all;
  LiveRun run = run_with(1, 0);
  run.log = "Background saving error\n";
  all.add_run(of, run, "");
  EXPECT_EQ(decide(all).verdict.outcome, Outcome::kViolation);
}

}  // namespace
}  // namespace crashpoint::campaign
