#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "harness/scenario/load/files_for_test.h"

namespace crashpoint::scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// A scenario "aof/kill" with two faults and this matrix.
std::string scenario(const std::string& matrix) {
  return R"({"version": 1, "summary": "s", "name": "aof/kill",
"target": {"config": {"appendonly": "yes", "appendfsync": "always"}},
"faults": [{"at": {"syscall": "fsync", "nth": 1}, "do": {"kill": "tree"}},
           {"at": {"syscall": "write"}, "do": {"delay_ms": 1}}],
"matrix": )" +
         matrix + "}";
}

std::vector<Case> cases_of(const std::string& matrix) {
  const FilesForTest files;
  return load({files.write("t.json", scenario(matrix))}).cases;
}

std::vector<std::string> names_of(const std::string& matrix) {
  std::vector<std::string> names;
  for (const Case& each : cases_of(matrix)) {
    names.push_back(each.name);
  }
  return names;
}

std::vector<std::string> problems_of(const std::string& matrix) {
  return FilesForTest().problems_of(scenario(matrix));
}

TEST(Matrix, NamesEachCaseAfterTheLastPartOfThePointersInTheirOrder) {
  EXPECT_THAT(
      names_of(R"({"/target/config/appendfsync": ["always", "no"],
                           "/faults/0/at/nth": [1, 2]})"),
      ElementsAre("aof/kill[appendfsync=always,nth=1]", "aof/kill[appendfsync=always,nth=2]",
                  "aof/kill[appendfsync=no,nth=1]", "aof/kill[appendfsync=no,nth=2]"));
  EXPECT_THAT(names_of(R"({"/faults/0/at/nth": [1], "/target/config/appendfsync": ["no"]})"),
              ElementsAre("aof/kill[nth=1,appendfsync=no]"));
}

TEST(Matrix, PutsTheValuesInPlace) {
  const std::vector<Case> cases = cases_of(R"({"/target/config/appendfsync": ["no"],
                                               "/faults/0/at/nth": [7], "/seed": [42]})");
  ASSERT_THAT(cases, SizeIs(1));
  EXPECT_EQ(cases[0].target.config.at("appendfsync"), std::vector<std::string>{"no"});
  EXPECT_EQ(std::get<fault::Place>(cases[0].faults[0].at).nth.first, 7U);
  EXPECT_EQ(cases[0].seed, 42U);
  EXPECT_EQ(cases[0].scenario, "aof/kill");
  EXPECT_THAT(cases[0].parameters, ElementsAre(std::pair("appendfsync", "no"),
                                               std::pair("nth", "7"), std::pair("seed", "42")));
}

TEST(Matrix, RangesIncludeTheirEndAndSortAsNumbers) {
  EXPECT_THAT(
      names_of(R"({"/faults/0/at/nth": {"from": 8, "to": 11}})"),
      ElementsAre("aof/kill[nth=8]", "aof/kill[nth=9]", "aof/kill[nth=10]", "aof/kill[nth=11]"));
  EXPECT_THAT(names_of(R"({"/faults/0/at/nth": {"from": 1, "to": 6, "step": 3}})"),
              ElementsAre("aof/kill[nth=1]", "aof/kill[nth=4]"));
}

TEST(Matrix, MayFillInAKeyThatIsNotThereYet) {
  const std::vector<Case> cases = cases_of(R"({"/faults/1/at/role": ["main", "child"]})");
  ASSERT_THAT(cases, SizeIs(2));
  EXPECT_EQ(std::get<fault::Place>(cases[0].faults[1].at).role, "child");
}

TEST(Matrix, ObjectsHaveALabelAndReplaceOrMerge) {
  const std::vector<Case> cases = cases_of(R"({"/target/config": [
      {"label": "rdb", "value": {"save": "60 1"}},
      {"label": "both", "merge": {"save": "60 1"}}]})");
  ASSERT_THAT(cases, SizeIs(2));
  EXPECT_EQ(cases[0].name, "aof/kill[config=both]");
  EXPECT_EQ(cases[0].target.config.count("appendonly"), 1U);
  EXPECT_EQ(cases[1].name, "aof/kill[config=rdb]");
  EXPECT_EQ(cases[1].target.config.count("appendonly"), 0U);
}

TEST(Matrix, TheEmptyPointerMergesIntoTheWholeScenario) {
  const std::vector<Case> cases = cases_of(R"({"": [
      {"label": "strict", "merge": {"oracle": {"guarantee": "durable"}}},
      {"label": "lax", "merge": {"oracle": {"guarantee": "none"}, "faults": null}}]})");
  ASSERT_THAT(cases, SizeIs(2));
  EXPECT_EQ(cases[0].name, "aof/kill[lax]");
  EXPECT_TRUE(cases[0].faults.empty());
  EXPECT_EQ(cases[1].name, "aof/kill[strict]");
  EXPECT_EQ(cases[1].oracle.guarantee->kind, oracle::Guarantee::Kind::kDurable);
}

