// Faults at each call of a life, and the service that a target resumes after them: what they find that no other
// check does, and mistakes in scenarios.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/base/text.h"
#include "harness/cli/command_line_for_test.h"

namespace crashpoint {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kSweptRewrite =
    R"([{"commands": [["SET", "a", "1"]]}, {"admin": ["BGREWRITEAOF"], "wait": "done"},
        {"commands": [["SET", "b", "2"]]}])";
constexpr const char* kSweptWrites = R"([{"commands": [["SET", "a", "1"], ["SET", "b", "2"]]}])";
constexpr const char* kEachRename = R"({"each": "call", "of": ["rename"]})";

class RunSweep : public CommandLine {
 protected:
  // The engine with everysec, started with this failpoint; a call at each place of `at` fails once.
  Outcome run(const std::string& failpoint, const std::string& workload, const std::string& at,
              const std::string& more = "", const std::string& options = "") {
    const std::string arguments =
        failpoint.empty() ? "" : fmt::format(R"("--failpoint", "{}")", failpoint);
    write("case.json",
          fmt::format(
              R"({{"version": 1, "name": "case", "summary": "A test.", "target": {{"use": "engine",
                  "config": {{"appendonly": "yes", "appendfsync": "everysec", "save": ""}},
                  "arguments": [{}]}}, "workload": {},
                  "faults": [{{"at": {{"syscall": "write", "path": "*.incr.aof", "nth": 2}},
                               "do": {{"error": "EIO"}}}}]{}{}}})",
              arguments, workload, at.empty() ? "" : R"(, "matrix": {"/faults/0/at": )" + at + "}",
              more));
    return crashpoint("run case.json " + options);
  }
};

TEST_F(RunSweep, MakesACaseOfEachCallThatTheTargetMakes) {
  const Outcome all = run("", kSweptRewrite, kEachRename);
  EXPECT_EQ(all.exit_code, 0) << all.output;
  EXPECT_THAT(all.output, ContainsRegex("[5-9] cases: [5-9] passed"))
      << "base, manifest and increment, at the start and by the rewrite";
  const Outcome one =
      run("", kSweptRewrite, kEachRename, "", "--filter 'case[at=rename:*:child:1:1]' --seed 3");
  EXPECT_EQ(one.exit_code, 2) << one.output;
  const Outcome of_a_file = run(
      "", kSweptRewrite, R"({"each": "call", "of": ["write", "fdatasync"], "path": "*.manifest"})",
      "", "--filter 'case[at=write:temp-appendonly.aof.manifest:main:1]'");
  EXPECT_EQ(of_a_file.exit_code, 0) << of_a_file.output;
  EXPECT_THAT(of_a_file.output, HasSubstr("1 case: 1 passed"));
}

TEST_F(RunSweep, ASampleIsSpreadOverTheCallsAndTheRestIsCounted) {
  const Outcome sample =
      run("", kSweptRewrite, R"({"each": "call", "of": ["rename"], "sample": 2})");
  EXPECT_EQ(sample.exit_code, 0) << sample.output;
  EXPECT_THAT(sample.output,
              AllOf(HasSubstr("2 cases: 2 passed"), ContainsRegex("--all adds [3-7] cases")));
}

// No shipped scenario but the sweep fails this rename.
TEST_F(RunSweep, FindsAnErrorThatIsTakenForSuccess) {
  const Outcome found = run("planted/ignore-base-rename-error", kSweptRewrite, kEachRename);
  EXPECT_EQ(found.exit_code, 1) << found.output;
  EXPECT_THAT(found.output,
              HasSubstr("VIOLATION  case[at=rename:temp-rewriteaof-bg-*.aof:main:2]"));
}

TEST_F(RunSweep, ACallOfTheRecoveryCanFailToo) {
  const Outcome outcome =
      run("", kSweptWrites,
          R"({"from": 2, "to": 2}, "/recovery/faults/0/at": )" + std::string(kEachRename),
          R"(, "recovery": {"faults": [{"do": {"error": "EIO"}}]})");
  EXPECT_EQ(outcome.exit_code, 2) << "a number is no place";
  write("recovery.json",
        R"({"version": 1, "name": "recovery", "summary": "A test.",
            "target": {"use": "engine", "config": {"appendonly": "yes", "appendfsync": "always"}},
            "workload": [{"commands": [["SET", "a", "1"]]}],
            "recovery": {"faults": [{"do": {"error": "EIO"}}]},
            "matrix": {"/recovery/faults/0/at": {"each": "call", "of": ["openat"]}}})");
  const Outcome recovery = crashpoint("run recovery.json");
  EXPECT_EQ(recovery.exit_code, 0) << recovery.output;
  EXPECT_THAT(recovery.output, ContainsRegex("[0-9]+ cases: [0-9]+ passed"));
}

TEST_F(RunSweep, FindsATargetThatNeverAcceptsAWriteAgain) {
  const auto bound = [](int ms) {
    return fmt::format(R"(, "oracle": {{"resumes_within_ms": {}}})", ms);
  };
  const Outcome found = run("planted/keep-refusing", kSweptWrites, "", bound(300));
  EXPECT_EQ(found.exit_code, 1) << found.output;
  EXPECT_THAT(found.output, HasSubstr("300 ms after the workload, SET is still answered -MISCONF"));
  EXPECT_EQ(run("planted/keep-refusing", kSweptWrites, "", bound(0)).exit_code, 0)
      << "no other check";
  const Outcome correct = run("", kSweptWrites, "");
  EXPECT_EQ(correct.exit_code, 0) << correct.output;
}

TEST_F(RunSweep, MistakesAreToldBeforeAnythingIsStarted) {
  EXPECT_THAT(run("", kSweptWrites, R"({"each": "call", "of": ["renam"]})").output,
              HasSubstr("unknown syscall \"renam\"; did you mean \"rename\"?"));
  EXPECT_THAT(run("", kSweptWrites, R"({"each": "call"})").output, HasSubstr("\"of\" is missing"));
  EXPECT_THAT(
      run("", kSweptWrites, R"({"each": "call", "of": ["rename"], "path": "nowhere"})").output,
      HasSubstr("the target makes no such call"));
  write("pointer.json", R"({"version": 1, "summary": "A test.", "workload": [],
      "matrix": {"/seed": {"each": "call", "of": ["write"]}}})");
  EXPECT_THAT(crashpoint("validate pointer.json").output,
              HasSubstr("allowed: \"/faults/N/at\", \"/recovery/faults/N/at\""));
}

TEST_F(RunSweep, WithoutARunThereIsACaseForEachKindOfCall) {
  write("case.json", R"({"version": 1, "name": "case", "summary": "A test.", "workload": [],
      "faults": [{"do": {"error": "EIO"}}],
      "matrix": {"/faults/0/at": {"each": "call", "of": ["write", "rename"]}}})");
  const Outcome listed = crashpoint("list case.json");
  EXPECT_EQ(listed.exit_code, 0);
  EXPECT_THAT(listed.output, AllOf(HasSubstr("case[at=write]"), HasSubstr("case[at=rename]"),
                                   Not(HasSubstr("main"))));
}

}  // namespace
}  // namespace crashpoint
