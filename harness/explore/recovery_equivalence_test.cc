#include "harness/explore/recovery_equivalence.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace crashpoint::explore {
namespace {

using trace::Question;
using Of = Question::Of;

trace::Image directory() {
  return crash::image_of({{"log", "12"}, {"d/base", "b"}, {"d/temp", "t"}});
}

bool same(const trace::Image& a, const trace::Image& b, const Question& question) {
  return answer(crash::share(a), question) == answer(crash::share(b), question);
}

TEST(Answer, TellsWhatIsAskedAndNoMore) {
  trace::Image other = directory();
  other["log"].content = "34";
  EXPECT_FALSE(same(directory(), other, {Of::kContent, "log"}));
  EXPECT_TRUE(same(directory(), other, {Of::kSize, "log"}));
  other["log"].content = "345";
  EXPECT_FALSE(same(directory(), other, {Of::kSize, "log"}));
  EXPECT_TRUE(same(directory(), other, {Of::kEntry, "log"}));
  other["log"].mode = 0600;
  EXPECT_FALSE(same(directory(), other, {Of::kEntry, "log"}));
  EXPECT_TRUE(same(directory(), other, {Of::kContent, "d/base"}));
}

TEST(Answer, OfWhatIsMissingSaysWhereTheWayEnds) {
  trace::Image without_directory = directory();
  without_directory.erase("d/base");
  without_directory.erase("d/temp");
  const trace::Image empty_directory = without_directory;
  without_directory.erase("d");
  EXPECT_FALSE(same(empty_directory, without_directory, {Of::kEntry, "d/base"}));
  trace::Image file = without_directory;
  file["d"] = {};
  EXPECT_FALSE(same(file, without_directory, {Of::kEntry, "d/base"}));
  EXPECT_TRUE(same(empty_directory, without_directory, {Of::kEntry, "none/base"}));
}

TEST(Answer, OfNamesIsTheListOfOneDirectory) {
  trace::Image other = directory();
  other["d/base"].content = "changed";
  other["new"] = {};
  EXPECT_TRUE(same(directory(), other, {Of::kNames, "d"}));
  EXPECT_FALSE(same(directory(), other, {Of::kNames, "."}));
  other.erase("d/temp");
  EXPECT_FALSE(same(directory(), other, {Of::kNames, "d"}));
}

TEST(Answer, SaysUnderWhichOtherNamesAFileIsThere) {
  trace::Image linked = directory();
  linked["d/temp"] = linked["log"];
  trace::Image copied = linked;
  linked["d/temp"].file = linked["log"].file = 7;
  EXPECT_FALSE(same(linked, copied, {Of::kEntry, "log"})) << "a write to one would show in both";
}

TEST(RecoveryEquivalence, StatesDifferByWhatTheRecoveryAskedAlone) {
  RecoveryEquivalence alike;
  const std::vector<Question> questions = {{Of::kContent, "log"}, {Of::kEntry, "d/base"}};
  EXPECT_EQ(alike.find(crash::share(directory())), std::nullopt);
  alike.add(JobId::state(3), crash::share(directory()), questions);
  trace::Image other = directory();
  other["d/temp"].content = "never looked at";
  EXPECT_EQ(alike.find(crash::share(other)), JobId::state(3));
  other["log"].content = "x";
  EXPECT_EQ(alike.find(crash::share(other)), std::nullopt);
}

// What it asks next depends on what it was told.
TEST(RecoveryEquivalence, RecoveriesThatAskOtherThingsStandSideBySide) {
  RecoveryEquivalence alike;
  trace::Image other = directory();
  other["log"].content = "d/temp counts";
  alike.add(JobId::state(1), crash::share(directory()),
            std::vector<Question>{{Of::kContent, "log"}});
  alike.add(JobId::state(2), crash::share(other),
            std::vector<Question>{{Of::kContent, "log"}, {Of::kContent, "d/temp"}});
  EXPECT_EQ(alike.find(crash::share(directory())), JobId::state(1));
  EXPECT_EQ(alike.find(crash::share(other)), JobId::state(2));
  other["d/temp"].content = "changed";
  EXPECT_EQ(alike.find(crash::share(other)), std::nullopt);
}

TEST(RecoveryEquivalence, AskedInAnotherOrderItIsStillTheSame) {
  RecoveryEquivalence alike;
  trace::Image other = directory();
  other["d/base"].content = "c";
  alike.add(JobId::state(1), crash::share(directory()),
            std::vector<Question>{{Of::kContent, "log"}, {Of::kContent, "d/base"}});
  alike.add(JobId::state(2), crash::share(other),
            std::vector<Question>{{Of::kContent, "d/base"}, {Of::kContent, "log"}});
  EXPECT_EQ(alike.find(crash::share(directory())), JobId::state(1));
  EXPECT_EQ(alike.find(crash::share(other)), JobId::state(2));
}

TEST(RecoveryEquivalence, BehindASymlinkNothingIsKnown) {
  RecoveryEquivalence alike;
  trace::Image image = directory();
  image["way"] = {trace::ImageEntry::Kind::kSymlink, 0777, "d", 0};
  alike.add(JobId::state(1), crash::share(image), std::vector<Question>{{Of::kContent, "log"}});
  EXPECT_EQ(alike.find(crash::share(image)), std::nullopt);
}

}  // namespace
}  // namespace crashpoint::explore
