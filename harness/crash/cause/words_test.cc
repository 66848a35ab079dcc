#include "harness/crash/cause/words.h"

#include <gtest/gtest.h>

#include <string>

#include "harness/crash/states_for_test.h"
#include "harness/crash/trace_script_for_test.h"

namespace crashpoint::crash {
namespace {

// The words for the state in which the nodes at `absent` are lost.
std::string words(const TraceScript& script, const std::string& profile,
                  const std::vector<std::size_t>& absent, std::optional<Tear> tear = {}) {
  CrashModel model(timeline_of(script), *find_profile(profile));
  model.advance(script.now());
  Selection selection = model.everything();
  for (const std::size_t node : absent) {
    selection.choices.at(node) = Choice::kAbsent;
  }
  selection.tear = tear;
  return describe(model, selection);
}

TraceScript replace() {
  return TraceScript({{"f", file_entry("old")}}).create("t").append("t", "new").rename("t", "f");
}

TEST(Words, NameWhatWasLostOrKeptWhicheverIsLess) {
  EXPECT_EQ(words(replace(), "xfs", {}), "every operation applied");
  EXPECT_EQ(words(replace(), "xfs", {1}), "lost: write of 3 bytes at 0 to t");
  EXPECT_EQ(words(replace(), "xfs", {1, 2}), "of 3 un-synced operations kept only: creation of t");
  EXPECT_EQ(words(replace(), "xfs", {0, 1, 2}),
            "nothing kept but what is durable; lost: creation of t; write of 3 bytes at 0 to t; "
            "rename of t to f");
}

TEST(Words, NameThePartOfACallThatWasLost) {
  EXPECT_EQ(words(replace(), "weakest", {2}),
            "lost in part: the bytes at 0 of the write of 3 bytes at 0 to t");
  EXPECT_EQ(words(replace(), "weakest", {4}),
            "lost in part: the removal of entry t of the rename of t to f");
  EXPECT_EQ(words(replace(), "weakest", {0, 2, 3, 4}),
            "lost: creation of t; rename of t to f; lost in part: the bytes at 0 of the write of 3 "
            "bytes at 0 to t");
}

TEST(Words, SayHowAWriteWasTorn) {
  EXPECT_EQ(
      words(replace(), "weakest", {}, Tear{CallIndex(1), 0, 2, Tear::Rest::kZeros}),
      "every operation applied; torn: of write of 3 bytes at 0 to t only bytes 0 to 2 survived, "
      "zeros in place of the others");
}

TEST(Words, CountWritesToOneFileTogether) {
  TraceScript script({{"a", file_entry("")}});
  script.append("a", "1").append("a", "2").append("a", "3").create("b");
  EXPECT_EQ(words(script, "weakest", {0, 1, 2, 3, 4, 5}),
            "of 4 un-synced operations kept only: creation of b");
  EXPECT_EQ(words(script, "weakest", {2, 3, 4, 5}), "lost: 2 calls in a row: write to a");
}

TEST(Words, SayWhatIsInFlight) {
  TraceScript script;
  script.create("a").append("a", "1").never_returning();
  EXPECT_EQ(words(script, "weakest", {1, 2}), "lost: write of 1 byte at 0 to a (in flight)");
  const auto timeline = timeline_of(script);
  EXPECT_EQ(describe_point(*timeline, 0), "before the first change");
  EXPECT_EQ(describe_point(*timeline, script.now()), "during write of 1 byte at 0 to a");
  EXPECT_EQ(describe_point(*timeline, script.trace().events[0].exit + 1), "after creation of a");
}

TEST(Words, NameOperationsTheSameInAnyRun) {
  const Shape entry{.part = CallPart::kEntry,
                    .entry = "dump.rdb",
                    .syscall = "rename",
                    .path = "temp-#.rdb",
                    .path2 = "dump.rdb"};
  Shape removal = entry;
  removal.part = CallPart::kRemoval;
  removal.entry = "temp-#.rdb";
  const Shape made{
      .part = CallPart::kEntry, .entry = {}, .syscall = "mkdir", .path = "d", .path2 = {}};
  EXPECT_EQ(to_string(std::set<Shape>{entry}), "entry dump.rdb: rename temp-#.rdb dump.rdb");
  EXPECT_EQ(to_string(std::set<Shape>{entry, removal}), "rename temp-#.rdb dump.rdb");
  EXPECT_EQ(to_string(std::set<Shape>{entry, removal, made}),
            "mkdir d + rename temp-#.rdb dump.rdb");
  EXPECT_EQ(to_string(std::set<Shape>{}), "nothing lost");
}

}  // namespace
}  // namespace crashpoint::crash
