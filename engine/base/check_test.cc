#include "engine/base/check.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string_view>

namespace engine {
namespace {

enum class Colour { kRed, kGreen };

TEST(CheckDeathTest, NamesConditionPlaceAndValues) {
  const int written = 3;
  const std::string_view name = "x.aof";
  EXPECT_DEATH(ENGINE_CHECK(written == 4, written, name, Colour::kGreen),
               "check_test\\.cc:[0-9]+: written == 4 does not hold "
               "\\(written, name, Colour::kGreen = 3, x\\.aof, 1\\)\\. "
               "This is a bug of crashpoint-engine itself, please report it\\.");
}

TEST(CheckDeathTest, NeedsNoValues) {
  EXPECT_DEATH(ENGINE_CHECK(1 + 1 == 3), "1 \\+ 1 == 3 does not hold\\. This is a bug");
}

TEST(CheckDeathTest, AlsoReportsToTheLogOfTheServer) {
  EXPECT_DEATH(
      {
        set_check_reporter([](std::string_view message) {
          std::fprintf(stderr, "log: %.*s\n", static_cast<int>(message.size()), message.data());
        });
        ENGINE_CHECK(false);
      },
      "log: .*check_test\\.cc:[0-9]+: false does not hold");
}

TEST(CheckDeathTest, ADebugCheckIsOneInDebugPresetsOnly) {
#ifdef ENGINE_DEBUG_CHECKS
  EXPECT_DEATH(ENGINE_DCHECK(false, 7), "false does not hold \\(7 = 7\\)");
#else
  ENGINE_DCHECK(false, 7);
#endif
}

TEST(Check, EvaluatesItsValuesOnlyWhenItFails) {
  int evaluated = 0;
  ENGINE_CHECK(true, ++evaluated);
  EXPECT_EQ(evaluated, 0);
}

}  // namespace
}  // namespace engine
