#include "harness/base/text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cerrno>
#include <stdexcept>
#include <string>

namespace crashpoint {
namespace {

TEST(Escape, KeepsPrintableTextAndUtf8) {
  EXPECT_EQ(escape("SET k 10"), "SET k 10");
  EXPECT_EQ(escape("Zürich ✓ 😀"), "Zürich ✓ 😀");
}

TEST(Escape, ShowsEveryOtherByte) {
  EXPECT_EQ(escape("a\r\n\t\"\\"), "a\\r\\n\\t\\\"\\\\");
  EXPECT_EQ(escape(std::string_view("\0\x7f\x1b", 3)), "\\x00\\x7f\\x1b");
}

TEST(Escape, TreatsMalformedUtf8AsBytes) {
  EXPECT_EQ(escape("\xC0\x80"), "\\xc0\\x80");           // overlong
  EXPECT_EQ(escape("\xED\xA0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(escape("\xF5\x80\x80\x80"), "\\xf5\\x80\\x80\\x80");
  EXPECT_EQ(escape("a\xE2\x82"), "a\\xe2\\x82");  // cut
}

TEST(Escape, NeverBreaksTheLine) {
  EXPECT_EQ(escape("\xE2\x80\xA8"), "\\xe2\\x80\\xa8");  // LINE SEPARATOR
  EXPECT_EQ(escape("\xC2\x85"), "\\xc2\\x85");           // NEXT LINE
}

TEST(Escape, ShowsMarksThatWouldReorderTheLine) {
  EXPECT_EQ(escape("\xE2\x80\xAE"), "\\xe2\\x80\\xae");  // RIGHT-TO-LEFT OVERRIDE
}

RC_GTEST_PROP(Unescape, GivesTheBytesBack, (const std::string& bytes)) {
  RC_ASSERT(unescape(escape(bytes)) == bytes);
}

TEST(Unescape, RefusesWhatEscapeNeverWrites) {
  EXPECT_THROW((void)unescape("a\\"), std::runtime_error);
  EXPECT_THROW((void)unescape("\\q"), std::runtime_error);
  EXPECT_THROW((void)unescape("\\x1"), std::runtime_error);
  EXPECT_THROW((void)unescape("\\x1g"), std::runtime_error);
}

TEST(Printable, ChangesNothingThatCanBePrinted) {
  EXPECT_EQ(printable("say \"a\\n\"\n\tZürich ✓"), "say \"a\\n\"\n\tZürich ✓");
  EXPECT_EQ(printable(printable("\x1b[2J\xff")), printable("\x1b[2J\xff"));
}

TEST(Printable, ShowsControlCharactersAndIllFormedBytes) {
  EXPECT_EQ(printable(std::string_view("\0\r\x7f\x1b[2J", 7)), "\\x00\\x0d\\x7f\\x1b[2J");
  EXPECT_EQ(printable("a\xC3"), "a\\xc3");
  EXPECT_EQ(printable("\xC2\x9B"), "\\xc2\\x9b") << "CSI: terminals obey it too";
  EXPECT_EQ(printable("\xEF\xBF\xBF"), "\\xef\\xbf\\xbf") << "XML cannot hold it";
}

TEST(Shorten, CutsLongBytesAndSaysHowMany) {
  EXPECT_EQ(shorten("abc", 3), "abc");
  EXPECT_EQ(shorten("abcd", 3), "abc... (4 bytes)");
  EXPECT_EQ(shorten("aé", 2), "a... (3 bytes)") << "a character is not cut in two";
}

TEST(ShellQuote, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(shell_quote("scenarios/aof/x.json"), "scenarios/aof/x.json");
  EXPECT_EQ(shell_quote("aof/x[nth=3]"), "'aof/x[nth=3]'");
  EXPECT_EQ(shell_quote("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quote(""), "''");
  EXPECT_EQ(shell_quote("$HOME `x` ä"), "'$HOME `x` ä'");
}

TEST(ShellQuote, KeepsWhatCannotBePrintedOnOneLineOfAscii) {
  EXPECT_EQ(shell_quote("a\nb"), "$'a\\012b'");
  EXPECT_EQ(shell_quote("it's \xe4\\1"), "$'it\\'s \\344\\\\1'");
  EXPECT_EQ(shell_quote("\x1b[2J"), "$'\\033[2J'");
}

TEST(LowerCase, ChangesLettersOfAsciiAlone) {
  EXPECT_EQ(lower_case("AppendFsync É1"), "appendfsync É1");
}

TEST(Numbers, ReadAsPeopleWriteThem) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  EXPECT_EQ(counted(1, "case"), "1 case");
  EXPECT_EQ(counted(2000, "case"), "2,000 cases");
  EXPECT_EQ(counted(2, "entry", "entries"), "2 entries");
  EXPECT_EQ(ordinal(1), "1st");
  EXPECT_EQ(ordinal(12), "12th");
  EXPECT_EQ(ordinal(22), "22nd");
  EXPECT_EQ(ordinal(113), "113th");
}

TEST(Text, AnErrorNumberIsToldAsTheSystemTellsIt) {
  EXPECT_EQ(error_text(ENOSPC), "No space left on device");
  EXPECT_EQ(error_text(54321), "error 54321");
}

}  // namespace
}  // namespace crashpoint
