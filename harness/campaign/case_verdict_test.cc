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

TEST(CaseVerdict, AFaultThatNeverFiredMakesAPassInconclusiveButNotAViolation) {
  CaseVerdict all;
  all.add_faults({fault_named("kill at fsync", false)}, {fault::FaultReport{}}, 0);
  EXPECT_FALSE(all.failed()) << "a further cycle may still show a violation";
  EXPECT_EQ(decide(all).verdict.outcome, Outcome::kInconclusive);
  all.add(verdict(Outcome::kViolation, "data"), "");
  EXPECT_EQ(decide(all).verdict.check, "data");
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
      {.kind = kind}, run, [wrote] { return wrote; }, "");
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
      {}, run, [] { return true; }, "");
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

}  // namespace
}  // namespace crashpoint::campaign
