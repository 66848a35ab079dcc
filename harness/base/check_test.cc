#include "harness/base/check.h"

#include <gtest/gtest.h>

#include <string>

namespace crashpoint {
namespace {

TEST(HarnessCheckDeathTest, AbortsWithTheConditionThePlaceAndWhoseBugItIs) {
  EXPECT_DEATH(HARNESS_CHECK(1 + 1 == 3),
               "check_test\\.cc:[0-9]+: 1 \\+ 1 == 3 does not hold\n"
               "This is a bug of crashpoint itself, please report it\\.");
}

TEST(HarnessCheckDeathTest, ShowsTheValuesItIsGiven) {
  const int from = 7;
  const std::string to = "end";
  EXPECT_DEATH(HARNESS_CHECK(from < 3, from, to), "from < 3 does not hold: from, to = 7, end\n");
}

TEST(HarnessCheck, EvaluatesTheConditionOnceAndTheValuesOnlyWhereItFails) {
  int conditions = 0;
  int values = 0;
  HARNESS_CHECK(++conditions == 1, ++values);
  EXPECT_EQ(conditions, 1);
  EXPECT_EQ(values, 0);
}

}  // namespace
}  // namespace crashpoint
