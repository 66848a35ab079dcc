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

TEST(CaseVerdict, TheFirstViolationThatARecoveryShowedDecides) {
  CaseVerdict all;
  all.add(verdict(Outcome::kViolation, "run"), "");
  all.add_violation(verdict(Outcome::kViolation, "data", "first"));
  all.add_violation(verdict(Outcome::kViolation, "data", "second"));
  EXPECT_EQ(decide(all).verdict.summary, "first");
}

}  // namespace
}  // namespace crashpoint::campaign
