#include "harness/base/glob.h"

#include <gtest/gtest.h>

namespace crashpoint {
namespace {

TEST(Glob, WithoutASlashItNamesTheLastComponentAtAnyDepth) {
  EXPECT_TRUE(glob_match("*.incr.aof", "appendonlydir/appendonly.aof.1.incr.aof"));
  EXPECT_TRUE(glob_match("dump.rdb", "dump.rdb"));
  EXPECT_FALSE(glob_match("dump.rdb", "dump.rdb.old"));
  EXPECT_FALSE(glob_match("appendonlydir*", "appendonlydir/x"));
}

TEST(Glob, WithASlashItNamesTheWholePath) {
  EXPECT_TRUE(glob_match("appendonlydir/*.aof", "appendonlydir/a.aof"));
  EXPECT_FALSE(glob_match("dir/*.aof", "appendonlydir/a.aof"));
  EXPECT_FALSE(glob_match("*/*.aof", "a/b/c.aof"));
  EXPECT_TRUE(glob_match("**/*.aof", "a/b/c.aof"));
  EXPECT_TRUE(glob_match("a/**", "a/b/c"));
}

TEST(Glob, AStarGivesBackWhatItTookTooMuchOf) {
  EXPECT_TRUE(glob_match("*ab*ab", "xababxab"));
  EXPECT_FALSE(glob_match("*ab*abc", "xababxab"));
  EXPECT_TRUE(glob_match("**/b*/c", "b/b/bx/c"));
  EXPECT_FALSE(glob_match("a**/*z", "b/z"));
}

TEST(Glob, SetsAndSingleCharacters) {
  EXPECT_TRUE(glob_match("temp-[0-9]?.rdb", "temp-42.rdb"));
  EXPECT_FALSE(glob_match("temp-[!0-9]?.rdb", "temp-42.rdb"));
  EXPECT_TRUE(glob_match("[]x]", "]"));
  EXPECT_TRUE(glob_match("a[b", "a[b")) << "a set that never closes is a plain bracket";
  EXPECT_FALSE(glob_match("a?b/", "a/b/"));
}

TEST(Glob, AnEmptyPatternMatchesOnlyAnEmptyName) {
  EXPECT_TRUE(glob_match("", ""));
  EXPECT_FALSE(glob_match("", "a"));
  EXPECT_TRUE(glob_match("*", ""));
}

}  // namespace
}  // namespace crashpoint
