// What fails again and again piles up nothing: each bound is broken by a bug planted in the engine, and kept by
// the engine as it is.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/cli/command_line_for_test.h"

namespace crashpoint {
namespace {

using ::testing::HasSubstr;

class RunBounds : public CommandLine {
 protected:
  // A case with what differs: "config", "workload", "faults" and more.
  Outcome run(const std::string& failpoint, const std::string& config, const std::string& rest) {
    write("case.json",
          fmt::format(
              R"({{"version": 1, "name": "case", "summary": "A test.", "target": {{"use": "engine",
                  "config": {{{}}}, "arguments": [{}]}}, "crash": "process-kill", {}}})",
              config, failpoint.empty() ? "" : fmt::format(R"("--failpoint", "{}")", failpoint),
              rest));
    return crashpoint("run case.json");
  }
};

constexpr const char* kLog = R"("appendonly": "yes", "appendfsync": "always", "save": "")";

// Five lives that each leave one are one file too many for the bound that holds by default.
TEST_F(RunBounds, TemporaryFilesOfEarlierLivesDoNotPileUp) {
  const std::string killed = R"("workload": [{"commands": [["SET", "a", "1"]]},
      {"admin": ["BGSAVE"]}, {"admin": ["PING"], "wait": "done"}],
      "faults": [{"at": {"syscall": "fsync", "path": "temp-*.rdb"}, "do": {"kill": "tree"}}],
      "recovery": {"cycles": 5}, "oracle": {"guarantee": "prefix"})";
  const std::string config = R"("appendonly": "no", "save": "")";
  const Outcome found = run("planted/keep-temporary-files", config, killed);
  EXPECT_EQ(found.exit_code, 1) << found.output;
  EXPECT_THAT(found.output, HasSubstr("files that match 'temp-*' after recovery: at most 4"));
  EXPECT_THAT(found.output, HasSubstr("cycle 5: there are 5, 'temp-"));
  const Outcome correct = run("", config, killed);
  EXPECT_EQ(correct.exit_code, 0) << correct.output;
}

TEST_F(RunBounds, DescriptorsDoNotPileUp) {
  const std::string failing = R"("workload": [{"commands": [["SET", "a", "1"]]},
      {"admin": ["BGREWRITEAOF"], "wait": "done", "repeat": 40}],
      "faults": [{"at": {"syscall": "fsync", "path": "temp-rewriteaof-*", "role": "rewrite",
                         "nth": "every"}, "do": {"error": "EIO"}}])";
  const Outcome found = run("planted/leak-descriptor", kLog, failing);
  EXPECT_EQ(found.exit_code, 1) << found.output;
  EXPECT_THAT(found.output, HasSubstr("holds at most 32 descriptors more than at its beginning"));
  const Outcome correct = run("", kLog, failing);
  EXPECT_EQ(correct.exit_code, 0) << correct.output;
}

TEST_F(RunBounds, ATargetPausesBetweenTwoTries) {
  const std::string refused =
      R"("workload": [{"commands": [["SET", "a", "1"]]}, {"pause_ms": 3000}],
      "faults": [{"at": {"syscall": "fork", "nth": "every"}, "do": {"error": "EAGAIN"},
                  "fires_max": 2}], "oracle": {"run": {"refused_max": 1}})";
  const std::string config = R"("appendonly": "yes", "appendfsync": "always", "save": "1 1")";
  const Outcome found = run("planted/retry-at-once", config, refused);
  EXPECT_EQ(found.exit_code, 1) << found.output;
  EXPECT_THAT(found.output, HasSubstr("the target tries again without a pause"));
  const Outcome correct = run("", config, refused);
  EXPECT_EQ(correct.exit_code, 0) << correct.output;
}

TEST_F(RunBounds, TheBoundsOfAScenarioAreKeptToo) {
  const std::string workload = R"("workload": [{"commands": [["SET", "a", "1"]]}])";
  const Outcome files =
      run("", kLog, workload + R"(, "oracle": {"files": {"count": {"*.aof": 0, "*.rdb": 1}}})");
  EXPECT_EQ(files.exit_code, 1) << files.output;
  EXPECT_THAT(files.output, HasSubstr("there are 1, 'appendonlydir/appendonly.aof.1.incr.aof'"));
  const Outcome bytes = run("", kLog, workload + R"(, "oracle": {"files": {"bytes_max": 10}})");
  EXPECT_EQ(bytes.exit_code, 1) << bytes.output;
  EXPECT_THAT(bytes.output, HasSubstr("bytes in all files after recovery: at most 10"));
  const Outcome roomy = run("", kLog, workload + R"(, "oracle": {"files": {"count": {"*.aof": 2},
                                          "bytes_max": 100000}, "run": {"growth": {"descriptors": 9}}})");
  EXPECT_EQ(roomy.exit_code, 0) << roomy.output;
}

}  // namespace
}  // namespace crashpoint
