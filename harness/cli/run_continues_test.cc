// Sensitivity of "continues", from the command line: bugs planted in the engine that only show once the
// first instance that recovered takes writes. No other check finds them.
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

constexpr const char* kHoldsTheLog = R"("--failpoint", "planted/hold-log-after-truncation")";
constexpr const char* kSkipsTheSync = R"("--failpoint", "planted/skip-fsync-after-truncation")";
constexpr const char* kExplores =
    R"("crash": {"explore": {"points": "every-persistence-point", "samples_per_point": 0, "torn_writes": "half"}})";
constexpr const char* kExploresPower =
    R"("crash": {"explore": {"kinds": ["power-loss"], "points": "every-persistence-point",
        "samples_per_point": 0, "torn_writes": "half"}})";
constexpr const char* kTorn =
    R"("damage": [{"file": "*.incr.aof", "truncate_tail": {"from": 1, "to": 12}}])";

class RunContinues : public CommandLine {
 protected:
  // A run of the engine, started with these arguments.
  Outcome run(const std::string& arguments, const std::string& crash, const std::string& oracle) {
    write("case.json",
          fmt::format(
              R"({{"version": 1, "name": "case", "summary": "A test.", "target": {{"use": "engine",
                  "config": {{"appendonly": "yes", "appendfsync": "always", "save": ""}},
                  "arguments": [{}]}},
                  "workload": [{{"commands": [["SET", "a", "1"], ["SET", "b", "2"]]}}],
                  {}, "oracle": {{{}}}}})",
              arguments, crash, oracle));
    return crashpoint("run case.json --report report");
  }
};

TEST_F(RunContinues, FindsAmongCrashStatesWhatNoOtherCheckFinds) {
  const Outcome found = run(kHoldsTheLog, kExplores, R"("continues": true)");
  EXPECT_EQ(found.exit_code, 1) << found.output;
  EXPECT_THAT(found.output,
              AllOf(HasSubstr("killed once it had recovered and answered"), HasSubstr("Cause: ")));
  const Outcome others = run(kHoldsTheLog, kExplores, R"("continues": false)");
  EXPECT_EQ(others.exit_code, 0) << others.output;
  EXPECT_THAT(others.output, Not(HasSubstr("life went on")));
  const Outcome correct = run("", kExplores, R"("continues": true)");
  EXPECT_EQ(correct.exit_code, 0) << correct.output;
  EXPECT_THAT(correct.output, ContainsRegex("after [0-9]+ of them life went on"));
}

TEST_F(RunContinues, FindsOnDamagedDirectoriesWhatNoOtherCheckFinds) {
  const std::string promise = R"("guarantee": "prefix", "continues": )";
  const Outcome found = run(kHoldsTheLog, kTorn, promise + "true");
  EXPECT_EQ(found.exit_code, 1) << found.output;
  EXPECT_THAT(found.output, HasSubstr("killed once it had recovered and answered"));
  EXPECT_EQ(run(kHoldsTheLog, kTorn, promise + "false").exit_code, 0);
  const Outcome correct = run("", kTorn, promise + "true");
  EXPECT_EQ(correct.exit_code, 0) << correct.output;
  EXPECT_THAT(correct.output, HasSubstr("after 8 of them life went on")) << "of 12";
  EXPECT_THAT(run("", kTorn, promise + R"("all")").output,
              HasSubstr("after 12 of them life went on"));
}

TEST_F(RunContinues, ItsViolationsAreReproducedFromTheirBundles) {
  ASSERT_EQ(run(kHoldsTheLog, kExplores, R"("continues": true)").exit_code, 1);
  const Outcome again = crashpoint("reproduce $(ls -d report/bundles/* | head -1)");
  EXPECT_EQ(again.exit_code, 1) << again.output;
  EXPECT_THAT(again.output, HasSubstr("Reproduced: the check \"continues\" fails again."));
}

TEST_F(RunContinues, FindsWhatAPowerLossTakesFromTheLifeAfterARecovery) {
  const Outcome found = run(kSkipsTheSync, kExploresPower, R"("continues": "all")");
  EXPECT_EQ(found.exit_code, 1) << found.output;
  EXPECT_THAT(found.output,
              AllOf(HasSubstr("life went on, and then power loss"), HasSubstr("was not synced")));
  const Outcome others = run(kSkipsTheSync, kExploresPower, R"("continues": false)");
  EXPECT_EQ(others.exit_code, 0) << others.output;
  const Outcome correct = run("", kExploresPower, R"("continues": "all")");
  EXPECT_EQ(correct.exit_code, 0) << correct.output;
}

}  // namespace
}  // namespace crashpoint
