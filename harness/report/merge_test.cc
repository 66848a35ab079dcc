#include "harness/report/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "harness/base/error.h"
#include "harness/report/exit_code.h"
#include "harness/report/report_json.h"
#include "harness/report/sample_run_for_test.h"
#include "harness/report/status.h"
#include "harness/report/totals.h"

namespace crashpoint::report {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::Pair;

// Three shards of the sample: a case, two cases, a case.
std::vector<NamedRun> shards() {
  std::vector<NamedRun> runs;
  const RunResult whole = sample_run();
  for (const auto& [first, last] : {std::pair(0, 1), std::pair(1, 3), std::pair(3, 4)}) {
    RunResult run = whole;
    run.cases.assign(whole.cases.begin() + first, whole.cases.begin() + last);
    run.planned = run.cases.size();
    run.wall_ms = 1000.0 * last;
    run.started_at = "2024-05-01T12:00:0" + std::to_string(9 - first) + "Z";
    run.part = Part{runs.size() + 1, 3, 4};
    run.command = "crashpoint run --shard " + std::to_string(runs.size() + 1) + "/3";
    runs.push_back({"shard-" + std::to_string(runs.size() + 1), run});
  }
  return runs;
}

std::string refusal(const std::vector<NamedRun>& runs) {
  try {
    (void)merge(runs);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "merged";
}

TEST(Merge, GivesTheSameReportWhateverTheOrder) {
  std::vector<NamedRun> runs = shards();
  const std::string expected = encode_run(merge(runs));
  std::ranges::sort(runs, {}, &NamedRun::source);
  do {
    EXPECT_EQ(encode_run(merge(runs)), expected);
  } while (std::ranges::next_permutation(runs, {}, [](const NamedRun& run) {
             return run.source;
           }).found);
}

TEST(Merge, AddsUpWhatTheShardsDid) {
  const RunResult merged = merge(shards());
  const Totals totals = count(merged);
  EXPECT_EQ(totals.cases, 4U);
  EXPECT_EQ(totals.violations, 1U);
  EXPECT_EQ(totals.cycles, 4U);
  EXPECT_EQ(merged.planned, 4U);
  EXPECT_EQ(merged.jobs, 6U);
  EXPECT_EQ(merged.wall_ms, 4000) << "of the longest: shards run in parallel";
  EXPECT_EQ(merged.started_at, "2024-05-01T12:00:06Z");
  EXPECT_FALSE(merged.interrupted);
  EXPECT_THAT(merged.shards,
              ElementsAre(Field(&Shard::case_count, 1U), Field(&Shard::case_count, 2U),
                          Field(&Shard::case_count, 1U)));
}

TEST(Merge, MergesMergedReports) {
  const std::vector<NamedRun> runs = shards();
  const RunResult first = merge({runs[0], runs[1]});
  RunResult twice = merge({{"merged", first}, runs[2]});
  RunResult once = merge(runs);
  EXPECT_EQ(twice.shards, once.shards);
  EXPECT_EQ(encode_run(twice), encode_run(once));
}

TEST(Merge, OneInterruptedShardInterruptsTheWhole) {
  std::vector<NamedRun> runs = shards();
  runs[1].run.interrupted = true;
  EXPECT_TRUE(merge(runs).interrupted);
}

TEST(Merge, KeepsASeedOnlyIfAllShareIt) {
  std::vector<NamedRun> runs = shards();
  for (NamedRun& named : runs) {
    named.run.seed = 7;
  }
  EXPECT_EQ(merge(runs).seed, 7U);
  runs[2].run.seed = 8;
  EXPECT_EQ(merge(runs).seed, std::nullopt);
}

TEST(Merge, SameCaseOnAnotherTargetOrWithAnotherSeedIsAnotherCase) {
  std::vector<NamedRun> runs = shards();
  runs.push_back({"redis", runs[0].run});
  runs.back().run.cases[0].target = "redis";
  runs.push_back({"seed", runs[0].run});
  runs.back().run.cases[0].seed = 2;
  EXPECT_EQ(merge(runs).cases.size(), 6U);
}

TEST(Merge, RefusesACaseThatIsInTwoReportsAndNamesBoth) {
  std::vector<NamedRun> runs = shards();
  runs.push_back({"shard-1-again", runs[0].run});
  EXPECT_THAT(refusal(runs), HasSubstr("1 case is in two reports:\n  aof/always-kill-mid-fsync"
                                       "[nth=3] (target engine, seed 1): shard-1 and "
                                       "shard-1-again\n"));
  EXPECT_THAT(refusal(runs), HasSubstr("did a --shard I/N run twice"));
}

TEST(Merge, TellsWhichShardIsMissing) {
  std::vector<NamedRun> runs = shards();
  EXPECT_THAT(merge(runs).missing, testing::IsEmpty());
  const NamedRun second = runs[1];
  runs.erase(runs.begin() + 1);
  RunResult merged = merge(runs);
  EXPECT_THAT(merged.missing, ElementsAre(Part{2, 3, 4}));
  EXPECT_THAT(describe_incomplete(merged), ElementsAre("Missing: shard 2/3."));
  std::erase_if(merged.cases,
                [](const CaseResult& result) { return status_of(result) != Status::kPassed; });
  EXPECT_EQ(exit_code(merged), 3);
  EXPECT_THAT(merge({{"merged", merge(runs)}, second}).missing, testing::IsEmpty());
}

TEST(Merge, AnEmptyShardIsMissingUnlessThereAreFewerCasesThanShards) {
  std::vector<NamedRun> runs = shards();
  runs[1].run.cases.clear();
  EXPECT_THAT(merge(runs).missing, ElementsAre(Part{2, 3, 4}));
  runs = shards();
  runs.resize(1);
  runs[0].run.part = Part{1, 2, 1};
  runs.push_back({"empty", runs[0].run});
  runs[1].run.part = Part{2, 2, 1};
  runs[1].run.cases.clear();
  EXPECT_THAT(merge(runs).missing, testing::IsEmpty());
  runs.push_back({"empty again", runs[1].run});
  EXPECT_EQ(refusal(runs), "empty and empty again are the same report; give each report once");
}

TEST(Merge, OfSeveralTargetsEachHasAllItsShards) {
  std::vector<NamedRun> runs = shards();
  for (NamedRun named : shards()) {
    for (CaseResult& result : named.run.cases) {
      result.target = "another";
    }
    named.run.command += " --target another";
    runs.push_back(named);
  }
  EXPECT_THAT(merge(runs).missing, testing::IsEmpty());
  runs.erase(runs.begin() + 4);
  EXPECT_THAT(merge(runs).missing, ElementsAre(Part{2, 3, 4}));
}

TEST(Merge, RefusesReportsOfDifferentVersions) {
  std::vector<NamedRun> runs = shards();
  runs[1].run.version = "0.2.0";
  EXPECT_THAT(refusal(runs), HasSubstr("shard-1: 0.1.0\n  shard-2: 0.2.0"));
}

TEST(Merge, KeptFilesAreFoundFromTheNewFolder) {
  RunResult run = sample_run();
  relocate_artifacts(run, "/ci/shard-1", "/ci/merged");
  EXPECT_THAT(run.cases[1].artifacts,
              testing::Contains(Pair("the directory as it was recovered",
                                     "../shard-1/files/everysec-power-loss/data")));
}

}  // namespace
}  // namespace crashpoint::report
