#include "harness/crash/states.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/crash/states_for_test.h"
#include "harness/crash/trace_script_for_test.h"

namespace crashpoint::crash {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

struct Given {
  Phase phase = Phase::kEverything;
  std::string text;
  Digest digest;
  bool permitted = false;
};

std::vector<Given> given(const TraceScript& script, const std::string& profile,
                         const StateOptions& options = {}, StateCount* count = nullptr) {
  CrashModel model(timeline_of(script), *find_profile(profile));
  model.advance(script.now());
  std::vector<Given> states;
  const StateCount counted = for_each_state(model, options, [&](CrashState&& state) {
    states.push_back(
        {state.phase, show(state.image), state.digest, model.permits(state.selection)});
    return true;
  });
  if (count != nullptr) {
    *count = counted;
  }
  return states;
}

std::vector<std::string> texts(const std::vector<Given>& states) {
  std::vector<std::string> all;
  for (const Given& state : states) {
    all.push_back(state.text);
  }
  return all;
}

constexpr StateOptions kWhole{.torn_writes = TornWrites::kNone, .garbage = false};

TraceScript three_creations() {
  return TraceScript().create("a").create("b").create("c");
}

TEST(States, ComeInTheOrderOfHowMuchTheyTell) {
  EXPECT_THAT(texts(given(three_creations(), "weakest", kWhole)),
              ElementsAre("a= b= c=",                 // everything
                          "-",                        // nothing
                          "b= c=", "a= c=", "a= b=",  // each left out
                          "a=", "b=", "c="));         // each alone; prefixes are among them
}

TEST(States, M8LeavingOutAnOperationLeavesOutWhatNeedsIt) {
  EXPECT_THAT(texts(given(three_creations(), "ext4-ordered", kWhole)),
              ElementsAre("a= b= c=", "-", "a=", "a= b="));
}

// Those in which bytes of one file are there without earlier ones of another.
std::vector<std::string> reordered(const TraceScript& script, const std::string& profile) {
  CrashModel model(timeline_of(script), *find_profile(profile));
  model.advance(script.now());
  std::vector<std::string> texts;
  for_each_state(model, kWhole, [&](CrashState&& state) {
    if (model.reorders_files(state.selection)) {
      texts.push_back(show(state.image));
    }
    return true;
  });
  return texts;
}

TEST(States, WithBytesOfOneFileButNotEarlierOnesOfAnotherAreTold) {
  TraceScript script({{"old", file_entry("")}, {"new", file_entry("")}});
  script.append("old", "1").append("old", "2").append("new", "3").append("old", "4");
  const std::vector<std::string> told = reordered(script, "ext4-ordered");
  EXPECT_THAT(told, Contains("new=3 old="));
  EXPECT_THAT(told, Contains("new=3 old=1"));
  EXPECT_THAT(told, Contains("new= old=124")) << "the last bytes of the old file are the newest";
  EXPECT_THAT(told, Not(Contains("new= old=12")));
  EXPECT_THAT(told, Not(Contains("new=3 old=12")));
  EXPECT_THAT(reordered(script, "prefix"), testing::IsEmpty());

  script.fdatasync("new");
  EXPECT_THAT(reordered(script, "ext4-ordered"), Contains("new=3 old="))
      << "also where it is durable";

  script.fdatasync("old");
  EXPECT_THAT(reordered(script, "ext4-ordered"), testing::IsEmpty());
}

TEST(States, OfOnePointAreDistinct) {
  TraceScript script({{"a", file_entry("1")}});
  script.append("a", "2").create("t").append("t", "3").rename("t", "a").append("a", "4");
  for (const Profile& profile : profiles()) {
    std::set<Digest> seen;
    for (const Given& state : given(script, profile.name)) {
      EXPECT_TRUE(seen.insert(state.digest).second) << profile.name << ": " << state.text;
      EXPECT_TRUE(state.permitted) << profile.name << ": " << state.text;
    }
  }
}

TEST(States, SayWhetherAllWereGiven) {
  StateCount count;
  given(three_creations(), "weakest", {}, &count);
  EXPECT_TRUE(count.all);
  EXPECT_EQ(count.given, 8U);

  TraceScript many;
  for (char name = 'a'; name <= 'p'; ++name) {
    many.create(std::string(1, name));
  }
  given(many, "weakest", {}, &count);
  EXPECT_FALSE(count.all) << "65,536 states";
}

TEST(States, StopWhenTold) {
  CrashModel model(timeline_of(three_creations()), *find_profile("weakest"));
  model.advance(trace::kNever);
  std::size_t seen = 0;
  const StateCount count = for_each_state(model, {}, [&](CrashState&&) { return ++seen < 3; });
  EXPECT_EQ(seen, 3U);
  EXPECT_TRUE(count.stopped);
  EXPECT_FALSE(count.all);
}

// ---- torn writes

std::string appended(const std::string& rest) {
  return "a=base" + rest;
}

TEST(TornWrites, M28OfAnAppendEndAnywhereShortOrWithZeros) {
  TraceScript script({{"a", file_entry("base")}});
  script.append("a", "12345678");
  const std::vector<std::string> states =
      texts(given(script, "weakest", {.torn_writes = TornWrites::kByte, .garbage = false}));
  const std::string bytes = "12345678";
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    EXPECT_THAT(states, Contains(appended(bytes.substr(0, size))));
    EXPECT_THAT(states,
                Contains(appended(bytes.substr(0, size) + std::string(bytes.size() - size, '.'))));
  }
  EXPECT_THAT(states, Contains(appended("....5678"))) << "the front missing";
  EXPECT_THAT(states, Contains(appended(bytes + std::string(4096 - 12, '.'))))
      << "zeros to the end of the block";
}

