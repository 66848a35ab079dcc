#include "harness/crash/damage/damage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "harness/base/error.h"
#include "harness/crash/damage/file_history.h"
#include "harness/crash/trace_script_for_test.h"

namespace crashpoint::crash {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const trace::Image kImage{{"aof", directory_entry()},
                          {"aof/1.incr", file_entry("0123456789", 3)},
                          {"aof/manifest", file_entry("file 1.incr", 4)},
                          {"dump.rdb", file_entry("REDIS", 5)},
                          {"link", symlink_entry("/etc/passwd")}};

std::vector<trace::Image> damaged(const std::vector<Damage>& damages, const RunContext& run = {},
                                  const trace::Image& image = kImage) {
  std::vector<trace::Image> images;
  for (const DamageCase& damage_case : expand(damages, image, run)) {
    images.push_back(image);
    apply(damage_case, images.back(), 7, run);
  }
  return images;
}

std::string damaged_file(const std::string& file, const DamageAction& action,
                         const RunContext& run = {}) {
  const std::vector<trace::Image> images = damaged({{file, action}}, run);
  EXPECT_EQ(images.size(), 1U);
  return images.at(0).at(file).content;
}

std::string refusal(const std::vector<Damage>& damages, const RunContext& run = {}) {
  try {
    (void)damaged(damages, run);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "not refused";
}

TEST(Damage, TruncatesToASizeOrByOne) {
  EXPECT_EQ(damaged_file("aof/1.incr", Truncate{{4}}), "0123");
  EXPECT_EQ(damaged_file("aof/1.incr", Truncate{{4, true}}), "012345");
  EXPECT_EQ(damaged_file("aof/1.incr", Truncate{{0, true}}), "0123456789");
}

TEST(Damage, EveryLengthOfARangeIsACase) {
  std::vector<std::string> contents;
  for (const trace::Image& image : damaged({{"*.incr", TruncateEvery{{4, true}, {1, true}, 1}}})) {
    contents.push_back(image.at("aof/1.incr").content);
    EXPECT_EQ(image.at("dump.rdb").content, "REDIS");
  }
  EXPECT_THAT(contents, ElementsAre("012345", "0123456", "01234567", "012345678"));
  EXPECT_EQ(damaged({{"*.incr", TruncateEvery{{0}, {0, true}, 5}}}).size(), 3U);
}

TEST(Damage, CasesHaveStableNames) {
  const std::vector<Damage> damages{{"*.incr", TruncateEvery{{1}, {2}, 1}}, {"dump.rdb", Remove{}}};
  const std::vector<DamageCase> cases = expand(damages, kImage, {});
  ASSERT_EQ(cases.size(), 2U);
  EXPECT_EQ(cases[0].name, "truncate aof/1.incr to 1, remove dump.rdb");
  EXPECT_EQ(cases[1].name, "truncate aof/1.incr to 2, remove dump.rdb");
}

TEST(Damage, WithoutAnyIsOneCaseThatChangesNothing) {
  const std::vector<DamageCase> cases = expand({}, kImage, {});
  ASSERT_EQ(cases.size(), 1U);
  EXPECT_EQ(cases[0].name, "");
  EXPECT_TRUE(cases[0].damages.empty());
}

TEST(Damage, FlipsOneBit) {
  EXPECT_EQ(damaged_file("dump.rdb", FlipBit{{0}, 0}), "SEDIS");
  EXPECT_EQ(damaged_file("dump.rdb", FlipBit{{1, true}, 5}), "REDIs");
}

int bits_apart(const std::string& a, const std::string& b) {
  int bits = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    bits += __builtin_popcount(static_cast<unsigned char>(a[i] ^ b[i]));
  }
  return bits;
}

TEST(Damage, FlipsAsManyDifferentRandomBitsAsAsked) {
  const ByteRange range{{2}, {4}};
  const std::string found = damaged_file("aof/1.incr", FlipRandomBits{range, 16});
  EXPECT_EQ(bits_apart(found, "0123456789"), 16);
  EXPECT_EQ(found.substr(0, 2) + found.substr(4), "01456789");
}

TEST(Damage, FlipsABitOfEveryByteOneCaseEach) {
  const std::vector<trace::Image> images = damaged({{"dump.rdb", FlipEveryByte{{{1}, {4}}, 1}}});
  ASSERT_EQ(images.size(), 3U);
  for (std::size_t i = 0; i < images.size(); ++i) {
    const std::string& found = images[i].at("dump.rdb").content;
    EXPECT_EQ(bits_apart(found, "REDIS"), 1);
    EXPECT_NE(found[i + 1], "REDIS"[i + 1]);
  }
}

TEST(Damage, ZeroesAndGarblesRanges) {
  EXPECT_EQ(damaged_file("dump.rdb", Zero{{{3, true}, {1, true}}}), std::string("RE\0\0S", 5));
  const std::string garbled = damaged_file("aof/1.incr", Garbage{{{2}, {0, true}}});
  EXPECT_EQ(garbled.size(), 10U);
  EXPECT_EQ(garbled.substr(0, 2), "01");
  EXPECT_NE(garbled, "0123456789");
}

TEST(Damage, AppendsBytesZerosGarbageAndItsOwnTail) {
  EXPECT_EQ(damaged_file("dump.rdb", Append{std::string("\0x", 2)}), std::string("REDIS\0x", 7));
  EXPECT_EQ(damaged_file("dump.rdb", AppendZeros{2}), std::string("REDIS\0\0", 7));
  EXPECT_EQ(damaged_file("dump.rdb", AppendGarbage{20}).size(), 25U);
  EXPECT_EQ(damaged_file("dump.rdb", DuplicateTail{2}), "REDISIS");
}

TEST(Damage, SwapsRemovesAndEmpties) {
  const trace::Image swapped = damaged({{"dump.rdb", Swap{"aof/manifest"}}}).at(0);
  EXPECT_EQ(swapped.at("dump.rdb").content, "file 1.incr");
  EXPECT_EQ(swapped.at("aof/manifest").content, "REDIS");
  EXPECT_FALSE(damaged({{"dump.rdb", Remove{}}}).at(0).contains("dump.rdb"));
  EXPECT_EQ(damaged_file("dump.rdb", Empty{}), "");
}

TEST(Damage, ChangesModes) {
  EXPECT_EQ(damaged({{"dump.rdb", Chmod{0400}}}).at(0).at("dump.rdb").mode, 0400U);
}

TEST(Damage, OfAFileWithSeveralNamesShowsUnderAll) {
  trace::Image image = kImage;
  image["copy"] = image["dump.rdb"];
  EXPECT_EQ(damaged({{"copy", Truncate{{1}}}}, {}, image).at(0).at("dump.rdb").content, "R");
}

TEST(Damage, IsDoneToEveryFileTheGlobMatchesAndEachExpandsOnItsOwn) {
  const trace::Image both = damaged({{"aof/*", Truncate{{1}}}}).at(0);
  EXPECT_EQ(both.at("aof/1.incr").content, "0");
  EXPECT_EQ(both.at("aof/manifest").content, "f");
  EXPECT_EQ(damaged({{"aof/*", TruncateEvery{{1}, {2}, 1}}}).size(), 4U);
}

TEST(Damage, IsDoneInOrderAndSeesWhatCameBefore) {
  const std::vector<trace::Image> images =
      damaged({{"dump.rdb", Append{"12345"}}, {"dump.rdb", TruncateEvery{{5}, {0, true}, 1}}});
  ASSERT_EQ(images.size(), 6U);
  EXPECT_EQ(images.back().at("dump.rdb").content, "REDIS12345");
}

TEST(Damage, DependsOnlyOnTheSeed) {
  const std::vector<DamageCase> cases =
      expand(std::vector<Damage>{{"*.incr", Garbage{}}}, kImage, {});
  trace::Image one = kImage;
  trace::Image same = kImage;
  trace::Image other = kImage;
  apply(cases[0], one, 1, {});
  apply(cases[0], same, 1, {});
  apply(cases[0], other, 2, {});
  EXPECT_EQ(one.at("aof/1.incr").content, same.at("aof/1.incr").content);
  EXPECT_NE(one.at("aof/1.incr").content, other.at("aof/1.incr").content);
}

TEST(Damage, NeverLeavesTheDataDirectory) {
  for (const char* const path : {"../outside", "aof/../../outside", "/etc/passwd", "a/..", ""}) {
    EXPECT_THROW(check({path, Remove{}}), UsageError) << path;
    EXPECT_THROW(check({"dump.rdb", Swap{path}}), UsageError) << path;
    EXPECT_THROW((void)damaged({{path, Remove{}}}), UsageError) << path;
  }
  EXPECT_THAT(refusal({{"link", Empty{}}}), HasSubstr("symlink: never followed"));
}

TEST(Damage, SaysWhatIsThereWhenNothingMatches) {
  EXPECT_THAT(refusal({{"*.base.rdb", Remove{}}}),
              HasSubstr("no file matches '*.base.rdb' after the crash; there is aof/1.incr, "
                        "aof/manifest, dump.rdb"));
  EXPECT_THAT(refusal({{"aof", Remove{}}}), HasSubstr("aof is a directory"));
}

TEST(Damage, RefusesOffsetsOutsideTheFile) {
  EXPECT_THAT(refusal({{"dump.rdb", Truncate{{6}}}}),
              HasSubstr("6 bytes lies outside dump.rdb, which has 5 bytes"));
  EXPECT_THAT(refusal({{"dump.rdb", Zero{{{3}, {2}}}}}), HasSubstr("ends before it begins"));
  EXPECT_THAT(refusal({{"dump.rdb", FlipBit{{5}, 0}}}), HasSubstr("no bit 0 of byte 5"));
  EXPECT_THAT(refusal({{"dump.rdb", FlipRandomBits{{{0}, {1}}, 9}}}), HasSubstr("8 bits"));
}

TEST(Damage, LeavesTheImageAsItWasOnAnError) {
  trace::Image image = kImage;
  const DamageCase bad{"", {{"dump.rdb", Empty{}}, {"aof/1.incr", Truncate{{11}}}}};
  EXPECT_THROW(apply(bad, image, 1, {}), UsageError);
  EXPECT_EQ(image.at("dump.rdb").content, "REDIS");
}

TEST(Damage, ThatNeedsTheTraceSaysSoWithoutOne) {
  EXPECT_THAT(refusal({{"*.incr", TruncateLastCommands{1}}}), HasSubstr("needs a recorded run"));
  EXPECT_THAT(refusal({{"*.incr", EarlierVersion{1}}}), HasSubstr("needs a recorded run"));
}

// ---- what the trace tells of a file

class LastCommands : public testing::Test {
 protected:
  // One command: its bytes are appended, then its reply leaves.
  void command(std::string_view bytes) {
    script_.append("aof", bytes).fsync("aof").ack();
    acked_.push_back(script_.trace().events.back().exit);
  }
  RunContext run() const { return {&script_.trace(), trace::kNever, acked_}; }

