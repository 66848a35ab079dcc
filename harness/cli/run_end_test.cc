// An exit status 0 is an acknowledgement: a power loss right after it loses nothing, whatever appendfsync says.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/cli/command_line_for_test.h"

namespace crashpoint {
namespace {

using ::testing::HasSubstr;

class RunEnd : public CommandLine {
 protected:
  Outcome run(const std::string& failpoint, const std::string& config, const std::string& shutdown,
              const std::string& more = "") {
    write("case.json",
          fmt::format(
              R"({{"version": 1, "name": "case", "summary": "A test.", "target": {{"use": "engine",
                  "config": {{{}}}, "arguments": [{}]}},
                  "workload": [{{"commands": [["SET", "a", "1"], ["SET", "b", "2"]]}},
                               {{"admin": [{}], "wait": "done"}}],
                  "crash": "power-loss"{}}})",
              config, failpoint.empty() ? "" : fmt::format(R"("--failpoint", "{}")", failpoint),
              shutdown, more));
    return crashpoint("run case.json");
  }
};

constexpr const char* kEverySecond =
    R"("appendonly": "yes", "appendfsync": "everysec", "save": "")";

TEST_F(RunEnd, WhatATargetEndedWellWithIsDurable) {
  const Outcome found = run("planted/skip-fsync-at-the-end", kEverySecond, R"("SHUTDOWN")");
  EXPECT_EQ(found.exit_code, 1) << found.output;
  EXPECT_THAT(found.output, HasSubstr("every acknowledged command survives"));
  const Outcome correct = run("", kEverySecond, R"("SHUTDOWN")");
  EXPECT_EQ(correct.exit_code, 0) << correct.output;
}

TEST_F(RunEnd, ASnapshotAtTheEndIsDurableToo) {
  const Outcome saved = run("", R"("appendonly": "no", "save": "")", R"("SHUTDOWN", "SAVE")");
  EXPECT_EQ(saved.exit_code, 0) << saved.output;
  const Outcome found = run("planted/skip-snapshot-fsync", R"("appendonly": "no", "save": "")",
                            R"("SHUTDOWN", "SAVE")");
  EXPECT_EQ(found.exit_code, 1) << found.output;
}

// Whoever asks for an end at any price is promised no more than before.
TEST_F(RunEnd, AForcedEndPromisesNothing) {
  const Outcome forced =
      run("planted/skip-fsync-at-the-end", kEverySecond, R"("SHUTDOWN", "FORCE")");
  EXPECT_EQ(forced.exit_code, 0) << forced.output;
}

// Each sync of the log fails once: the last one, too.
TEST_F(RunEnd, TheEngineDoesNotEndWellWithoutTheLastSync) {
  const Outcome swept = run("", kEverySecond, R"("SHUTDOWN")",
                            R"(, "faults": [{"do": {"error": "EIO"}}],
             "matrix": {"/faults/0/at": {"each": "call", "of": ["fdatasync"], "path": "*.incr.aof"}})");
  EXPECT_EQ(swept.exit_code, 0) << swept.output;
  EXPECT_THAT(swept.output, HasSubstr("passed"));
}

}  // namespace
}  // namespace crashpoint
