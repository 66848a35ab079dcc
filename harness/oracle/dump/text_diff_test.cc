#include "harness/oracle/dump/text_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace crashpoint::oracle {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

TEST(TextDiff, OfEqualTextsIsEmpty) {
  EXPECT_EQ(text_diff("a\nb\n", "a\nb\n"), "");
  EXPECT_EQ(line_distance("a\nb\n", "a\nb\n"), 0U);
}

TEST(TextDiff, ShowsWhatWasChangedBetweenEqualLinesWithTheirNumbers) {
  EXPECT_EQ(text_diff("1\n2\n3\n4\n5\n6\n", "1\n2\n3\nfour\n5\n6\n"),
            "@@ -2 +2 @@\n 2\n 3\n-4\n+four\n 5\n 6\n");
  EXPECT_EQ(text_diff("a\n", ""), "@@ -1 +1 @@\n-a\n");
  EXPECT_EQ(text_diff("", "a\n"), "@@ -1 +1 @@\n+a\n");
}

TEST(TextDiff, FindsTheLinesThatBothHaveAmongOthers) {
  EXPECT_EQ(text_diff("a\nb\nc\nd\n", "b\nx\nd\ne\n", {.context = 0}),
            "@@ -1 +1 @@\n-a\n@@ -3 +2 @@\n-c\n+x\n@@ -5 +4 @@\n+e\n");
}

TEST(TextDiff, TellsALastLineWithoutItsEnd) {
  EXPECT_EQ(text_diff("a\nb\n", "a\nb"), "@@ -1 +1 @@\n a\n-b\n+b  (no end of line)\n");
}

TEST(TextDiff, IsShortAndSafeToPrintWhateverTheTexts) {
  std::string zeros(5000, '\0');
  std::string many;
  for (int i = 0; i < 9000; ++i) {
    many += std::to_string(i) + "\n";
  }
  const std::string diff = text_diff(many, zeros, {.lines = 3, .line_bytes = 4});
  EXPECT_THAT(diff, HasSubstr("@@ -1 +1 @@\n-0\n-1\n-2\n"));
  EXPECT_THAT(diff, EndsWith("... 8,998 more lines differ\n"));
  EXPECT_THAT(text_diff("a\n", zeros, {.line_bytes = 2}), HasSubstr(R"(+\x00\x00)"));
}

TEST(TextDiff, NamesTheLinesThatDiffer) {
  EXPECT_THAT(differing_lines("a\nb\nc\n", "a\nx\nc\nd\n"), ElementsAre(2, 4));
  EXPECT_EQ(line_distance("a\nb\nc\n", "b\na\nd\n"), 2U);
}

}  // namespace
}  // namespace crashpoint::oracle