  TraceScript script_{{{"aof", file_entry("base")}}};
  std::vector<trace::Position> acked_;
};

TEST_F(LastCommands, TookWhatWasWrittenSinceTheOneBeforeThem) {
  command("1");
  command("22");
  command("333");
  EXPECT_EQ(last_commands(run(), "aof", 1), (Extent{7, 10}));
  EXPECT_EQ(last_commands(run(), "aof", 2), (Extent{5, 10}));
  EXPECT_EQ(last_commands(run(), "aof", 3), (Extent{4, 10}));
  EXPECT_EQ(last_commands(run(), "aof", 9), (Extent{4, 10})) << "there were only three";
}

// A file that is cut in there has lost nothing of the commands.
TEST_F(LastCommands, TookNothingOfWhatTheServerWroteByItselfAfterThem) {
  command("1");
  command("22");
  script_.append("aof", "#a note");
  EXPECT_EQ(last_commands(run(), "aof", 1), (Extent{5, 7}));
}

TEST_F(LastCommands, IncludeWhatWasWrittenAndNeverAcked) {
  command("1");
  command("22");
  script_.append("aof", "pending");
  RunContext with_pending = run();
  with_pending.command_in_flight = true;
  EXPECT_EQ(last_commands(with_pending, "aof", 1), (Extent{5, 14}));
}

TEST_F(LastCommands, ThatShareAWriteTakeTheWholeOfIt) {
  command("1");
  script_.append("aof", "aabb").ack().ack();
  const auto& events = script_.trace().events;
  acked_.insert(acked_.end(), {events[events.size() - 2].exit, events.back().exit});
  EXPECT_EQ(last_commands(run(), "aof", 1), (Extent{5, 9}));
}

TEST_F(LastCommands, AreCutAtEveryLength) {
  command("1");
  command("22");
  command("333");
  const trace::Image image{{"aof", file_entry("base122333")}};
  std::vector<std::string> contents;
  for (const trace::Image& cut : damaged({{"aof", TruncateLastCommands{2}}}, run(), image)) {
    contents.push_back(cut.at("aof").content);
  }
  EXPECT_THAT(contents, ElementsAre("base1", "base12", "base122", "base1223", "base12233"));
}

TEST_F(LastCommands, TookNothingOfAFileTheyDidNotTouch) {
  command("1");
  EXPECT_EQ(last_commands(run(), "other", 1), std::nullopt);
  EXPECT_THAT(refusal({{"dump.rdb", TruncateLastCommands{1}}}, run()),
              HasSubstr("the last 1 command wrote nothing to dump.rdb"));
}

TEST(EarlierVersions, AreWhatWasSyncedBefore) {
  TraceScript script({{"a", file_entry("0")}});
  script.append("a", "1").append("a", "2").fsync("a").append("a", "3").fdatasync("a");
  script.append("a", "4");
  const RunContext run{&script.trace(), trace::kNever, {}};
  EXPECT_EQ(earlier_version(run, "a", "01234", 1), "0123");
  EXPECT_EQ(earlier_version(run, "a", "01234", 2), "012");
  EXPECT_EQ(earlier_version(run, "a", "01234", 3), "0");
  EXPECT_EQ(earlier_version(run, "a", "0123", 1), "012") << "the content now is no earlier one";
  EXPECT_THROW((void)earlier_version(run, "a", "01234", 4), UsageError);
}

TEST(EarlierVersions, AreWhatRenamesReplaced) {
  TraceScript script({{"manifest", file_entry("old")}});
  script.create("temp").append("temp", "new").fsync("temp").rename("temp", "manifest");
  const RunContext run{&script.trace(), trace::kNever, {}};
  EXPECT_EQ(earlier_version(run, "manifest", "new", 1), "old");
  const RunContext before{&script.trace(), script.during_last(), {}};
  EXPECT_THROW((void)earlier_version(before, "manifest", "old", 1), UsageError);
}

}  // namespace
}  // namespace crashpoint::crash
