#include "harness/oracle/dump/dump_judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace crashpoint::oracle {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t kSecond = 1'000'000'000;

// Three steps, acknowledged at positions 10, 20 and 30, in seconds 1, 2 and 3.
DumpHistory history() {
  return {
      .expected = {"v0\n", "v1\n", "v2\n", "v3\n"},
      .acks = {{10, 1 * kSecond, "set 1"}, {20, 2 * kSecond, "set 2"}, {30, 3 * kSecond, "set 3"}}};
}

Verdict judge(const std::string& dump, const Guarantee& promised, trace::Position crash,
              std::int64_t at_ns = 4 * kSecond) {
  return DumpJudge(history()).guarantee(dump, promised, {.position = crash, .at_ns = at_ns});
}

constexpr Guarantee kDurable{.kind = Guarantee::Kind::kDurable};
constexpr Guarantee kPrefix{.kind = Guarantee::Kind::kPrefix};
constexpr Guarantee kNone{.kind = Guarantee::Kind::kNone};

TEST(DumpJudge, AStepInFlightMayBeThereOrNot) {
  for (const char* dump : {"v1\n", "v2\n", "v3\n"}) {
    EXPECT_EQ(judge(dump, kDurable, 15).outcome, Outcome::kPass) << dump;
  }
}

TEST(DumpJudge, DurableAsksForEveryStepThatWasAcknowledgedBeforeTheCrash) {
  const Verdict verdict = judge("v0\n", kDurable, 25);
  EXPECT_EQ(verdict.outcome, Outcome::kViolation);
  EXPECT_EQ(verdict.check, "guarantee");
  EXPECT_THAT(verdict.summary, HasSubstr("steps 1 to 2 are lost"));
  EXPECT_THAT(verdict.lost, SizeIs(2));
  EXPECT_EQ(verdict.lost.back().command, "set 2");
  EXPECT_EQ(verdict.lost.back().before_crash_ms, 2000);
  EXPECT_THAT(verdict.nearest, HasSubstr("-v2\n+v0\n"));
  // At the very position of an acknowledgement the step is not acknowledged yet.
  EXPECT_EQ(judge("v1\n", kDurable, 20).outcome, Outcome::kPass);
  EXPECT_EQ(judge("v1\n", kDurable, 21).outcome, Outcome::kViolation);
}

TEST(DumpJudge, AStateThatTheRunNeverHadIsAViolationWhereAnythingIsPromised) {
  for (const Guarantee& promised : {kDurable, kPrefix}) {
    const Verdict verdict = judge("v2", promised, 25);
    EXPECT_EQ(verdict.outcome, Outcome::kViolation);
    EXPECT_EQ(verdict.check, "atomic");
    EXPECT_THAT(verdict.nearest, HasSubstr("after step 2 (set 2)"));
    EXPECT_THAT(verdict.nearest, HasSubstr("+v2  (no end of line)\n"));
    EXPECT_THAT(verdict.lost, IsEmpty());
  }
  EXPECT_EQ(judge("v2", kNone, 25).outcome, Outcome::kPass);
}

TEST(DumpJudge, TheNearestStateIsTheOneWithTheFewestOtherLines) {
  const DumpJudge judge(
      {.expected = {"a\nb\nc\n", "a\nb\nc\nd\n", "z\n"}, .acks = {{1, 0, "one"}, {2, 0, "two"}}});
  EXPECT_THAT(judge.guarantee("a\nc\nd\n", kDurable).nearest, HasSubstr("after step 1 (one)"));
}

TEST(DumpJudge, PrefixAllowsAnyStateOfTheRun) {
  EXPECT_EQ(judge("v0\n", kPrefix, 100).outcome, Outcome::kPass);
}

TEST(DumpJudge, BufferedLetsTheNewestStepsGoCountedFromASyncThatIsRunning) {
  const Guarantee one_second{.kind = Guarantee::Kind::kBuffered, .seconds = 1};
  EXPECT_EQ(judge("v2\n", one_second, 35, 3 * kSecond + 1).outcome, Outcome::kPass);
  EXPECT_EQ(judge("v1\n", one_second, 35, 3 * kSecond + 1).outcome, Outcome::kViolation);
  const Verdict during_sync = DumpJudge(history()).guarantee(
      "v1\n", one_second, {.position = 35, .at_ns = 9 * kSecond, .sync_began_ns = 3 * kSecond});
  EXPECT_EQ(during_sync.outcome, Outcome::kPass);
}

TEST(DumpJudge, WhatOnlyALaterAcknowledgementPromisesMayBeLostUntilThen) {
  DumpHistory synced = history();
  synced.acks[0].promises = false;
  synced.acks[2].promises = false;
  const DumpJudge judge(std::move(synced));
  EXPECT_EQ(judge.guarantee("v0\n", kDurable, {.position = 15}).outcome, Outcome::kPass);
  EXPECT_EQ(judge.guarantee("v1\n", kDurable, {.position = 35}).outcome, Outcome::kViolation);
  EXPECT_EQ(judge.guarantee("v2\n", kDurable, {.position = 35}).outcome, Outcome::kPass);
}

TEST(DumpJudge, AStateThatOccursAgainCountsAsItsLastOccurrence) {
  const DumpJudge judge(
      {.expected = {"off\n", "on\n", "off\n"}, .acks = {{1, 0, "on"}, {2, 0, "off"}}});
  EXPECT_EQ(judge.guarantee("off\n", kDurable, {.position = 2}).outcome, Outcome::kPass);
  EXPECT_EQ(judge.guarantee("on\n", kDurable, {.position = 3}).outcome, Outcome::kViolation);
}

TEST(DumpJudge, WhatWasSeenInsideAStepThatIsNotAtomicIsAllowedUntilItIsAcknowledged) {
  DumpHistory steps = history();
  steps.passing = {{"half of 2\n", 1}};
  const DumpJudge judge(std::move(steps));
  EXPECT_EQ(judge.guarantee("half of 2\n", kDurable, {.position = 15}).outcome, Outcome::kPass);
  EXPECT_EQ(judge.guarantee("half of 2\n", kDurable, {.position = 25}).check, "guarantee");
}

TEST(DumpJudge, ASnapshotIsNothingThatADumpCanBeHeldAgainst) {
  EXPECT_EQ(judge("v0\n", {.kind = Guarantee::Kind::kSnapshot}, 5).outcome, Outcome::kInconclusive);
}

}  // namespace
}  // namespace crashpoint::oracle
