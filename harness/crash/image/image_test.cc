#include "harness/crash/image/image.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "harness/base/error.h"
#include "harness/base/temporary_directory.h"
#include "harness/crash/trace_script_for_test.h"

namespace crashpoint::crash {
namespace {

using Kind = trace::ImageEntry::Kind;

void write(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

TEST(ReadDirectory, TakesFilesDirectoriesLinksAndModes) {
  const TemporaryDirectory root;
  std::filesystem::create_directory(root.path() / "sub");
  write(root.path() / "sub/a", std::string("x\0y", 3));
  write(root.path() / "empty", "");
  ASSERT_EQ(::chmod((root.path() / "empty").c_str(), 0640), 0);
  std::filesystem::create_hard_link(root.path() / "sub/a", root.path() / "b");

  const trace::Image image = read_directory(root.path());

  ASSERT_EQ(image.size(), 4U);
  EXPECT_EQ(image.at("sub").kind, Kind::kDirectory);
  EXPECT_EQ(image.at("sub/a").content, std::string("x\0y", 3));
  EXPECT_EQ(image.at("empty").content, "");
  EXPECT_EQ(image.at("empty").mode, 0640U);
  EXPECT_EQ(image.at("b").file, image.at("sub/a").file);
  EXPECT_NE(image.at("b").file, image.at("empty").file);
}

TEST(ReadDirectory, FollowsNoSymlink) {
  const TemporaryDirectory outside;
  write(outside.path() / "secret", "not ours");
  const TemporaryDirectory root;
  std::filesystem::create_symlink(outside.path(), root.path() / "to_directory");
  std::filesystem::create_symlink(outside.path() / "secret", root.path() / "to_file");

  const trace::Image image = read_directory(root.path());

  ASSERT_EQ(image.size(), 2U);
  EXPECT_EQ(image.at("to_directory").kind, Kind::kSymlink);
  EXPECT_EQ(image.at("to_directory").content, outside.path().string());
  EXPECT_EQ(image.at("to_file").kind, Kind::kSymlink);
}

TEST(ReadDirectory, LeavesOutWhatHoldsNoData) {
  const TemporaryDirectory root;
  ASSERT_EQ(::mkfifo((root.path() / "fifo").c_str(), 0600), 0);
  EXPECT_TRUE(read_directory(root.path()).empty());
}

TEST(ReadDirectory, SaysWhichDirectoryIsMissing) {
  try {
    (void)read_directory("/nonexistent/data");
    FAIL() << "a missing directory was read";
  } catch (const EnvironmentError& error) {
    EXPECT_NE(std::string(error.what()).find("/nonexistent/data"), std::string::npos);
  }
}

Digest digest(const trace::Image& image) {
  return share(image).digest();
}

TEST(ImageDigest, CoversAllThatARecoveryCanSee) {
  const trace::Image image{{"a", file_entry("1")}, {"d", directory_entry()}};
  EXPECT_EQ(digest(image), digest(image));

  trace::Image changed = image;
  changed["a"].content = "2";
  EXPECT_NE(digest(changed), digest(image)) << "bytes";
  changed = image;
  changed["a"].mode = 0600;
  EXPECT_NE(digest(changed), digest(image)) << "modes";
  changed = image;
  changed["d"].kind = Kind::kFile;
  EXPECT_NE(digest(changed), digest(image)) << "kinds";
  changed = image;
  changed["b"] = changed["a"];
  EXPECT_NE(digest(changed), digest(image)) << "names";
}

TEST(ImageDigest, TellsTwoNamesOfOneFileFromTwoEqualFiles) {
  const trace::Image one{{"a", file_entry("1", 7)}, {"b", file_entry("1", 7)}};
  const trace::Image two{{"a", file_entry("1", 7)}, {"b", file_entry("1", 8)}};
  EXPECT_NE(digest(one), digest(two));
}

TEST(ImageDigest, DoesNotDependOnHowFilesAreNumbered) {
  const trace::Image one{{"a", file_entry("1", 7)}, {"b", file_entry("1", 8)}};
  const trace::Image two{{"a", file_entry("1", 2)}, {"b", file_entry("1", 1)}};
  EXPECT_EQ(digest(one), digest(two));
}

TEST(Image, SharedAndPlainFormsHoldTheSame) {
  const trace::Image image{{"a", file_entry("1", 3, 0600)},
                           {"d", directory_entry(0755)},
                           {"d/l", symlink_entry("../a")}};
  const trace::Image back = to_image(share(image));
  ASSERT_EQ(back.size(), image.size());
  for (const auto& [path, entry] : image) {
    SCOPED_TRACE(path);
    EXPECT_EQ(back.at(path).kind, entry.kind);
    EXPECT_EQ(back.at(path).mode, entry.mode);
    EXPECT_EQ(back.at(path).content, entry.content);
    EXPECT_EQ(back.at(path).file, entry.file);
  }
}

TEST(Image, FindsEntriesByPath) {
  const CrashImage image =
      share({{"a", file_entry("1")}, {"a-b", file_entry("")}, {"a/c", file_entry("")}});
  ASSERT_NE(image.find("a"), nullptr);
  EXPECT_EQ(image.find("a")->content->bytes, "1");
  EXPECT_NE(image.find("a/c"), nullptr);
  EXPECT_EQ(image.find("b"), nullptr);
}

}  // namespace
}  // namespace crashpoint::crash
