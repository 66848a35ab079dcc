#include "harness/scenario/parse/known_findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "harness/scenario/load/files_for_test.h"

namespace crashpoint::scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const char* const kShared = R"({
  // One file for all scenarios of a target.
  "target": "redis", "version": "7.0.*",
  "findings": {
    "aof/zeros": {"check": "start", "found": "append * zeros*", "reason": "zeros are damage"},
    "aof/lost": {"check": "guarantee", "cause": "mkdir *", "profiles": ["weakest"], "reason": "no sync"},
    "rdb": {"check": "files", "found": "*temp-*", "reason": "left over", "reference": "u"}
  }
})";

std::string scenario_with(const std::string& known) {
  return R"({"version": 1, "summary": "s", "matrix": {"/seed": [1, 2]}, "known_findings": )" +
         known + "}";
}

std::vector<KnownFinding> load_with(const std::string& known) {
  const FilesForTest files;
  files.write("_known/redis.json", kShared);
  return load({files.write("a/b.json", scenario_with(known))}).cases.at(0).known_findings;
}

TEST(KnownFindings, AReferenceStandsForTheEntryOfAFile) {
  const auto findings = load_with(R"(["../_known/redis.json#aof/lost"])");
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].target, "redis");
  EXPECT_EQ(findings[0].version, "7.0.*");
  EXPECT_EQ(findings[0].check, "guarantee");
  EXPECT_EQ(findings[0].cause, "mkdir *");
  EXPECT_THAT(findings[0].profiles, ElementsAre("weakest"));
  EXPECT_EQ(findings[0].reason, "no sync");
  EXPECT_THAT(findings[0].cases, IsEmpty());
}

TEST(KnownFindings, AGlobStandsForSeveralEntries) {
  EXPECT_THAT(load_with(R"(["../_known/redis.json#aof/*", "../_known/redis.json#rdb"])"),
              SizeIs(3));
}

TEST(KnownFindings, AReferenceMayBeOfSomeCasesOnly) {
  const auto findings = load_with(R"([{"from": "../_known/redis.json#rdb", "cases": "*seed=2*"}])");
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_THAT(findings[0].cases, ElementsAre("*seed=2*"));
}

TEST(KnownFindings, AReferenceMayBeOfWhatOccursSometimes) {
  EXPECT_FALSE(load_with(R"(["../_known/redis.json#rdb"])")[0].sometimes);
  const auto findings = load_with(R"([{"from": "../_known/redis.json#rdb", "sometimes": true}])");
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_TRUE(findings[0].sometimes);
}

TEST(KnownFindings, AnEntryMayStandInTheScenarioItself) {
  const auto findings =
      load_with(R"([{"target": "x", "check": "start", "found": "*", "reason": "r"}])");
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].target, "x");
}

TEST(KnownFindings, AFileMayHoldForAllCasesOfARun) {
  const FilesForTest files;
  LoadOptions options;
  options.known_findings = files.write("mine.json", kShared);
  const Loaded loaded =
      load({files.write("a/b.json", R"({"version": 1, "summary": "s"})")}, options);
  EXPECT_THAT(loaded.cases.at(0).known_findings, SizeIs(3));
}

// The text of the only problem.
std::string problem_with(const std::string& known, const std::string& shared = kShared) {
  const FilesForTest files;
  files.write("_known/redis.json", shared);
  const std::vector<std::string> problems =
      files.problems({files.write("a/b.json", scenario_with(known))});
  return problems.empty() ? "" : problems.back();
}

TEST(KnownFindings, WhatIsNotThereIsRefusedWithItsPlace) {
  EXPECT_THAT(problem_with(R"(["../_known/redis.json#aof/zero"])"),
              HasSubstr("has no entry \"aof/zero\"; did you mean \"aof/zeros\"?"));
  EXPECT_THAT(problem_with(R"(["../_known/valkey.json#x"])"), HasSubstr("there is no file"));
  EXPECT_THAT(problem_with(R"(["aof/zeros"])"), HasSubstr("allowed: FILE#NAME"));
  EXPECT_THAT(problem_with(R"([{"from": "../_known/redis.json#rdb", "cases": "*seed=9*"}])"),
              HasSubstr("\"*seed=9*\" matches no case of this file"));
}

TEST(KnownFindings, AFileOfAnotherFormIsRefusedWithItsPlace) {
  const std::string all = R"(["../_known/redis.json#*"])";
  EXPECT_THAT(problem_with(all, R"({"findings": {}})"), HasSubstr("\"target\" is missing"));
  EXPECT_THAT(problem_with(all, R"({"target": "redis"})"), HasSubstr("\"findings\" is missing"));
  EXPECT_THAT(problem_with(all, R"({"target": "redis", "finding": {}})"), HasSubstr("unknown key"));
  EXPECT_THAT(problem_with(all, R"({"target": "redis", "findings": {"a": 1}})"),
              HasSubstr("redis.json:1:39: /findings/a: allowed: an object"));
}

TEST(KnownFindings, AnEntryNamesWhatIsKnown) {
  EXPECT_THAT(problem_with(R"([{"target": "x", "reason": "r"}])"),
              HasSubstr("\"check\" is missing"));
  EXPECT_THAT(problem_with(R"([{"target": "x", "check": "start", "reason": "r"}])"),
              HasSubstr("\"cause\" with \"profiles\""));
  EXPECT_THAT(
      problem_with(R"([{"target": "x", "check": "start", "cause": "write *", "reason": "r"}])"),
      HasSubstr("\"cause\" needs \"profiles\""));
}

}  // namespace
}  // namespace crashpoint::scenario
