#include "engine/base/text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace engine {
namespace {

TEST(ParseInt64, TakesOnlyTheCanonicalDecimal) {
  EXPECT_EQ(parse_int64("0"), 0);
  EXPECT_EQ(parse_int64("-1"), -1);
  EXPECT_EQ(parse_int64("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(parse_int64("-9223372036854775808"), INT64_MIN);
  for (const char* text :
       {"", "-", "+1", "01", "-0", "-01", " 1", "1 ", "1.0", "0x1", "1e3", "9223372036854775808",
        "-9223372036854775809", "99999999999999999999", "184467440737095516160"}) {
    EXPECT_EQ(parse_int64(text), std::nullopt) << text;
  }
}

RC_GTEST_PROP(ParseInt64, ReadsBackWhatDigitsWrites, (std::int64_t value)) {
  RC_ASSERT(parse_int64(Digits(value)) == value);
  RC_ASSERT(Digits(value).view() == std::to_string(value));
}

TEST(ParseDouble, TakesWhatStrtodTakesButBlanksAndNan) {
  EXPECT_EQ(parse_double("1.5"), 1.5);
  EXPECT_EQ(parse_double("-inf"), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(parse_double("0x10"), 16);
  for (const char* text : {"", " 1", "1 ", "nan", "1e400", "x", "1x"}) {
    EXPECT_EQ(parse_double(text), std::nullopt) << text;
  }
}

TEST(FormatDouble, IsPercent17g) {
  EXPECT_EQ(format_double(0.1), "0.10000000000000001");
  EXPECT_EQ(format_double(3), "3");
  EXPECT_EQ(format_double(-0.0), "-0");
  EXPECT_EQ(format_double(1e17), "1e+17");
  EXPECT_EQ(format_double(12345678901234567.0), "12345678901234568");
  EXPECT_EQ(format_double(1e-7), "9.9999999999999995e-08");
  EXPECT_EQ(format_double(std::numeric_limits<double>::infinity()), "inf");
}

TEST(FormatLongDouble, HasNoExponentAndNoTrailingZeros) {
  EXPECT_EQ(format_long_double(1.5L), "1.5");
  EXPECT_EQ(format_long_double(1e20L), "100000000000000000000");
  EXPECT_EQ(format_long_double(-0.0L), "0");
  EXPECT_EQ(format_long_double(0.1L), "0.1");
}

TEST(ParseMemorySize, KnowsTheUnitsOfRedisConf) {
  EXPECT_EQ(parse_memory_size("1"), 1u);
  EXPECT_EQ(parse_memory_size("1k"), 1000u);
  EXPECT_EQ(parse_memory_size("64MB"), 64u << 20);
  EXPECT_EQ(parse_memory_size("2gb"), 2ull << 30);
  for (const char* text :
       {"", "mb", "1x", "-1", "1.5mb", "99999999999999999999", "99999999999gb"}) {
    EXPECT_EQ(parse_memory_size(text), std::nullopt) << text;
  }
}

TEST(GlobMatch, KnowsStarsQuestionMarksClassesAndEscapes) {
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("h?llo", "hello"));
  EXPECT_TRUE(glob_match("h*llo", "heeeello"));
  EXPECT_TRUE(glob_match("h[ae]llo", "hallo"));
  EXPECT_TRUE(glob_match("h[^e]llo", "hallo"));
  EXPECT_TRUE(glob_match("h[a-c]llo", "hbllo"));
  EXPECT_TRUE(glob_match("h[c-a]llo", "hbllo"));
  EXPECT_TRUE(glob_match("a\\*b", "a*b"));
  EXPECT_TRUE(glob_match("[\\]]", "]"));
  EXPECT_TRUE(glob_match("HeLLo", "hEllO", true));
  EXPECT_FALSE(glob_match("h?llo", "hllo"));
  EXPECT_FALSE(glob_match("h[^e]llo", "hello"));
  EXPECT_FALSE(glob_match("a\\*b", "axb"));
  EXPECT_FALSE(glob_match("hello", "hell"));
  EXPECT_FALSE(glob_match("HeLLo", "hello"));
}

TEST(GlobMatch, IsNotSlowOnPatternsMadeToBe) {
  std::string pattern;
  for (int i = 0; i < 40; ++i) {
    pattern += "*a";
  }
  EXPECT_FALSE(glob_match(pattern + "b", std::string(2000, 'a')));
}

TEST(SplitWords, ReadsQuotesAndEscapes) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(split_words("  a  b\t"), Words({"a", "b"}));
  EXPECT_EQ(split_words("\"a b\" 'c d' \"\\x41\\n\\\"\" 'it\\'s'"),
            Words({"a b", "c d", "A\n\"", "it's"}));
  EXPECT_EQ(split_words(""), Words());
  EXPECT_EQ(split_words("\"a"), std::nullopt);
  EXPECT_EQ(split_words("'a"), std::nullopt);
  EXPECT_EQ(split_words("\"a\"b"), std::nullopt);
}

RC_GTEST_PROP(SplitWords, ReadsBackWhatQuoteWrote, (const std::vector<std::string>& words)) {
  std::string line;
  for (const std::string& word : words) {
    line += quote(word) + " ";
  }
  RC_ASSERT(split_words(line) == words);
}

}  // namespace
}  // namespace engine
