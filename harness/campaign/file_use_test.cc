#include "harness/campaign/file_use.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "harness/base/temporary_directory.h"
#include "harness/crash/image/image.h"
#include "harness/crash/image/lay_out.h"

namespace crashpoint::campaign {
namespace {

namespace fs = std::filesystem;

class FileUseTest : public ::testing::Test {
 protected:
  FileUseTest() { crash::lay_out(image_, folder()); }

  fs::path folder() const { return temp_.path() / "data"; }

  TemporaryDirectory temp_;
  trace::Image image_ = crash::image_of({{"a.aof", "x"}, {"d/b.aof", "y"}});
};

TEST_F(FileUseTest, IsNoneWhileOtherFilesAreUsed) {
  const FileUse use(image_, folder());
  EXPECT_FALSE(use.any());
  for (const auto& entry : fs::recursive_directory_iterator(folder())) {
    EXPECT_TRUE(fs::exists(entry.path()));
  }
  std::ofstream(folder() / "other") << "z";
  EXPECT_FALSE(use.any()) << "a list of names, and a file of its own";
  EXPECT_EQ(use.file_count(), 2U);
}

TEST_F(FileUseTest, IsOneOpenedInWhateverDirectory) {
  const FileUse use(image_, folder());
  std::ifstream(folder() / "d" / "b.aof").get();
  EXPECT_TRUE(use.any());
}

TEST_F(FileUseTest, IsOneRemovedOrReplaced) {
  const FileUse removed(image_, folder());
  fs::remove(folder() / "a.aof");
  EXPECT_TRUE(removed.any());
  std::ofstream(folder() / "new") << "z";
  const FileUse replaced(image_, folder());
  fs::rename(folder() / "new", folder() / "a.aof");
  EXPECT_TRUE(replaced.any());
}

TEST_F(FileUseTest, CannotBeMissedWhereThereIsNothingToUse) {
  EXPECT_TRUE(FileUse({}, folder()).any());
}

}  // namespace
}  // namespace crashpoint::campaign
