#include "harness/crash/image/lay_out.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "harness/base/error.h"
#include "harness/base/fd.h"
#include "harness/base/temporary_directory.h"
#include "harness/crash/trace_script_for_test.h"

namespace crashpoint::crash {
namespace {

const trace::Image kImage{{"aof", directory_entry(0755)},
                          {"aof/1.incr", file_entry("0123456789")},
                          {"aof/manifest", file_entry("file 1.incr", 0, 0600)},
                          {"dump.rdb", file_entry(std::string(10'000, 'r'))},
                          {"link", symlink_entry("dump.rdb")}};

class LayOut : public testing::Test {
 protected:
  std::filesystem::path root() const { return directory_.path() / "data"; }
  std::string read(const std::string& path) const {
    std::ifstream in(root() / path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void overwrite(const std::string& path, off_t at, const std::string& bytes) const {
    const Fd fd(::open((root() / path).c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(), at),
              static_cast<ssize_t>(bytes.size()));
  }
  void expect_holds(const trace::Image& image) const {
    EXPECT_EQ(share(read_directory(root())).digest(), share(image).digest());
  }

  TemporaryDirectory directory_;
};

TEST_F(LayOut, WritesExactlyTheImage) {
  lay_out(kImage, root());
  expect_holds(kImage);
}

TEST_F(LayOut, RemovesWhatTheImageDoesNotHave) {
  std::filesystem::create_directories(root() / "old/deep");
  std::ofstream(root() / "old/deep/file") << "x";
  std::filesystem::create_directory(root() / "dump.rdb");
  std::ofstream(root() / "aof") << "a file where a directory belongs";
  lay_out(kImage, root());
  expect_holds(kImage);
}

TEST_F(LayOut, WritesOnlyWhatDiffersFromTheLastImage) {
  Layout layout(root());
  layout.lay_out(share(kImage));
  trace::Image next = kImage;
  next["aof/1.incr"].content += "more";
  layout.lay_out(share(next));
  expect_holds(next);
  EXPECT_EQ(layout.statistics().files_written, 3U + 1U);
  EXPECT_EQ(layout.statistics().files_kept, 2U);
}

TEST_F(LayOut, RestoresWhateverARecoveryChanged) {
  Layout layout(root());
  layout.lay_out(share(kImage));
  overwrite("aof/1.incr", 0, "X");  // same size, same moment
  ASSERT_EQ(::truncate((root() / "dump.rdb").c_str(), 3), 0);
  std::filesystem::rename(root() / "aof/manifest", root() / "aof/moved");
  std::ofstream(root() / "temp-1.rdb") << "new";
  layout.lay_out(share(kImage));
  expect_holds(kImage);

  std::filesystem::remove(root() / "aof/1.incr");
  std::filesystem::copy_file(root() / "dump.rdb", root() / "aof/1.incr");
  ASSERT_EQ(::chmod((root() / "dump.rdb").c_str(), 0400), 0);
  layout.lay_out(share(kImage));
  expect_holds(kImage);
}

TEST_F(LayOut, SwappedFilesAreNotTakenForUnchanged) {
  const trace::Image image{{"a", file_entry("1")}, {"b", file_entry("2")}};
  Layout layout(root());
  layout.lay_out(share(image));
  std::filesystem::rename(root() / "a", root() / "c");
  std::filesystem::rename(root() / "b", root() / "a");
  std::filesystem::rename(root() / "c", root() / "b");
  layout.lay_out(share(image));
  expect_holds(image);
}

TEST_F(LayOut, NamesOfOneFileAreOneFile) {
  const trace::Image linked{{"a", file_entry("1", 5)}, {"b", file_entry("1", 5)}};
  const trace::Image apart{{"a", file_entry("1", 5)}, {"b", file_entry("1", 6)}};
  Layout layout(root());
  layout.lay_out(share(linked));
  overwrite("a", 0, "2");
  EXPECT_EQ(read("b"), "2");
  for (const trace::Image& image : {linked, apart, linked, linked}) {
    layout.lay_out(share(image));
    expect_holds(image);
  }
}

TEST_F(LayOut, WritesThroughNoSymlinkATargetLeft) {
  const TemporaryDirectory outside;
  std::ofstream(outside.path() / "1.incr") << "precious";
  Layout layout(root());
  layout.lay_out(share(kImage));
  std::filesystem::remove_all(root() / "aof");
  std::filesystem::create_directory_symlink(outside.path(), root() / "aof");
  std::filesystem::remove(root() / "dump.rdb");
  std::filesystem::create_symlink(outside.path() / "1.incr", root() / "dump.rdb");
  layout.lay_out(share(kImage));
  expect_holds(kImage);
  std::ifstream in(outside.path() / "1.incr");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "precious");
}

TEST_F(LayOut, WithoutKeepingRewritesEverything) {
  Layout layout(root(), false);
  layout.lay_out(share(kImage));
  layout.lay_out(share(kImage));
  EXPECT_EQ(layout.statistics().files_kept, 0U);
  expect_holds(kImage);
}

TEST_F(LayOut, SaysWhereItCannotWrite) {
  EXPECT_THROW(Layout("/nonexistent/deep/data"), EnvironmentError);
  try {
    lay_out({{"no/such/parent", file_entry("x")}}, root());
    FAIL() << "a file without its directory was written";
  } catch (const EnvironmentError& error) {
    EXPECT_NE(std::string(error.what()).find("no/such/parent"), std::string::npos);
  }
}

}  // namespace
}  // namespace crashpoint::crash
