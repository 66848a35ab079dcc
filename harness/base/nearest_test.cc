#include "harness/base/nearest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace crashpoint {
namespace {

TEST(EditDistance, CountsSlipsOfTheFingers) {
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("fdatasync", "fdatasync"), 0U);
  EXPECT_EQ(edit_distance("fdatsync", "fdatasync"), 1U);
  EXPECT_EQ(edit_distance("fadtasync", "fdatasync"), 1U) << "neighbours swapped";
  EXPECT_EQ(edit_distance("FSYNC", "fsync"), 0U);
}

TEST(Nearest, FindsTheNameThatWasMeant) {
  const std::vector<std::string> names = {"fsync", "fdatasync", "write", "rename"};
  EXPECT_EQ(nearest("fdatasnyc", names), "fdatasync");
  EXPECT_EQ(nearest("fysnc", names), "fsync");
  EXPECT_EQ(nearest("renmae", names), "rename");
}

TEST(Nearest, StaysSilentWhenNothingIsClose) {
  const std::vector<std::string> names = {"fsync", "write"};
  EXPECT_EQ(nearest("appendonly", names), "");
  EXPECT_EQ(nearest("x", {}), "");
}

}  // namespace
}  // namespace crashpoint
