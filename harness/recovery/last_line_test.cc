#include "harness/recovery/last_line.h"

#include <gtest/gtest.h>

namespace crashpoint::recovery {
namespace {

TEST(RecoveryLastLine, OfALog) {
  EXPECT_EQ(last_line("loading\nBad file format\n"), "its last line: Bad file format");
  EXPECT_EQ(last_line("one line without an end"), "its last line: one line without an end");
  EXPECT_EQ(last_line("dos\r\n\r\n\n"), "its last line: dos");
  EXPECT_EQ(last_line("a byte \x01\n"), R"(its last line: a byte \x01)");
}

TEST(RecoveryLastLine, WithoutAnyOutput) {
  EXPECT_EQ(last_line(""), "it printed nothing");
  EXPECT_EQ(last_line("\n\r\n"), "it printed nothing");
}

TEST(RecoveryLastLine, IsTheSameAtEveryStart) {
  EXPECT_EQ(last_line("4711:M 29 Nov 2026 17:09:48.123 # Bad file format\n"),
            last_line("4712:M 29 Nov 2026 17:09:49.456 # Bad file format\n"));
}

}  // namespace
}  // namespace crashpoint::recovery
