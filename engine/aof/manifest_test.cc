#include "engine/aof/manifest.h"

#include <gmock/gmock.h>
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
  const std::string text = format_manifest(manifest, false);
  EXPECT_EQ(text,
            "file appendonly.aof.2.base.rdb seq 2 type b\n"
            "file appendonly.aof.1.base.rdb seq 1 type h\n"
            "file appendonly.aof.1.incr.aof seq 1 type h\n"
            "file appendonly.aof.2.incr.aof seq 2 type i\n"
            "file appendonly.aof.5.incr.aof seq 5 type i\n");
  EXPECT_EQ(parse_manifest(text, true).value(), manifest);
}

TEST(Manifest, QuotesNamesThatAWordCannotHold) {
  Manifest manifest;
  manifest.base = ManifestEntry{"my \"own\"\nfile.1.base.rdb", 1};
  const std::string text = format_manifest(manifest, false);
  EXPECT_EQ(text, "file \"my \\\"own\\\"\\nfile.1.base.rdb\" seq 1 type b\n");
  EXPECT_EQ(parse_manifest(text, true).value(), manifest);
}

TEST(Manifest, TakesPairsInAnyOrderCommentsAndUnknownKeys) {
  const auto manifest = parse_manifest(
      "# made by hand\n"
      "TYPE i SEQ 7 File a.aof\n"
      "seq 9 color green type i file b.aof\n",
      true);
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->increments, (std::vector<ManifestEntry>{{"a.aof", 7}, {"b.aof", 9}}));
  EXPECT_EQ(manifest->next_increment_seq(), 10U);
}

TEST(Manifest, ThatNamesNothingIsACommentNotAnEmptyFile) {
  const std::string text = format_manifest(Manifest(), false);
  EXPECT_TRUE(text.starts_with("#"));
  EXPECT_TRUE(parse_manifest(text, true).value().names_nothing());
}

Manifest manifest_with_everything() {
  Manifest manifest;
  manifest.base = ManifestEntry{"appendonly.aof.2.base.rdb", 2};
  manifest.history = {{"appendonly.aof.1.incr.aof", 1}};
  manifest.increments = {{"appendonly.aof.2.incr.aof", 2}, {"appendonly.aof.3.incr.aof", 3}};
  return manifest;
}

TEST(Manifest, UnderAChecksumNoDamageOfABitOrACutIsTakenForAnotherManifest) {
  const Manifest manifest = manifest_with_everything();
  const std::string text = format_manifest(manifest, true);
  EXPECT_EQ(parse_manifest(text, true).value(), manifest);
  for (std::size_t at = 0; at < text.size(); ++at) {
    EXPECT_FALSE(parse_manifest(text.substr(0, at), true)) << "cut at " << at;
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string damaged = text;
      damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ (1U << bit));
      const auto parsed = parse_manifest(damaged, true);
      EXPECT_TRUE(!parsed || *parsed == manifest) << damaged;
    }
  }
}

TEST(Manifest, ThatDoesNotMatchItsChecksumIsRefusedWithWhatToDo) {
  std::string text = format_manifest(manifest_with_everything(), true);
  text.replace(text.find("3.incr.aof seq 3 type i"), 23, "3.incr.aof seq 3 type h");
  const auto refused = parse_manifest(text, true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().line, 1U);
  EXPECT_THAT(refused.error().reason, ::testing::HasSubstr("remove this line"));
  EXPECT_TRUE(parse_manifest(text.substr(text.find('\n') + 1), true));
  EXPECT_TRUE(parse_manifest(text, false));
}

TEST(Manifest, TakesLinesThatWereAddedBehindAChecksum) {
  const std::string text = format_manifest(manifest_with_everything(), true) +
                           "# moved in from the old disk\nfile b.aof seq 9 type i\n";
  EXPECT_EQ(parse_manifest(text, true).value().increments.back().name, "b.aof");
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
  const auto manifest = parse_manifest(GetParam().text, true);
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
