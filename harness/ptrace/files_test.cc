// Goal: what the tracer believes about files is what the kernel did, however a program reaches them.
// Method: programs take odd ways; the recording, done again, must give what is on disk, and the tracer's own
// check at the end must find nothing.
#include "harness/ptrace/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "harness/ptrace/run_for_test.h"
#include "harness/ptrace/tracer.h"

namespace crashpoint::ptrace {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// on_disk() cannot follow a path that is too long: of those directories, the names the tracer has checked.
class WaysToFiles : public testing::TestWithParam<std::string> {};

TEST_P(WaysToFiles, AreRecordedAsTheKernelTookThem) {
  const TestFolder folder;
  const auto run = folder.run({"odd_files", GetParam()});
  if (WIFEXITED(run.status) && WEXITSTATUS(run.status) == 77) {
    GTEST_SKIP() << "not permitted here";
  }
  ASSERT_EQ(run.status, 0) << folder.output();
  EXPECT_THAT(run.trace.unseen, IsEmpty());
  if (GetParam() != "deep") {
    EXPECT_EQ(replayed(run.trace), on_disk(folder.data()));
  }
}

INSTANTIATE_TEST_SUITE_P(Files, WaysToFiles,
                         testing::Values("symlinks", "in-root", "other-root", "deep", "unnamed",
                                         "append", "divided", "races", "modes"),
                         [](const auto& way) {
                           std::string name = way.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(Files, AFileMadeThroughASymlinkIsMadeOnceUnderItsOwnName) {
  const TestFolder folder;
  const auto run = folder.run({"odd_files", "symlinks"});
  std::set<std::string> created;
  for (const trace::Event& event : run.trace.events) {
    if (event.created) {
      EXPECT_TRUE(created.insert(event.path).second) << event.path;
    }
  }
  EXPECT_THAT(created, ElementsAre("end", "made", "real/inner", "up"));
}

TEST(Files, ADirectoryUnderAnotherPathIsStillTheDataDirectory) {
  const TestFolder folder;
  const std::string other = folder.path() / "other";
  std::filesystem::create_directory(other);
  const auto run = folder.run(
      {"unshare", "-m", "sh", "-c",
       "mount --bind . " + other + " || exit 77; cd " + other +
           "; mkdir sub; echo one > sub/f; echo two >> log; mv log log2; chmod 600 log2"});
  if (!WIFEXITED(run.status) || WEXITSTATUS(run.status) != 0) {
    GTEST_SKIP() << "no mounts here";
  }
  EXPECT_THAT(run.trace.unseen, IsEmpty());
  EXPECT_EQ(replayed(run.trace), on_disk(folder.data()));
}

TEST(Files, AnAccessControlListSetsTheModeToo) {
  const TestFolder folder;
  std::ofstream(folder.data() / "conf") << "1\n";
  std::filesystem::permissions(folder.data() / "conf", std::filesystem::perms(0644));
  const auto run = folder.run({"sed", "-i", "s/1/2/", "conf"});
  ASSERT_EQ(run.status, 0) << folder.output();
  EXPECT_THAT(run.trace.unseen, IsEmpty());
  EXPECT_EQ(replayed(run.trace), on_disk(folder.data()));
}

TEST(Files, WhatIsMovedInIsRecordedWithItsBytesAndFollowedWhereverItGoes) {
  const TestFolder folder;
  std::filesystem::create_directories(folder.data() / "old");
  std::ofstream(folder.data() / "old" / "keep") << "kept";
  std::filesystem::create_directories(folder.path() / "stage" / "sub");
  std::ofstream(folder.path() / "stage" / "before") << "there before the run\n";
  const auto run = folder.run(
      {"sh", "-c",
       "S=../stage; echo one > $S/a; chmod 600 $S/a; echo two > $S/sub/b; ln $S/a ../hard; ln -s a "
       "$S/l;"
       "mv $S new; echo more >> new/a; mv old ../old; echo x >> ../old/keep; echo y > ../old/made;"
       "mv ../old back; echo z >> back/keep; ln ../hard in; echo q >> ../hard; cp new/a c; mv c "
       "../gone;"
       "echo late >> ../gone; mv ../gone again; mkdir ../e; touch ../e/f; mv -T --exchange ../e "
       "new || true"});
  ASSERT_EQ(run.status, 0) << folder.output();
  EXPECT_THAT(run.trace.unseen, IsEmpty());
  EXPECT_EQ(replayed(run.trace), on_disk(folder.data()));
}

TEST(Files, TellsIfADirectoryThatIsMovedInHasAFileThatCannotBeRead) {
  if (::geteuid() == 0) {
    GTEST_SKIP() << "root can read everything";
  }
  const TestFolder folder;
  const auto run = folder.run(
      {"sh", "-c", "mkdir ../stage; echo secret > ../stage/f; chmod 0 ../stage/f; mv ../stage in"});
  EXPECT_THAT(run.trace.unseen, Contains(HasSubstr("stage/f was moved in and could not be read")));
}

TEST(Files, CountsTheBytesOfAFileThatIsMovedOutUnderOneOfItsNames) {
  const TestFolder folder;
  fault::Fault full;
  full.text = "full";
  full.action = fault::DiskBudget{100'000};
  const auto run = folder.run({"sh", "-c",
                               "echo 12345678 > a; ln a b; mv b ../out; echo more >> a; rm a; echo "
                               "more >> ../out; echo fits > c"},
                              {full});
  ASSERT_EQ(run.status, 0) << folder.output();
  EXPECT_EQ(folder.file("c"), "fits\n");
  EXPECT_EQ(replayed(run.trace), on_disk(folder.data()));
}

TEST(Files, SaysIfTheDataDirectoryGoesAway) {
  for (const std::string& script :
       {std::string("cd ..; rm -rf data; mkdir data; echo new > data/b"),
        std::string(
            "cd ..; mkdir next; echo new > next/b; mv data prev; mv next data; echo x > data/c")}) {
    const TestFolder folder;
    std::ofstream(folder.data() / "a") << "1";
    const auto run = folder.run({"sh", "-c", script});
    ASSERT_EQ(run.status, 0) << folder.output();
    EXPECT_THAT(run.trace.unseen, Contains(HasSubstr("the data directory was removed, moved or")))
        << script;
  }
}

TEST(Files, SaysWhatSomebodyElseHasMadeOrChanged) {
  const TestFolder folder;
  for (const char* name : {"grown", "gone", "mode"}) {
    std::ofstream(folder.data() / name) << "1";
  }
  ASSERT_EQ(::mkfifo((folder.path() / "go").c_str(), 0600), 0);
  Tracer tracer(folder.spec({"sh", "-c", "echo traced > own; read go < ../go; echo end >> own"}),
                folder.options());
  while (!std::filesystem::exists(folder.data() / "own")) {
  }
  std::ofstream(folder.data() / "made") << "by the test";
  std::ofstream(folder.data() / "grown", std::ios::app) << "2";
  std::filesystem::remove(folder.data() / "gone");
  std::filesystem::permissions(folder.data() / "mode", std::filesystem::perms::owner_all);
  std::ofstream(folder.path() / "go") << "go\n";
  const auto run = tracer.finish();
  EXPECT_THAT(run.trace.unseen,
              testing::UnorderedElementsAre(
                  "made: no call that was seen made it", "gone: no call that was seen removed it",
                  "grown: it has 2 bytes, by the calls that were seen 1",
                  HasSubstr("mode: its mode is 0700, by the calls that were seen")));
}

}  // namespace
}  // namespace crashpoint::ptrace
