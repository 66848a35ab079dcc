#include "harness/campaign/volatile_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace crashpoint::campaign {
namespace {

using testing::ElementsAre;

trace::Event event(trace::Op op, trace::FileId file, const char* path, const char* path2 = "") {
  trace::Event event;
  event.op = op;
  event.file = file;
  event.path = trace::Name(path);
  event.path2 = trace::Name(path2);
  event.inside = true;
  return event;
}

std::vector<trace::FileId> files_of(const trace::Trace& trace) {
  std::vector<trace::FileId> files;
  for (const trace::Event& each : trace.events) {
    files.push_back(each.file);
  }
  return files;
}

TEST(VolatileFiles, AreAsIfTheyHadNeverBeen) {
  trace::Trace trace;
  trace.initial["t.db"].file = 1;
  trace.initial["t.db-shm"].file = 2;
  trace.events = {event(trace::Op::kWrite, 1, "t.db"), event(trace::Op::kWrite, 2, "t.db-shm"),
                  event(trace::Op::kOpen, 3, "d/u.db-shm"),
                  event(trace::Op::kUnlink, 3, "d/u.db-shm")};
  trace.unseen = {"t.db-shm is mapped shared and writable: what is written through it is not seen",
                  "t.db is mapped shared and writable: what is written through it is not seen"};
  leave_out_volatile(trace, {"*-shm"});
  EXPECT_THAT(files_of(trace), ElementsAre(1));
  EXPECT_EQ(trace.initial.size(), 1U);
  EXPECT_EQ(trace.unseen.size(), 1U);
}

TEST(VolatileFiles, AreNotThoseThatHaveAnotherNameToo) {
  trace::Trace trace;
  trace.events = {event(trace::Op::kOpen, 1, "new.tmp"), event(trace::Op::kWrite, 1, "new.tmp"),
                  event(trace::Op::kRename, 1, "new.tmp", "conf"),
                  event(trace::Op::kOpen, 2, "x.tmp")};
  leave_out_volatile(trace, {"*.tmp"});
  EXPECT_THAT(files_of(trace), ElementsAre(1, 1, 1));
}

TEST(VolatileFiles, AreLeftOutOfADirectoryAndDirectoriesAreNot) {
  trace::Image image;
  image["a.tmp"] = {};
  image["b.tmp"].kind = trace::ImageEntry::Kind::kDirectory;
  image["b.tmp/c"] = {};
  leave_out_volatile(image, {"*.tmp"});
  EXPECT_EQ(image.size(), 2U);
  EXPECT_FALSE(image.contains("a.tmp"));
}

}  // namespace
}  // namespace crashpoint::campaign
