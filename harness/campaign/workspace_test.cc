#include "harness/campaign/workspace.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "harness/base/error.h"

namespace crashpoint::campaign {
namespace {

namespace fs = std::filesystem;

class WorkspaceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "workspace-test-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    parent_ = pattern;
  }
  void TearDown() override { fs::remove_all(parent_); }

  fs::path parent_;
};

TEST_F(WorkspaceTest, IsGoneWithAllThatIsInItWhenClosed) {
  {
    const Workspace workspace = Workspace::open_in(parent_);
    fs::create_directories(workspace.path() / "case" / "data");
    std::ofstream(workspace.path() / "case" / "data" / "dump.rdb") << "x";
  }
  EXPECT_TRUE(fs::is_empty(parent_));
}

TEST_F(WorkspaceTest, WhatAKilledRunLeftBehindIsRemovedByTheNextOne) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const Workspace workspace = Workspace::open_in(parent_);
    ::raise(SIGKILL);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ASSERT_FALSE(fs::is_empty(parent_));
  { const Workspace next = Workspace::open_in(parent_); }
  EXPECT_TRUE(fs::is_empty(parent_));
}

TEST_F(WorkspaceTest, OneInUseIsLeftAlone) {
  const Workspace mine = Workspace::open_in(parent_);
  { const Workspace other = Workspace::open_in(parent_); }
  EXPECT_TRUE(fs::exists(mine.path()));
}

TEST_F(WorkspaceTest, HasAPathThatMeansTheSameInEveryDirectory) {
  const fs::path here = fs::current_path();
  fs::current_path(parent_);
  fs::create_directory("below");
  {
    const Workspace workspace = Workspace::open_in("below");
    EXPECT_EQ(workspace.path().parent_path(), parent_ / "below");
  }
  fs::current_path(here);
}

TEST_F(WorkspaceTest, IsNotMadeWhereItsPathWouldBeTwoLines) {
  fs::create_directory(parent_ / "a\nb");
  EXPECT_THROW(Workspace::open_in(parent_ / "a\nb"), EnvironmentError);
}

TEST_F(WorkspaceTest, SaysWhatToDoWhereItCannotWrite) {
  try {
    Workspace::open_in(parent_ / "missing");
    FAIL() << "no error";
  } catch (const EnvironmentError& error) {
    EXPECT_NE(std::string(error.what()).find("CRASHPOINT_TMPDIR"), std::string::npos);
  }
}

}  // namespace
}  // namespace crashpoint::campaign