TEST(TornWrites, M28OfAnOverwriteKeepOldBytes) {
  TraceScript script({{"a", file_entry("01234567")}});
  script.write("a", 2, "wxyz");
  const std::vector<std::string> states =
      texts(given(script, "weakest", {.torn_writes = TornWrites::kByte}));
  EXPECT_THAT(states, ElementsAre("a=01wxyz67", "a=01234567", "a=01w34567", "a=01wx4567",
                                  "a=01wxy567", "a=0123yz67"));
}

TEST(TornWrites, M28StopAtSectorsOfTheFile) {
  TraceScript script({{"a", file_entry(std::string(500, 'o'))}});
  script.append("a", std::string(1000, 'n'));
  const std::vector<std::string> states = texts(given(script, "weakest", {.garbage = false}));
  for (const std::size_t size : {512U, 1024U}) {
    EXPECT_THAT(states, Contains("a=" + std::string(500, 'o') + std::string(size - 500, 'n')));
  }
  EXPECT_THAT(given(script, "weakest", {.torn_writes = TornWrites::kHalf, .garbage = false}).size(),
              testing::Lt(states.size()));
}

TEST(TornWrites, AreTriedWithAndWithoutWhatCameLater) {
  TraceScript script({{"a", file_entry("")}});
  script.append("a", "1234").create("b");
  const std::vector<std::string> states = texts(given(script, "weakest"));
  EXPECT_THAT(states, Contains("a=12 b="));
  EXPECT_THAT(states, Contains("a=12"));
}

TEST(TornWrites, OfEveryFileAreTried) {
  TraceScript script({{"a", file_entry("")}, {"b", file_entry("")}});
  script.append("a", "1234").append("b", "5678");
  const std::vector<std::string> states = texts(given(script, "weakest"));
  EXPECT_THAT(states, Contains("a=12 b=5678"));
  EXPECT_THAT(states, Contains("a=1234 b=56"));
}

// A disk writes whole sectors: real_filesystems_test.cc saw a block of ext4 with some of its new ones.
TEST(TornWrites, M28OfABlockInPlaceStopAtSectorsOnExt4AndXfs) {
  TraceScript script({{"a", file_entry(std::string(1536, 'o'))}});
  script.write("a", 100, std::string(1200, 'n'));
  const auto with = [](std::size_t from, std::size_t to) {
    return "a=" + std::string(from, 'o') + std::string(to - from, 'n') +
           std::string(1536 - to, 'o');
  };
  for (const char* const profile : {"ext4-ordered", "ext4-writeback", "xfs"}) {
    EXPECT_THAT(texts(given(script, profile)),
                testing::UnorderedElementsAre(with(100, 1300), with(100, 100), with(100, 512),
                                              with(100, 1024), with(512, 1300), with(1024, 1300)))
        << profile;
  }
  EXPECT_THAT(texts(given(script, "btrfs")), ElementsAre(with(100, 1300), with(100, 100)))
      << "written to a new place";
}

TEST(TornWrites, M28OfABlockInPlaceMayHaveTheNewSizeOnExt4) {
  TraceScript script({{"a", file_entry(std::string(500, 'o'))}});
  script.append("a", std::string(100, 'n'));
  const std::string old = "a=" + std::string(500, 'o');
  EXPECT_THAT(
      texts(given(script, "ext4-ordered")),
      testing::UnorderedElementsAre(old + std::string(100, 'n'), old, old + std::string(100, '.'),
                                    old + std::string(12, 'n') + std::string(88, '.'),
                                    old + std::string(12, '.') + std::string(88, 'n')));
  EXPECT_THAT(texts(given(script, "xfs")), ElementsAre(old + std::string(100, 'n'), old));
}

TEST(TornWrites, M28AreNotInABlockThatIsNew) {
  TraceScript script;
  script.create("a").append("a", std::string(2000, 'n'));
  for (const char* const profile : {"ext4-ordered", "xfs", "btrfs"}) {
    for (const std::string& state : texts(given(script, profile))) {
      EXPECT_TRUE(state.find("n.") == std::string::npos && state.find(".n") == std::string::npos)
          << profile << ": " << state;
    }
  }
}

