#include "harness/base/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace crashpoint {
namespace {

TEST(PathGlob, WithoutASlashIsHeldAgainstTheLastComponent) {
  EXPECT_TRUE(glob_match("*.incr.aof", "appendonlydir/appendonly.aof.1.incr.aof"));
  EXPECT_TRUE(glob_match("dump.rdb", "dump.rdb"));
  EXPECT_FALSE(glob_match("appendonlydir", "appendonlydir/appendonly.aof.1.incr.aof"));
}

TEST(PathGlob, WithASlashIsHeldAgainstTheWholePath) {
  EXPECT_TRUE(glob_match("appendonlydir/*", "appendonlydir/x"));
  EXPECT_FALSE(glob_match("appendonlydir/*", "backup/appendonlydir/x"));
}

TEST(PathGlob, StarStopsAtSlashAndDoubleStarDoesNot) {
  EXPECT_FALSE(glob_match("a/*", "a/b/c"));
  EXPECT_TRUE(glob_match("a/**", "a/b/c"));
  EXPECT_TRUE(glob_match("**/c", "a/b/c"));
  EXPECT_TRUE(glob_match("**/c", "c"));
  EXPECT_TRUE(glob_match("a/**/c", "a/c"));
  EXPECT_TRUE(glob_match("a/**/*.aof", "a/b/d/x.aof"));
  EXPECT_FALSE(glob_match("a/**/*.aof", "a/b/d/x.rdb"));
  EXPECT_FALSE(glob_match("a/?", "a//"));
}

TEST(PathGlob, ClassesRangesNegationAndQuotes) {
  EXPECT_TRUE(glob_match("appendonly.aof.[0-9].base.*", "appendonly.aof.1.base.rdb"));
  EXPECT_FALSE(glob_match("appendonly.aof.[!0-9].base.*", "appendonly.aof.1.base.rdb"));
  EXPECT_TRUE(glob_match("x[]]", "x]"));
  EXPECT_TRUE(glob_match("x\\*", "x*"));
  EXPECT_FALSE(glob_match("x\\*", "xy"));
}

TEST(PathGlob, AStarGivesBackWhatItTookTooMuchOf) {
  EXPECT_TRUE(glob_match("*ab*ab", "xababxab"));
  EXPECT_FALSE(glob_match("*ab*abc", "xababxab"));
  EXPECT_TRUE(glob_match("**/b*/c", "b/b/bx/c"));
  EXPECT_FALSE(glob_match("a**/*z", "b/z"));
}

TEST(PathGlob, ASetThatNeverClosesIsAPlainBracket) {
  EXPECT_TRUE(glob_match("a[b", "a[b"));
}

TEST(PathGlob, ManyStarsDoNotTakeExponentialTime) {
  const std::string text(2000, 'a');
  EXPECT_FALSE(glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*ab", text));
  EXPECT_FALSE(name_match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*ab", text));
}

TEST(PathGlob, SaysWhatIsWrongWithAPattern) {
  EXPECT_EQ(path_glob_problem("*.aof"), "");
  EXPECT_EQ(path_glob_problem(""), "is empty");
  EXPECT_EQ(path_glob_problem("x[0-9"), "has a '[' at character 2 that is never closed");
  EXPECT_EQ(path_glob_problem("x\\"), "ends in a '\\' that quotes nothing");
}

TEST(OutsidePath, RefusesWhatLeadsOutside) {
  EXPECT_EQ(outside_problem("appendonlydir/*.aof"), "");
  EXPECT_EQ(outside_problem("a..b/..c"), "");
  EXPECT_NE(outside_problem("/etc/passwd"), "");
  EXPECT_NE(outside_problem("../dump.rdb"), "");
  EXPECT_NE(outside_problem("a/../../b"), "");
  EXPECT_NE(outside_problem("a/.."), "");
  EXPECT_NE(outside_problem(std::string_view("a\0b", 3)), "");
}

TEST(NameGlob, TakesBracketsLiterallyAndStarsAcrossSlashes) {
  EXPECT_TRUE(name_match("aof/kill[nth=3]", "aof/kill[nth=3]"));
  EXPECT_FALSE(name_match("aof/kill[nth=3]", "aof/killn"));
  EXPECT_TRUE(name_match("*kill*", "aof/deep/kill[nth=3]"));
  EXPECT_TRUE(name_match("aof/*[nth=?]", "aof/kill[nth=3]"));
  EXPECT_FALSE(name_match("aof/*[nth=?]", "aof/kill[nth=13]"));
  EXPECT_TRUE(name_match("*", ""));
  EXPECT_FALSE(name_match("", "a"));
}

}  // namespace
}  // namespace crashpoint
