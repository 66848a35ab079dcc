#include "engine/aof/manifest.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace engine::aof {
namespace {

TEST(Manifest, IsReadBackAsItWasWritten) {
  Manifest manifest;
  manifest.base = ManifestEntry{"appendonly.aof.2.base.rdb", 2};
  manifest.history = {{"appendonly.aof.1.base.rdb", 1}, {"appendonly.aof.1.incr.aof", 1}};
  manifest.increments = {{"appendonly.aof.2.incr.aof", 2}, {"appendonly.aof.5.incr.aof", 5}};
  const std::string text = format_manifest(manifest);
  EXPECT_EQ(text,
            "file appendonly.aof.2.base.rdb seq 2 type b\n"
            "file appendonly.aof.1.base.rdb seq 1 type h\n"
            "file appendonly.aof.1.incr.aof seq 1 type h\n"
            "file appendonly.aof.2.incr.aof seq 2 type i\n"
            "file appendonly.aof.5.incr.aof seq 5 type i\n");
  EXPECT_EQ(parse_manifest(text).value(), manifest);
}

TEST(Manifest, QuotesNamesThatAWordCannotHold) {
  Manifest manifest;
  manifest.base = ManifestEntry{"my \"own\"\nfile.1.base.rdb", 1};
  const std::string text = format_manifest(manifest);
  EXPECT_EQ(text, "file \"my \\\"own\\\"\\nfile.1.base.rdb\" seq 1 type b\n");
  EXPECT_EQ(parse_manifest(text).value(), manifest);
}

TEST(Manifest, TakesPairsInAnyOrderCommentsAndUnknownKeys) {
  const auto manifest = parse_manifest(
      "# made by hand\n"
      "TYPE i SEQ 7 File a.aof\n"
      "seq 9 color green type i file b.aof\n");
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->increments, (std::vector<ManifestEntry>{{"a.aof", 7}, {"b.aof", 9}}));
  EXPECT_EQ(manifest->next_increment_seq(), 10U);
}

TEST(Manifest, ThatNamesNothingIsACommentNotAnEmptyFile) {
  const std::string text = format_manifest(Manifest());
  EXPECT_TRUE(text.starts_with("#"));
  EXPECT_TRUE(parse_manifest(text).value().names_nothing());
}

struct BadManifest {
  const char* name;
  std::string text;
  std::size_t line;
  const char* reason;
};

void PrintTo(const BadManifest& bad, std::ostream* out) {
  *out << bad.name;
}

class RefusedManifest : public ::testing::TestWithParam<BadManifest> {};

TEST_P(RefusedManifest, WithRedisServersReasonAndTheLine) {
  const auto manifest = parse_manifest(GetParam().text);
  ASSERT_FALSE(manifest);
  EXPECT_EQ(manifest.error().reason, GetParam().reason);
  EXPECT_EQ(manifest.error().line, GetParam().line);
}

INSTANTIATE_TEST_SUITE_P(
    Manifest, RefusedManifest,
    ::testing::Values(
        BadManifest{"Empty", "", 0, "Found an empty AOF manifest"},
        BadManifest{"NoFinalNewline", "file a seq 1 type b\nfile b seq 1 type i", 2,
                    "The AOF manifest file contains too long line"},
        BadManifest{"LongLine", "file " + std::string(1024, 'a') + " seq 1 type b\n", 1,
                    "The AOF manifest file contains too long line"},
        BadManifest{"Blank", "\n", 1, "Invalid AOF manifest file format"},
        BadManifest{"OddTokens", "file a seq 1 type\n", 1, "Invalid AOF manifest file format"},
        BadManifest{"NoType", "file a seq 1 kind b\n", 1, "Invalid AOF manifest file format"},
        BadManifest{"SeqZero", "file a seq 0 type b\n", 1, "Invalid AOF manifest file format"},
        BadManifest{"SeqNegative", "file a seq -1 type b\n", 1, "Invalid AOF manifest file format"},
        BadManifest{"SeqHuge", "file a seq 99999999999999999999 type b\n", 1,
                    "Invalid AOF manifest file format"},
        BadManifest{"UnbalancedQuotes", "file \"a seq 1 type b\n", 1,
                    "Invalid AOF manifest file format"},
        BadManifest{"EmptyName", "file \"\" seq 1 type b\n", 1, "Invalid AOF manifest file format"},
        BadManifest{"Path", "file ../a seq 1 type b\n", 1, "File can't be a path, just a filename"},
        BadManifest{"ParentDirectory", "file .. seq 1 type b\n", 1,
                    "File can't be a path, just a filename"},
        BadManifest{"TwoBases", "file a seq 1 type b\nfile b seq 2 type b\n", 2,
                    "Found duplicate base file information"},
        BadManifest{"SameSeq", "file a seq 2 type i\nfile b seq 2 type i\n", 2,
                    "Found a non-monotonic sequence number"},
        BadManifest{"UnknownType", "file a seq 1 type x\n", 1, "Unknown AOF file type"}),
    [](const auto& bad) { return bad.param.name; });

TEST(ManifestNames, AreRecognisedByTheirForm) {
  EXPECT_TRUE(is_numbered_name("a.aof", base_name("a.aof", 12, true)));
  EXPECT_TRUE(is_numbered_name("a.aof", base_name("a.aof", 12, false)));
  EXPECT_TRUE(is_numbered_name("a.aof", increment_name("a.aof", 1)));
  for (const char* other : {"a.aof", "a.aof.manifest", "a.aof.x.incr.aof", "a.aof..incr.aof",
                            "b.aof.1.incr.aof", "a.aof.1.incr.aof.bak", "a.aof.1"}) {
    EXPECT_FALSE(is_numbered_name("a.aof", other)) << other;
  }
}

}  // namespace
}  // namespace engine::aof
