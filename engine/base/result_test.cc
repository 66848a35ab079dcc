#include "engine/base/result.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) {
    return fail("odd", 22);
  }
  return n / 2;
}

TEST(Result, HoldsAValueOrAnErrorWithItsCode) {
  EXPECT_EQ(half(4).value(), 2);
  const Result<int> odd = half(3);
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error().message, "odd");
  EXPECT_EQ(odd.error().code, 22);
}

}  // namespace
}  // namespace engine
