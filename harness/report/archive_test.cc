#include "harness/report/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "harness/base/error.h"
#include "harness/base/temporary_directory.h"

namespace crashpoint::report {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Archive : public testing::Test {
 protected:
  static void put(const fs::path& path, const std::string& content) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
  }

  static std::string content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static mode_t mode(const fs::path& path) {
    struct stat status {};
    EXPECT_EQ(lstat(path.c_str(), &status), 0);
    return status.st_mode & 07777;
  }

  // An archive with one entry, as an attacker could make it.
  fs::path forged(const std::string& name, const std::string& hardlink = {},
                  mode_t mode = S_IFREG | 0644) const {
    fs::path path = temp_.path() / "forged.tar.zst";
    archive* writer = archive_write_new();
    archive_write_set_format_pax_restricted(writer);
    archive_write_add_filter_zstd(writer);
    archive_write_open_filename(writer, path.c_str());
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_mode(entry, mode);
    archive_entry_set_size(entry, 0);
    if (!hardlink.empty()) {
      archive_entry_set_hardlink(entry, hardlink.c_str());
    }
    archive_write_header(writer, entry);
    archive_entry_free(entry);
    archive_write_free(writer);
    return path;
  }

  std::string refusal(const fs::path& archive) const {
    fs::create_directories(temp_.path() / "into");
    try {
      unpack(archive, temp_.path() / "into");
    } catch (const UsageError& error) {
      return error.what();
    }
    return "unpacked";
  }

  TemporaryDirectory temp_;
};

TEST_F(Archive, BringsBackEveryByteModeAndLink) {
  const fs::path folder = temp_.path() / "a bundle";
  const std::string binary("\0\xff\n tail\0", 9);
  put(folder / "data" / "appendonly.aof", binary);
  put(folder / "data" / "big", std::string(300'000, 'x'));
  put(folder / "data" / "empty", "");
  fs::create_directories(folder / "data" / "no files");
  fs::create_hard_link(folder / "data" / "appendonly.aof", folder / "data" / "second name");
  fs::create_symlink("no such file", folder / "data" / "dangling");
  fs::permissions(folder / "data" / "big", fs::perms(0600));
  pack(folder, temp_.path() / "b.tar.zst");
  fs::create_directory(temp_.path() / "into");
  const fs::path back = unpack(temp_.path() / "b.tar.zst", temp_.path() / "into");
  EXPECT_EQ(back, temp_.path() / "into" / "a bundle");
  EXPECT_EQ(content(back / "data" / "appendonly.aof"), binary);
  EXPECT_EQ(content(back / "data" / "big"), std::string(300'000, 'x'));
  EXPECT_EQ(content(back / "data" / "empty"), "");
  EXPECT_TRUE(fs::is_directory(back / "data" / "no files"));
  EXPECT_TRUE(fs::equivalent(back / "data" / "appendonly.aof", back / "data" / "second name"));
  EXPECT_EQ(fs::read_symlink(back / "data" / "dangling"), "no such file");
  EXPECT_EQ(mode(back / "data" / "big"), 0600U);
}

TEST_F(Archive, SameFolderGivesTheSameBytes) {
  put(temp_.path() / "f" / "x", "1");
  pack(temp_.path() / "f", temp_.path() / "1");
  fs::last_write_time(temp_.path() / "f" / "x",
                      fs::file_time_type::clock::now() - std::chrono::hours(100));
  pack(temp_.path() / "f", temp_.path() / "2");
  EXPECT_EQ(content(temp_.path() / "1"), content(temp_.path() / "2"));
}

TEST_F(Archive, NeverWritesOutsideItsFolder) {
  EXPECT_THAT(refusal(forged("../outside")), HasSubstr("leads out of the archive"));
  EXPECT_THAT(refusal(forged("a/../../outside")), HasSubstr("leads out of the archive"));
  EXPECT_THAT(refusal(forged("/tmp/outside")), HasSubstr("leads out of the archive"));
  EXPECT_THAT(refusal(forged("a/link", "../../etc/passwd")), HasSubstr("leads out of the archive"));
  EXPECT_FALSE(fs::exists(temp_.path() / "outside"));
}

TEST_F(Archive, NeverWritesThroughASymlink) {
  fs::create_directories(temp_.path() / "into");
  fs::create_symlink(temp_.path(), temp_.path() / "into" / "way");
  EXPECT_THAT(refusal(forged("way/outside")), HasSubstr("cannot be unpacked"));
  EXPECT_FALSE(fs::exists(temp_.path() / "outside"));
}

TEST_F(Archive, MakesNoDevice) {
  EXPECT_THAT(refusal(forged("b/disk", "", S_IFBLK | 0666)), HasSubstr("is not a file, directory"));
}

TEST_F(Archive, OtherFilesAreRefusedByName) {
  put(temp_.path() / "text", "no archive");
  EXPECT_THAT(refusal(temp_.path() / "text"), HasSubstr((temp_.path() / "text").string()));
  EXPECT_THAT(refusal(temp_.path() / "missing"), HasSubstr("missing"));
}

TEST_F(Archive, CutArchiveIsRefused) {
  put(temp_.path() / "f" / "x", std::string(100'000, 'a') + std::to_string(getpid()));
  pack(temp_.path() / "f", temp_.path() / "cut.tar.zst");
  fs::resize_file(temp_.path() / "cut.tar.zst", fs::file_size(temp_.path() / "cut.tar.zst") / 2);
  EXPECT_NE(refusal(temp_.path() / "cut.tar.zst"), "unpacked");
}

}  // namespace
}  // namespace crashpoint::report
