#include "harness/report/status.h"

#include <gtest/gtest.h>

#include "harness/report/sample_run_for_test.h"

namespace crashpoint::report {
namespace {

TEST(Status, ViolationIsKnownOnlyWhileItIsDeclared) {
  CaseResult result = sample_known();
  EXPECT_EQ(status_of(result), Status::kKnown);
  result.verdict.known.clear();
  EXPECT_EQ(status_of(result), Status::kViolation);
}

}  // namespace
}  // namespace crashpoint::report
