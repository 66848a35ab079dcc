#include "harness/recovery/idempotence.h"

#include <gtest/gtest.h>

namespace crashpoint::recovery {
namespace {

Recovered with_key(const std::string& value) {
  Recovered recovered;
  recovered.started = true;
  recovered.start_ms = 2;
  recovered.state.entries[{0, "k"}].value = target::Value{value};
  return recovered;
}

TEST(RecoveryIdempotence, ASecondStartWithTheSameDataPasses) {
  Recovered first = with_key("1");
  check_idempotence(first, with_key("1"));
  ASSERT_EQ(first.checks.size(), 1U);
  EXPECT_EQ(first.checks.front().check, "idempotent");
  EXPECT_EQ(first.checks.front().outcome, oracle::Outcome::kPass);
  EXPECT_EQ(first.start_ms, 4) << "both starts count";
}

TEST(RecoveryIdempotence, ASecondStartWithOtherDataIsAViolation) {
  Recovered first = with_key("1");
  check_idempotence(first, with_key("2"));
  ASSERT_EQ(first.checks.size(), 1U);
  EXPECT_EQ(first.checks.front().outcome, oracle::Outcome::kViolation);
}

TEST(RecoveryIdempotence, ASecondStartThatIsRefusedIsAViolation) {
  Recovered first = with_key("1");
  Recovered second;
  second.trouble = "it refuses to start";
  check_idempotence(first, second);
  ASSERT_EQ(first.checks.size(), 1U);
  EXPECT_EQ(first.checks.front().outcome, oracle::Outcome::kViolation);
  EXPECT_EQ(first.checks.front().summary, "it refuses to start");
}

}  // namespace
}  // namespace crashpoint::recovery
