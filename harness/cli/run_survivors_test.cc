// What lives of a first instance while a second one takes writes, from the command line: bugs planted in the
// engine that no other kind of crash finds.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/cli/command_line_for_test.h"

namespace crashpoint {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kSavesOnly = R"("appendonly": "no", "save": "")";
constexpr const char* kLogsAlways = R"("appendonly": "yes", "appendfsync": "always", "save": "")";
constexpr const char* kOutlives = "planted/child-outlives-its-parent";
constexpr const char* kSharesDirectory = "planted/no-directory-lock";
constexpr const char* kWhileItSaves =
    R"("faults": [{"at": {"syscall": "write", "path": "temp-*.rdb", "role": "snapshot"}, "do": {"kill": "main"}}])";
constexpr const char* kKillAll =
    R"("faults": [{"at": {"syscall": "write", "path": "temp-*.rdb", "role": "snapshot"}, "do": {"kill": "tree"}}])";
constexpr const char* kStopWhileItRewrites =
    R"("faults": [{"at": {"syscall": "write", "path": "temp-*", "role": "rewrite"},
                   "do": {"kill": "tree", "signal": "SIGSTOP"}}])";

class RunSurvivors : public CommandLine {
 protected:
  // A run of the engine with this bug: a write and SAVE, another and `command`, then one more.
  Outcome run(const std::string& failpoint, const std::string& config, const std::string& command,
              const std::string& more, const std::string& options = "") {
    write("case.json",
          fmt::format(
              R"({{"version": 1, "name": "case", "summary": "A test.", "target": {{"use": "engine",
                  "config": {{{}}}, "arguments": [{}]}},
                  "workload": [{{"commands": [["SET", "a", "1"]]}}, {{"admin": ["SAVE"]}},
                               {{"commands": [["SET", "b", "2"]]}}, {{"admin": ["{}"]}},
                               {{"admin": ["PING"], "wait": "done"}}],
                  {}}})",
              config, failpoint.empty() ? "" : fmt::format(R"("--failpoint", "{}")", failpoint),
              command, more));
    return crashpoint("run case.json --report report " + options);
  }
};

TEST_F(RunSurvivors, FindsAChildThatOutlivesItsParent) {
  const std::string beside = R"(, "recovery": {"beside": "orphans"})";
  const Outcome found = run(kOutlives, kSavesOnly, "BGSAVE", kWhileItSaves + beside);
  EXPECT_EQ(found.exit_code, 1) << found.output;
  EXPECT_THAT(found.output, HasSubstr("once the survivors had acted: "));
  EXPECT_THAT(read("report/report.json"),
              AllOf(HasSubstr("the main process is dead; its children are held"),
                    HasSubstr("a new instance is started beside"), HasSubstr("SAVE among them"),
                    HasSubstr("what was held goes on"), HasSubstr("all that lives is killed")));
  const Outcome correct = run("", kSavesOnly, "BGSAVE", kWhileItSaves + beside);
  EXPECT_EQ(correct.exit_code, 0) << correct.output;
  EXPECT_THAT(
      read("report/report.json"),
      HasSubstr("did not outlive the main process: the snapshot child was killed by SIGKILL"));
  const Outcome other = run(kOutlives, kSavesOnly, "BGSAVE", kKillAll);
  EXPECT_EQ(other.exit_code, 0) << "another crash does not find it: " << other.output;
}

TEST_F(RunSurvivors, ItsViolationsAreReproduced) {
  const Outcome found = run(kOutlives, kSavesOnly, "BGSAVE",
                            std::string(kWhileItSaves) + R"(, "recovery": {"beside": "orphans"})");
  EXPECT_EQ(found.exit_code, 1) << found.output;
  const Outcome again = crashpoint("reproduce report/bundles/*");
  EXPECT_EQ(again.exit_code, 1) << again.output;
  const Outcome rerun = crashpoint("run case.json --filter case --seed 1");
  EXPECT_EQ(rerun.exit_code, 1) << rerun.output;
}

