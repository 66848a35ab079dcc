// What small programs are seen to look at of their data directory.
#include "harness/ptrace/observer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "harness/ptrace/run_for_test.h"

namespace crashpoint::ptrace {
namespace {

using Of = trace::Question::Of;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::Not;

class ObserverTest : public testing::Test {
 protected:
  ObserverTest() {
    for (const char* const name : {"a", "b", "c"}) {
      std::ofstream(folder_.data() / name) << "in " << name << '\n';
    }
    std::filesystem::create_directory(folder_.data() / "d");
    std::ofstream(folder_.data() / "d" / "e") << "in e\n";
  }

  // testdata/looks does it in the data directory.
  const std::vector<trace::Question>& run(std::vector<std::string> words) {
    words.insert(words.begin(), "looks");
    TracerOptions options;
    options.data_directory = folder_.data();
    options.record = false;
    options.observations = &observations_;
    const ptrace::Run done = Tracer(folder_.spec(std::move(words)), std::move(options)).finish();
    EXPECT_EQ(done.status, 0) << folder_.output();
    return observations_.questions();
  }

  TestFolder folder_;
  trace::Observations observations_;
};

auto about(const std::string& path) {
  return Contains(Field(&trace::Question::path, path));
}
auto asked(Of of, const std::string& path) {
  return Contains(trace::Question{of, path});
}

TEST_F(ObserverTest, SeesWhatAChildDoesThatAskedNotToBeTraced) {
  TracerOptions options;
  options.data_directory = folder_.data();
  options.record = false;
  options.observations = &observations_;
  const ptrace::Run done =
      Tracer(folder_.spec({"hides", "clone", "a"}), std::move(options)).finish();
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(observations_.questions(), about("a"));
}

TEST_F(ObserverTest, ReadingIsToldFromLookingAndFromWriting) {
  const std::vector<trace::Question>& questions = run({"read", "a", "stat", "b", "add", "c"});
  EXPECT_EQ(observations_.gave_up(), "");
  EXPECT_THAT(questions,
              ElementsAre(trace::Question{Of::kContent, "a"}, trace::Question{Of::kSize, "b"},
                          trace::Question{Of::kSize, "c"}));
}

TEST_F(ObserverTest, WhatIsMissedIsAskedForToo) {
  EXPECT_THAT(
      run({"stat", "none", "read", "d/none"}),
      ElementsAre(trace::Question{Of::kSize, "none"}, trace::Question{Of::kContent, "d/none"}));
}

TEST_F(ObserverTest, ListingADirectoryIsAQuestionAndOpeningItIsNone) {
  EXPECT_THAT(run({"path", "d", "read", "d"}), Not(asked(Of::kNames, "d")));
  EXPECT_THAT(run({"list", "d"}), asked(Of::kNames, "d"));
  EXPECT_EQ(observations_.gave_up(), "");
}

TEST_F(ObserverTest, ItsOwnFilesHoldNothingOfTheDirectory) {
  const std::vector<trace::Question>& questions =
      run({"add", "new", "rename", "new", "newer", "read", "newer", "make", "own", "add", "own/x",
           "read", "own/x", "cut", "b", "read", "b"});
  EXPECT_EQ(observations_.gave_up(), "");
  EXPECT_THAT(questions, asked(Of::kSize, "new")) << "it might have been there";
  EXPECT_THAT(questions, Not(asked(Of::kContent, "newer")));
  EXPECT_THAT(questions, asked(Of::kEntry, "own"));
  EXPECT_THAT(questions, Not(about("own/x")));
  EXPECT_THAT(questions, Not(asked(Of::kContent, "b"))) << "cut to nothing first";
}

TEST_F(ObserverTest, AFileIsKnownUnderTheNamesItIsGiven) {
  const std::vector<trace::Question>& questions =
      run({"rename", "a", "b", "link", "c", "d/link", "read", "b", "read", "d/link", "remove", "b",
           "read", "b"});
  EXPECT_EQ(observations_.gave_up(), "");
  EXPECT_THAT(questions, asked(Of::kContent, "a"));
  EXPECT_THAT(questions, asked(Of::kContent, "c"));
  EXPECT_THAT(questions, Not(asked(Of::kContent, "b"))) << "replaced unread";
}

// The directory as the second finds it is the first one's doing, as far as it goes.
TEST_F(ObserverTest, ASecondProgramSeesWhatTheFirstMade) {
  run({"add", "new", "rename", "new", "b"});
  EXPECT_THAT(run({"read", "b", "read", "c"}), Not(asked(Of::kContent, "b")));
  EXPECT_THAT(observations_.questions(), asked(Of::kContent, "c"));
}

TEST_F(ObserverTest, NoWayRoundLeadsInsideUnseen) {
  std::filesystem::create_symlink(folder_.data() / "b", folder_.path() / "outside");
  std::filesystem::create_symlink("data/d", folder_.path() / "way");
  EXPECT_THAT(run({"reopen", "a"}), asked(Of::kContent, "a"));
  EXPECT_THAT(run({"read", "../outside", "read", "../way/e"}), asked(Of::kContent, "b"));
  EXPECT_THAT(observations_.questions(), asked(Of::kContent, "d/e"));
  EXPECT_THAT(run({"read", (folder_.data() / "d" / ".." / "c").string()}),
              asked(Of::kContent, "c"));
  EXPECT_EQ(observations_.gave_up(), "");
}

TEST_F(ObserverTest, WhatItCannotFollowItGivesUp) {
  const std::vector<std::vector<std::string>> beyond = {{"symlink", "a", "s"},
                                                        {"rename", "d", "other"},
                                                        {"rename", "a", "../a"},
                                                        {"read", "/dev/fd/0"},
                                                        {"thread", "a", "remove", "b"}};
  for (const std::vector<std::string>& words : beyond) {
    observations_ = {};
    run(words);
    EXPECT_NE(observations_.gave_up(), "") << words.front();
  }
}

TEST_F(ObserverTest, SeveralThreadsMayLookWhereNoNameChanges) {
  EXPECT_THAT(run({"thread", "a", "read", "b"}), asked(Of::kContent, "a"));
  EXPECT_EQ(observations_.gave_up(), "");
}

}  // namespace
}  // namespace crashpoint::ptrace
