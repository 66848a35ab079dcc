// A power loss with what else may happen to a directory: damage, faults in the recovery, further cycles, a start
// that must be refused.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/cli/command_line_for_test.h"

namespace crashpoint {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class RunPowerLoss : public CommandLine {
 protected:
  Outcome run(const std::string& failpoint, const std::string& more,
              const std::string& policy = "always") {
    write("case.json",
          fmt::format(
              R"({{"version": 1, "name": "case", "summary": "A test.", "target": {{"use": "engine",
                  "config": {{"appendonly": "yes", "appendfsync": "{}", "save": ""}},
                  "arguments": [{}]}},
                  "workload": [{{"commands": [["SET", "a", "1"], ["INCR", "n"], ["RPUSH", "l", "x"]]}}],
                  "crash": "power-loss", {}}})",
              policy, failpoint.empty() ? "" : fmt::format(R"("--failpoint", "{}")", failpoint),
              more));
    return crashpoint("run case.json --report report");
  }
};

TEST_F(RunPowerLoss, WithDamageEachDamageIsDoneToADirectoryThatItMayLeave) {
  const std::string damage =
      R"("damage": [{"file": "*.incr.aof", "truncate_tail": {"from": 1, "to": 12}}], "oracle": {"guarantee": "prefix"})";
  const Outcome correct = run("", damage, "no");
  EXPECT_EQ(correct.exit_code, 0) << correct.output;
  EXPECT_THAT(correct.output, HasSubstr("12 crash cycles"));
  const Outcome found = run("planted/hold-log-after-truncation", damage, "no");
  EXPECT_EQ(found.exit_code, 1) << found.output;
  EXPECT_THAT(found.output, ContainsRegex("power loss \\(.*\\): truncate .*incr.aof"));
  const Outcome again = crashpoint("reproduce $(ls -d report/bundles/* | head -1)");
  EXPECT_EQ(again.exit_code, 1) << again.output;
}

TEST_F(RunPowerLoss, SeveralCyclesEachGoOnFromWhatTheOneBeforeLeft) {
  const std::string cycles = R"("recovery": {"cycles": 3})";
  const Outcome correct = run("", cycles);
  EXPECT_EQ(correct.exit_code, 0) << correct.output;
  const Outcome found = run("planted/skip-fsync", cycles);
  EXPECT_EQ(found.exit_code, 1) << found.output;
  EXPECT_THAT(found.output,
              ContainsRegex("cycle [1-3]: power loss \\(.*acknowledged commands? (is|are) lost"));
}

TEST_F(RunPowerLoss, FaultsMayStrikeTheRecoveryOfEach) {
  const Outcome outcome = run(
      "",
      R"("recovery": {"faults": [{"at": {"syscall": "openat", "path": "*.manifest"}, "do": {"kill": "tree"}}]})",
      "no");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(outcome.output, ContainsRegex("([6-9]|1[0-9]) crash cycles")) << "two starts of each";
}

TEST_F(RunPowerLoss, AStartThatMustBeRefusedIsRefusedOnEach) {
  const std::string damage =
      R"("damage": [{"file": "*.manifest", "remove": true}], "oracle": {"start": "refuses"})";
  const Outcome outcome = run("", damage);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  const Outcome starts = run("", R"("oracle": {"start": "refuses"})");
  EXPECT_EQ(starts.exit_code, 1) << starts.output;
  EXPECT_THAT(starts.output, HasSubstr("at the first start it serves clients"));
}

}  // namespace
}  // namespace crashpoint
