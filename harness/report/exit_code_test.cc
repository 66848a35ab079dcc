#include "harness/report/exit_code.h"

#include <gtest/gtest.h>

#include "harness/report/sample_run_for_test.h"

namespace crashpoint::report {
namespace {

RunResult run_of(std::vector<CaseResult> cases) {
  RunResult run;
  run.cases = std::move(cases);
  return run;
}

TEST(ExitCode, ZeroOnlyWhenEveryPromiseIsKnownToHold) {
  EXPECT_EQ(exit_code(run_of({sample_pass()})), 0);
  EXPECT_EQ(exit_code(run_of({sample_pass(), sample_known()})), 0);
}

TEST(ExitCode, OneForAViolationWhateverElseThereIs) {
  EXPECT_EQ(exit_code(run_of({sample_inconclusive(), sample_violation(), sample_pass()})), 1);
}

TEST(ExitCode, ThreeWhenACaseIsInconclusiveOrWasNotRun) {
  EXPECT_EQ(exit_code(run_of({sample_inconclusive(), sample_pass()})), 3);
  RunResult interrupted = run_of({sample_pass()});
  interrupted.interrupted = true;
  EXPECT_EQ(exit_code(interrupted), 3);
}

}  // namespace
}  // namespace crashpoint::report
