#include "harness/crash/points.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "harness/crash/trace_script_for_test.h"

namespace crashpoint::crash {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<trace::Position> positions(const trace::Trace& trace,
                                       const PointOptions& options = {}) {
  std::vector<trace::Position> all;
  for (const CrashPoint& point : crash_points(trace, options)) {
    all.push_back(point.position);
  }
  return all;
}

// Positions: create 1-2, append 3-4, fsync 5-6, reply 7-8.
TraceScript one_command() {
  return TraceScript().create("a").append("a", "1").fsync("a").ack();
}

TEST(CrashPoints, LieDuringAndAfterEveryCallAndAfterEveryReply) {
  EXPECT_THAT(positions(one_command().trace()), ElementsAre(2, 3, 4, 5, 6, 7, 9));
}

TEST(CrashPoints, MayBePersistencePointsOnly) {
  EXPECT_THAT(positions(one_command().trace(), {.persistence_points_only = true}),
              ElementsAre(6, 7));
}

TEST(CrashPoints, AreNotMadeBySyncingAnotherFilesystem) {
  TraceScript script = one_command();
  EXPECT_THAT(positions(script.syncfs_elsewhere().trace()), ElementsAre(2, 3, 4, 5, 6, 7, 9));
}

TEST(CrashPoints, MayBeChosenByNumber) {
  EXPECT_THAT(positions(one_command().trace(), {.first = 1, .last = 2}), ElementsAre(3, 4));
  EXPECT_THAT(positions(one_command().trace(), {.first = 7}), IsEmpty());
}

TEST(CrashPoints, OfACallThatNeverReturnedLieDuringItOnly) {
  TraceScript script = one_command();
  script.append("a", "2").never_returning();
  EXPECT_THAT(positions(script.trace()), ElementsAre(2, 3, 4, 5, 6, 7, 9, 10));
}

// A server may be idle for long after a reply, and the power may fail at the end of it.
TEST(CrashPoints, LastUntilTheNextEventBegins) {
  const TraceScript script = one_command();
  const std::vector<CrashPoint> points = crash_points(script.trace());
  EXPECT_EQ(points[0].at_ns, script.trace().events[0].exit_ns) << "during the first call";
  EXPECT_EQ(points[1].at_ns, script.trace().events[1].enter_ns) << "after it";
  EXPECT_EQ(points.back().at_ns, script.trace().events.back().exit_ns) << "after the last";
}

TEST(CrashPoints, KnowSinceWhenASyncIsRunning) {
  const TraceScript script = one_command();
  const std::vector<CrashPoint> points = crash_points(script.trace());
  const std::int64_t none = CrashPoint{}.sync_began_ns;
  EXPECT_EQ(points[3].sync_began_ns, none) << "after the write";
  EXPECT_EQ(points[4].sync_began_ns, script.trace().events[2].enter_ns) << "during the sync";
  EXPECT_EQ(points[5].sync_began_ns, none) << "after it";
}

TEST(CrashPoints, MayBeTheEndOfTheRunOnly) {
  TraceScript script = one_command();
  EXPECT_THAT(positions(script.trace(), {.only_the_end = true}), ElementsAre(trace::kNever));
  script.append("a", "2").fsync("a").never_returning();
  const CrashPoint end = crash_points(script.trace(), {.only_the_end = true}).front();
  EXPECT_EQ(end.sync_began_ns, script.trace().events.back().enter_ns);
}

TEST(CrashPoints, MayBeThoseOfAChildsLifeOnly) {
  trace::Trace trace = one_command().trace();
  for (trace::Event& event : trace.events) {
    event.pid = 1;
  }
  trace::Event& fork = trace.events[0];
  fork = {};
  fork.enter = 1;
  fork.exit = 2;
  fork.op = trace::Op::kFork;
  fork.pid = 1;
  fork.performed = fork.result = 2;
  trace.events[1].pid = 2;
  trace.events[1].role.purpose = "rewrite";
  trace::Event exit = fork;
  exit.op = trace::Op::kExit;
  exit.pid = 2;
  exit.enter = 6;
  trace.events.push_back(exit);
  EXPECT_THAT(positions(trace, {.while_child = "rewrite"}), ElementsAre(4, 5, 6));
  EXPECT_THAT(positions(trace, {.while_child = "snapshot"}), IsEmpty());
}

}  // namespace
}  // namespace crashpoint::crash