TEST(TornWrites, WorkOnWritesOfManyBlocks) {
  TraceScript script;
  script.create("a").append("a", std::string(300'000, 'x'));
  for (const Given& state : given(script, "weakest")) {
    EXPECT_TRUE(state.permitted);
  }
}

// ---- garbage

bool has_garbage(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; });
}

TEST(Garbage, M29FillsARangeThatGrewUnderWritebackAndNotUnderOrdered) {
  TraceScript script;
  script.create("a").append("a", std::string(64, 'x'));
  const auto any_garbage = [&](const char* profile) {
    const std::vector<Given> states = given(script, profile);
    return std::any_of(states.begin(), states.end(),
                       [](const Given& state) { return has_garbage(state.text); });
  };
  EXPECT_TRUE(any_garbage("ext4-writeback"));
  EXPECT_TRUE(any_garbage("weakest"));
  EXPECT_FALSE(any_garbage("ext4-ordered"));
  EXPECT_FALSE(any_garbage("xfs"));
}

TEST(Garbage, M29MayBeWhatStoodEarlierInTheFile) {
  TraceScript script({{"a", file_entry("SET k 1;")}});
  script.append("a", "DEL k 1;");
  EXPECT_THAT(texts(given(script, "weakest")), Contains("a=SET k 1;SET k 1;"));
}

// The rest of a block was zeros when the block was written.
TEST(Garbage, M29IsNotReadFromABlockThatIsOnDiskUnderWriteback) {
  std::string block;
  while (block.size() < kBlockSize) {
    block += "SET k 1;";
  }
  TraceScript inside({{"a", file_entry("SET k 1;")}});
  inside.append("a", "DEL k 1;");
  EXPECT_THAT(texts(given(inside, "ext4-writeback")), Not(Contains("a=SET k 1;SET k 1;")));
  TraceScript behind({{"a", file_entry(block)}});
  behind.append("a", "DEL k 1;");
  EXPECT_THAT(texts(given(behind, "ext4-writeback")), Contains("a=" + block + "SET k 1;"));
}

// The second write needs the bytes of the first, with which it shares a sector.
TEST(Garbage, M29IsNotReadWhereTheBytesThatTheWriteNeedsAreLost) {
  for (const int appends : {2, 12}) {  // all states, and samples
    TraceScript script;
    script.create("a");
    for (int i = 0; i < appends; ++i) {
      script.append("a", "12");
    }
    for (const Given& state : given(script, "ext4-writeback", {.samples = 200})) {
      EXPECT_TRUE(state.permitted) << state.text;
    }
  }
}

TEST(Garbage, M29NeverReplacesOldBytes) {
  TraceScript script({{"a", file_entry("01234567")}});
  script.write("a", 4, "xxxxyyyy");
  for (const Given& state : given(script, "weakest")) {
    EXPECT_THAT(state.text.substr(0, 6), "a=0123");
    EXPECT_TRUE(state.text.substr(6, 4) == "4567" || state.text.substr(6, 4) == "xxxx" ||
                state.text.substr(6, 4) == "xx67" || state.text.substr(6, 4) == "x567")
        << state.text;
  }
}

// ---- many operations

TraceScript many_appends(int count) {
  TraceScript script({{"a", file_entry("")}});
  for (int i = 0; i < count; ++i) {
    script.append("a", std::string(1, static_cast<char>('a' + i % 26)));
  }
  return script;
}

TEST(ManyOperations, AreSampledBySeed) {
  const TraceScript script = many_appends(20);
  const auto sampled = [&](std::uint64_t seed) {
    std::vector<std::string> all;
    for (const Given& state : given(script, "weakest", {.samples = 64, .seed = seed})) {
      if (state.phase == Phase::kSampled) {
        EXPECT_TRUE(state.permitted) << state.text;
        all.push_back(state.text);
      }
    }
    return all;
  };
  EXPECT_EQ(sampled(1), sampled(1));
  EXPECT_NE(sampled(1), sampled(2));
  EXPECT_LE(sampled(1).size(), 64U);
  EXPECT_GE(sampled(1).size(), 32U);
}

TEST(ManyOperations, AreThinnedOutAndThatIsCounted) {
  StateCount few;
  given(many_appends(16), "weakest", {.samples = 0}, &few);
  EXPECT_EQ(few.passed_over, 0U);
  StateCount many;
  const std::vector<Given> states = given(many_appends(2000), "weakest", {.samples = 0}, &many);
  EXPECT_GT(many.passed_over, 0U);
  EXPECT_LT(states.size(), 20'000U);
  EXPECT_EQ(states[0].phase, Phase::kEverything);
  EXPECT_EQ(states[1].text, "a=");
}

}  // namespace
}  // namespace crashpoint::crash
