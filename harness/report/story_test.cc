// The story of a run, from hand-written traces and histories.
#include "harness/report/story.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

namespace crashpoint::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using trace::Event;
using trace::Op;

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kBegan = 5'000 * kMs;
constexpr const char* kLog = "appendonly.aof.1.incr.aof";

// A run that begins at 0 ms; each call adds an event to it.
class Story : public testing::Test {
 protected:
  Story() {
    history_.began_ns = kBegan;
    history_.clients = {{0, "@c0"}, {1, "@c1"}};
  }

  Event& event(std::int64_t at_ms, Op op, const char* syscall, const char* path = kLog) {
    Event event;
    event.enter = trace_.end++;
    event.exit = trace_.end++;
    event.enter_ns = event.exit_ns = kBegan + at_ms * kMs;
    event.op = op;
    event.syscall = syscall;
    event.path = path;
    event.inside = true;
    trace_.events.push_back(event);
    return trace_.events.back();
  }

  void write(std::int64_t at_ms, std::int64_t bytes) {
    Event& call = event(at_ms, Op::kWrite, "write");
    call.result = call.performed = call.length = bytes;
  }

  void ack(std::int64_t at_ms, std::uint32_t client, std::uint64_t index) {
    workload::Operation operation;
    operation.client = client;
    operation.index = index;
    operation.arguments = {"SET", "k", std::to_string(index)};
    operation.reply = target::RespValue{target::RespValue::Kind::kSimple, "OK", 0, {}};
    operation.acked_ns = kBegan + at_ms * kMs;
    history_.operations.push_back(operation);
  }

  // One line per moment: "ms kind: what".
  std::vector<std::string> story(const std::string& crash = "", std::size_t moments_max = 60) {
    constexpr const char* kKinds[] = {"step", "ack", "sync", "fault", "crash", "recovery"};
    std::vector<std::string> lines;
    for (const Moment& moment : tell_story(trace_, history_, faults_, crash, moments_max)) {
      lines.push_back(std::to_string(static_cast<int>(moment.at_ms)) + " " +
                      kKinds[static_cast<int>(moment.kind)] + ": " + moment.what);
    }
    return lines;
  }

  trace::Trace trace_;
  workload::History history_;
  std::vector<FaultResult> faults_;
};

TEST_F(Story, ShowsWhichAcksCameBeforeASyncAndWhichAfter) {
  write(1, 40);
  write(2, 1000);
  ack(3, 0, 0);
  ack(4, 1, 0);
  event(10, Op::kFdatasync, "fdatasync");
  write(11, 30);
  ack(12, 0, 1);
  history_.ended_ns = kBegan + 15 * kMs;
  EXPECT_THAT(
      story("the process tree is killed"),
      ElementsAre("2 step: write(appendonly.aof.1.incr.aof) by main: 2 times, 1,040 bytes",
                  "4 ack: 2 commands acked, the last client 1 #0 SET k 0",
                  "10 sync: fdatasync(appendonly.aof.1.incr.aof) by main",
                  "11 step: write(appendonly.aof.1.incr.aof) by main: 30 bytes",
                  "12 ack: client 0 #1 SET k 1: acked", "15 crash: the process tree is killed"));
}

TEST_F(Story, CallInFlightAtTheCrashIsNotASync) {
  Event& sync = event(10, Op::kFdatasync, "fdatasync");
  sync.exit = trace::kNever;
  sync.exit_ns = 0;
  EXPECT_THAT(story(), ElementsAre("10 step: fdatasync(appendonly.aof.1.incr.aof) by main, in "
                                   "flight when the process died"));
}

TEST_F(Story, FailedSyncIsNotASync) {
  event(10, Op::kFsync, "fsync").result = -EIO;
  EXPECT_THAT(story(), ElementsAre("10 step: fsync(appendonly.aof.1.incr.aof) by main: EIO"));
}

TEST_F(Story, SkippedSyncIsShownAsAFault) {
  faults_ = {{"skip every fdatasync", {true, 1, 1, 0, kBegan + 10 * kMs, "fdatasync(x)", {}}}};
  Event& sync = event(10, Op::kFdatasync, "fdatasync");
  sync.fault = 0;
  sync.not_performed = true;
  EXPECT_THAT(story(),
              ElementsAre("10 fault: fdatasync(appendonly.aof.1.incr.aof) by main: skipped, "
                          "reported as done (fault: skip every fdatasync)"));
}

TEST_F(Story, FaultAtAMomentIsShown) {
  faults_ = {{"kill the tree after 100 acks", {true, 1, 1, 0, kBegan + 7 * kMs, "", {}}},
             {"never fired", {true, 3, 0, trace::kNever, 0, "", {"elsewhere"}}}};
  EXPECT_THAT(story(), ElementsAre("7 fault: kill the tree after 100 acks"));
}

TEST_F(Story, RepeatedFiringsOfAFaultAreOneMoment) {
  faults_ = {{"trigger every pass", {true, 4, 4, 0, kBegan + 1 * kMs, "", {}}}};
  for (const int at : {1, 2, 3, 5}) {
    Event& event = this->event(at, Op::kFailpoint, "failpoint", "planted/bug");
    event.fault = 0;
    event.result = 1;
    event.performed = 0;
    if (at == 3) {
      write(4, 30);
    }
  }
  EXPECT_THAT(story(),
              ElementsAre("1 fault: failpoint planted/bug by main (fault: trigger every pass)",
                          "4 step: write(appendonly.aof.1.incr.aof) by main: 30 bytes",
                          "5 fault: failpoint planted/bug by main (again, 3 times)"));
}

TEST_F(Story, NamesAndProcessesThatChangeAreSteps) {
  event(1, Op::kFork, "clone", "").result = 812;
  Event& rename = event(2, Op::kRename, "rename", "temp.rdb");
  rename.path2 = "dump.rdb";
  rename.role = {trace::RoleKind::kChild, 1, "snapshot"};
  EXPECT_THAT(story(), ElementsAre("1 step: clone() by main: process 812",
                                   "2 step: rename(temp.rdb -> dump.rdb) by child 1 (snapshot)"));
}

TEST_F(Story, CallsOutsideTheDataDirectoryAreOmitted) {
  event(1, Op::kWrite, "write", "/var/log/target.log").inside = false;
  event(-3, Op::kFsync, "fsync");  // before the workload began
  EXPECT_THAT(story(), SizeIs(0));
}

TEST_F(Story, LongRunKeepsItsEndAndItsFaults) {
  faults_ = {{"fail one", {true, 1, 1, 0, kBegan + 2 * kMs, "", {}}}};
  for (int i = 0; i < 1000; ++i) {
    event(i, Op::kFdatasync, "fdatasync").fault = i == 2 ? 0 : -1;
  }
  const std::vector<std::string> lines = story("", 10);
  ASSERT_THAT(lines, SizeIs(12));
  EXPECT_THAT(lines[0], HasSubstr("2 fault: "));
  EXPECT_EQ(lines[1], "990 step: 989 moments before this, omitted");
  EXPECT_THAT(lines[2], HasSubstr("990 sync: "));
  EXPECT_THAT(lines[11], HasSubstr("999 sync: "));
}

}  // namespace
}  // namespace crashpoint::report