TEST(Matrix, PointersThatEndAlikeGetLongerNames) {
  EXPECT_THAT(names_of(R"({"/faults/0/at/role": ["main"], "/faults/1/at/role": ["child"]})"),
              ElementsAre("aof/kill[0.at.role=main,1.at.role=child]"));
}

TEST(Matrix, ExcludesCombinations) {
  EXPECT_THAT(names_of(R"({"/target/config/appendfsync": ["always", "no"],
                           "/faults/0/at/nth": {"from": 1, "to": 2},
                           "exclude": [{"/target/config/appendfsync": "no", "/faults/0/at/nth": 1}]})"),
              ElementsAre("aof/kill[appendfsync=always,nth=1]",
                          "aof/kill[appendfsync=always,nth=2]", "aof/kill[appendfsync=no,nth=2]"));
}

TEST(Matrix, ASampleIsSpreadEvenlyFromTheFirstToTheLast) {
  const auto sampled = [](int sample) {
    return names_of(
        fmt::format(R"({{"/faults/0/at/nth": {{"from": 1, "to": 10}}, "sample": {}}})", sample));
  };
  EXPECT_THAT(sampled(1), ElementsAre("aof/kill[nth=1]"));
  EXPECT_THAT(sampled(2), ElementsAre("aof/kill[nth=1]", "aof/kill[nth=10]"));
  EXPECT_THAT(sampled(4), ElementsAre("aof/kill[nth=1]", "aof/kill[nth=4]", "aof/kill[nth=7]",
                                      "aof/kill[nth=10]"));
  for (int sample = 1; sample <= 12; ++sample) {
    EXPECT_EQ(sampled(sample).size(), static_cast<std::size_t>(std::min(sample, 10)));
  }
}

TEST(Matrix, CharactersSpecialToAShellAreReplacedInNames) {
  EXPECT_THAT(names_of(R"({"/target/config/save": ["900 1", ""]})"),
              ElementsAre("aof/kill[save=900_1]", "aof/kill[save=empty]"));
}

TEST(MatrixProblems, SayWhereAndWhatIsAllowed) {
  EXPECT_THAT(problems_of(R"({"/fautls/0/at/nth": [1]})"),
              ElementsAre("5:12: /matrix/~1fautls~10~1at~1nth: \"/fautls/0/at/nth\" points to "
                          "nothing: there is no object at \"/fautls/0/at\""));
  EXPECT_THAT(problems_of(R"({"/faults/5/at/nth": [1]})"),
              ElementsAre(HasSubstr("points to nothing: there is no object at \"/faults/5/at\"")));
  EXPECT_THAT(problems_of(R"({"/faults/~2": [1]})"),
              ElementsAre(HasSubstr("\"/faults/~2\" is not a JSON pointer")));
  EXPECT_THAT(problems_of(R"({"faults": [1]})"),
              ElementsAre(HasSubstr("unknown key \"faults\"; allowed: JSON pointers, which begin "
                                    "with '/', \"exclude\" and \"sample\"")));
  EXPECT_THAT(problems_of(R"({"/seed": []})"),
              ElementsAre(HasSubstr("found a list of 0; allowed: a list (at least 1)")));
  EXPECT_THAT(problems_of(R"({"/seed": {"from": 3, "to": 1}})"),
              ElementsAre("5:39: /matrix/~1seed/to: found 1; allowed: at least \"from\", 3"));
  EXPECT_THAT(problems_of(R"({"/seed": [1, 1]})"),
              ElementsAre(HasSubstr(
                  "/matrix/~1seed/1: has the label \"1\", like another value of this list")));
  EXPECT_THAT(problems_of(R"({"/target": [{"use": "redis"}]})"),
              ElementsAre(HasSubstr("/matrix/~1target/0: an object needs a label")));
  EXPECT_THAT(problems_of(R"({"/tags": [["a"]]})"),
              ElementsAre(HasSubstr("/matrix/~1tags/0: a list needs a label")));
  EXPECT_THAT(problems_of(R"({"/seed": {"from": 1, "to": 1000000}})"),
              ElementsAre(HasSubstr("1,000,000 values; allowed: at most 20,000")));
  EXPECT_THAT(problems_of(R"({"/seed": {"from": 1, "to": 1000},
                              "/faults/0/at/nth": {"from": 1, "to": 1000}})"),
              ElementsAre(HasSubstr("/matrix: more than 20,000 combinations")));
}

TEST(MatrixProblems, OfExcludeSayWhatIsVaried) {
  EXPECT_THAT(problems_of(R"({"/seed": [1, 2], "exclude": [{"/sed": 1}]})"),
              ElementsAre(HasSubstr("/matrix/exclude/0/~1sed: \"/sed\" is not varied by this "
                                    "matrix; did you mean \"/seed\"?")));
  EXPECT_THAT(problems_of(R"({"/seed": [1, 2], "exclude": [{"/seed": 3}]})"),
              ElementsAre(HasSubstr("found 3; the matrix has no such value for this pointer")));
  EXPECT_THAT(problems_of(R"({"/seed": [1], "exclude": [{"/seed": 1}]})"),
              ElementsAre(HasSubstr("excludes every combination; no case is left")));
}

}  // namespace
}  // namespace crashpoint::scenario