TEST_F(RunSurvivors, FindsTwoInstancesOnOneLog) {
  for (const std::string beside :
       {R"("recovery": {"beside": "instance"})", R"("recovery": {"beside": "stopped"})"}) {
    const Outcome found = run(kSharesDirectory, kLogsAlways, "BGREWRITEAOF", beside);
    EXPECT_EQ(found.exit_code, 1) << beside << found.output;
    EXPECT_THAT(found.output, HasSubstr("once the survivors had acted: "));
    const Outcome correct = run("", kLogsAlways, "BGREWRITEAOF", beside);
    EXPECT_EQ(correct.exit_code, 0) << beside << correct.output;
    EXPECT_THAT(read("report/report.json"),
                AllOf(HasSubstr("a new instance refuses to start beside"),
                      HasSubstr("in use by another server")));
  }
}

TEST_F(RunSurvivors, AFaultStopsTheTargetInTheMiddleOfItsWork) {
  const std::string beside = R"(, "recovery": {"beside": "stopped"})";
  const Outcome found =
      run(kSharesDirectory, kLogsAlways, "BGREWRITEAOF", kStopWhileItRewrites + beside);
  EXPECT_EQ(found.exit_code, 1) << found.output;
  const Outcome correct = run("", kLogsAlways, "BGREWRITEAOF", kStopWhileItRewrites + beside);
  EXPECT_EQ(correct.exit_code, 0) << correct.output;
}

// The second start interrupts the harness, and does not end by itself.
TEST_F(RunSurvivors, LeavesNothingBehindWhenItIsInterruptedBesideThem) {
  const std::string folder = folder_.path().string();
  write("server", fmt::format("#!/bin/sh\n"
                              "if [ -e {0}/started ]; then\n"
                              "  kill -TERM $(cat {0}/pid)\n"
                              "  exec sleep 600\n"
                              "fi\n"
                              ": > {0}/started\n"
                              "exec {1} \"$@\"\n",
                              folder, CRASHPOINT_ENGINE_BINARY));
  write("work/case.json", fmt::format(R"({{"version": 1, "name": "case", "summary": "A test.",
              "target": {{"use": {{"command": ["sh", "{}/server", "{{config}}"]}}, "config": {{{}}}}},
              "workload": [{{"commands": [["SET", "a", "1"]]}}, {{"admin": ["BGSAVE"]}},
                           {{"admin": ["PING"], "wait": "done"}}],
              "faults": [{{"at": {{"syscall": "write", "path": "temp-*.rdb", "role": "snapshot"}},
                           "do": {{"kill": "tree", "signal": "SIGSTOP"}}}}],
              "recovery": {{"beside": "stopped", "deadline_ms": 600000}}}})",
                                      folder, kSavesOnly));
  const Outcome outcome =
      shell(fmt::format("cd {0} && export CRASHPOINT_TMPDIR={0}/work && "
                        "sh -c 'echo $$ > pid; exec {1} run work/case.json'",
                        folder, CRASHPOINT_BINARY));
  EXPECT_EQ(outcome.exit_code, 3) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("Interrupted"));
  EXPECT_EQ(shell("ls " + folder + "/work").output, "case.json\n");
  EXPECT_EQ(shell("ls -l /proc/[0-9]*/cwd 2>/dev/null | grep " + folder + "/work").output, "");
}

// Nothing is proved where no child lived on.
TEST_F(RunSurvivors, WithoutAChildItIsInconclusive) {
  const Outcome outcome = run(
      "", kLogsAlways, "PING",
      R"("faults": [{"at": {"after_acked": 3}, "do": {"kill": "main"}}], "recovery": {"beside": "orphans"})");
  EXPECT_EQ(outcome.exit_code, 3) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("no child was at work when the main process was killed"));
}

TEST_F(RunSurvivors, AFaultThatNeverFiresIsInconclusive) {
  const Outcome outcome =
      run("", kSavesOnly, "PING",
          std::string(kWhileItSaves) + R"(, "recovery": {"beside": "orphans"})");
  EXPECT_EQ(outcome.exit_code, 3) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("the fault never fired"));
}

}  // namespace
}  // namespace crashpoint
