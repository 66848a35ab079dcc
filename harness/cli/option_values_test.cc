#include "harness/cli/option_values.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "harness/base/error.h"

namespace crashpoint::cli {
namespace {

TEST(ParseNumber, TakesAllOfTheTextOrNothing) {
  EXPECT_EQ(parse_number("0", 10), 0U);
  EXPECT_EQ(parse_number("10", 10), 10U);
  for (const char* const text :
       {"", "11", "-1", "+1", " 1", "1 ", "1e3", "0x1", "99999999999999999999"}) {
    EXPECT_EQ(parse_number(text, 10), std::nullopt) << text;
  }
}

TEST(ParseDuration, NeedsAPositiveNumberAndAUnit) {
  EXPECT_EQ(parse_duration("--for", "90s"), 90);
  EXPECT_EQ(parse_duration("--for", "1.5h"), 5400);
  EXPECT_EQ(parse_duration("--for", "2m"), 120);
  for (const char* const text :
       {"", "5", "s", "0s", "-1s", "1d", "1ss", "nans", "infs", "1e400s", "9999999h", "1 s"}) {
    EXPECT_THROW((void)parse_duration("--for", text), UsageError) << text;
  }
}

}  // namespace
}  // namespace crashpoint::cli
