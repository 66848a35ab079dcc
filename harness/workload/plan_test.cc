#include "harness/workload/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crashpoint::workload {
namespace {

using ::testing::HasSubstr;

TEST(CommandProblem, IsThatRepliesWouldNotPairOffWithCommands) {
  EXPECT_EQ(problem({"SET", "a", "1"}), "");
  EXPECT_EQ(problem({"CLIENT", "SETNAME", "x"}), "");
  EXPECT_EQ(problem({"HELLO", "2"}), "");
  EXPECT_THAT(problem({"subscribe", "news"}), HasSubstr("a stream of messages"));
  EXPECT_THAT(problem({"client", "reply", "off"}), HasSubstr("takes replies away"));
  EXPECT_THAT(problem({"HELLO", "3"}), HasSubstr("clients speak RESP2"));
  EXPECT_THAT(problem({}), HasSubstr("needs a name"));
}

}  // namespace
}  // namespace crashpoint::workload
