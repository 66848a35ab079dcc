// Goal: a fault strikes exactly where it was asked to, and does exactly that. Method: the file
// system says what was done, the program says what it was told.
#include "harness/ptrace/supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "harness/base/error.h"
#include "harness/fault/libfiu.h"
#include "harness/ptrace/append_for_test.h"
#include "harness/ptrace/run_for_test.h"

namespace crashpoint::ptrace {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::Gt;
using testing::HasSubstr;
using testing::Lt;
using testing::StartsWith;

// --- Kills: for every occurrence and phase, the bytes and names on disk are those it implies.

TEST(Kill, BeforeAWriteLeavesNothingOfIt) {
  for (std::uint64_t n = 1; n <= kLines; ++n) {
    const TestFolder folder;
    const auto run = folder.run(kAppend, {fault_at(place("write", "log", n), fault::Kill{})});
    EXPECT_TRUE(was_killed(run));
    EXPECT_EQ(folder.file("log"), lines(n - 1));
    EXPECT_EQ(folder.output(), n == 1 ? "" : said(n - 1));
    EXPECT_EQ(struck(run).exit, trace::kNever);
  }
}

TEST(Kill, AfterAWriteLeavesAllOfIt) {
  for (std::uint64_t n = 1; n <= kLines; ++n) {
    const TestFolder folder;
    const auto run = folder.run(
        kAppend, {fault_at(place("write", "log", n, fault::Phase::kAfter), fault::Kill{})});
    EXPECT_TRUE(was_killed(run));
    EXPECT_EQ(folder.file("log"), lines(n));
    EXPECT_EQ(folder.output(), n == 1 ? "" : said(n - 1));
    EXPECT_NE(struck(run).exit, trace::kNever);
  }
}

TEST(Kill, DuringAWriteLeavesAllOrNothingOfASmallOne) {
  for (std::uint64_t n = 1; n <= kLines; ++n) {
    const TestFolder folder;
    const auto run = folder.run(
        kAppend, {fault_at(place("write", "log", n, fault::Phase::kDuring), fault::Kill{})});
    EXPECT_TRUE(was_killed(run));
    EXPECT_THAT(folder.file("log"), AnyOf(lines(n - 1), lines(n)));
    EXPECT_EQ(folder.output(), n == 1 ? "" : said(n - 1));
  }
}

TEST(Kill, AtASyncLeavesTheWritesBeforeItInEveryPhase) {
  for (const fault::Phase phase :
       {fault::Phase::kBefore, fault::Phase::kDuring, fault::Phase::kAfter}) {
    for (std::uint64_t n = 1; n <= kLines; ++n) {
      const TestFolder folder;
      const auto run =
          folder.run(kAppend, {fault_at(place("fdatasync", "log", n, phase), fault::Kill{})});
      EXPECT_TRUE(was_killed(run));
      EXPECT_EQ(folder.file("log"), lines(n));
      EXPECT_EQ(folder.output(), n == 1 ? "" : said(n - 1));
    }
  }
}

TEST(Kill, AtARenameLeavesTheNameThePhaseImplies) {
  const auto names_after = [](fault::Phase phase) {
    const TestFolder folder;
    const auto run =
        folder.run(kAppend, {fault_at(place("rename", "*.done", 1, phase), fault::Kill{})});
    EXPECT_TRUE(was_killed(run));
    return on_disk(folder.data());
  };
  const Content before = {{"log", lines(kLines)}};
  const Content after = {{"log.done", lines(kLines)}};
  EXPECT_EQ(names_after(fault::Phase::kBefore), before);
  EXPECT_EQ(names_after(fault::Phase::kAfter), after);
  EXPECT_THAT(names_after(fault::Phase::kDuring), AnyOf(before, after));
}

TEST(Kill, TornWriteLeavesSoManyBytesOfIt) {
  for (const std::uint64_t bytes : {0U, 1U, 6U, 7U, 100U}) {
    const TestFolder folder;
    const auto run =
        folder.run(kAppend, {fault_at(place("write", "log", 2), fault::TornWrite{bytes})});
    EXPECT_TRUE(was_killed(run));
    EXPECT_EQ(folder.file("log"), lines(1) + std::string("line 2\n").substr(0, bytes));
    EXPECT_EQ(struck(run).performed, static_cast<std::int64_t>(std::min<std::uint64_t>(bytes, 7)));
    EXPECT_EQ(replayed(run.trace), on_disk(folder.data()));
  }
}

TEST(Kill, TornVectorWriteIsCutAcrossItsPieces) {
  for (const std::uint64_t bytes : {0U, 3U, 4U, 5U, 7U}) {
    const TestFolder folder;
    const auto run =
        folder.run({"every_syscall"}, {fault_at(place("writev", "data"), fault::TornWrite{bytes})});
    EXPECT_TRUE(was_killed(run));
    EXPECT_THAT(replayed(run.trace), on_disk(folder.data()));
    EXPECT_EQ(run.trace.data(struck(run)), std::string("one two").substr(0, bytes));
  }
}

TEST(Kill, OfTheTreeTakesEveryProcess) {
  const TestFolder folder;
  const auto run = folder.run({"forks"}, {fault_at(place("fsync", "temp-*.rdb"), fault::Kill{})});
  EXPECT_TRUE(was_killed(run));
  EXPECT_EQ(folder.file("log"), "parent\n");
}

TEST(Kill, OfOneProcessLeavesTheOthers) {
  const TestFolder folder;
  const auto run =
      folder.run({"forks"}, {fault_at(place("rename", "temp-*.rdb"), fault::Kill{.tree = false})});
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(folder.file("log"), "parent\nchild died\nexec\nend\n");
  EXPECT_EQ(folder.file("temp-1.rdb"), "snapshot\n");
  EXPECT_EQ(folder.file("dump.rdb"), "(none)");
}

TEST(Kill, RightAfterAForkFindsTheChildNew) {
  const TestFolder folder;
  fault::Place fork = place("fork", {}, 1, fault::Phase::kAfter);
  fork.role = "main";
  const auto run = folder.run({"forks"}, {fault_at(fork, fault::Kill{})});
  EXPECT_TRUE(was_killed(run));
  EXPECT_EQ(on_disk(folder.data()), (Content{{"log", "parent\n"}}));
  EXPECT_GT(struck(run).result, 0) << "the fork itself has happened";
}

TEST(Kill, BeforeAProcessExits) {
  const TestFolder folder;
  fault::Place exit = place("exit");
  exit.role = "snapshot";
  const auto run = folder.run({"forks"}, {fault_at(exit, fault::Kill{.tree = false})});
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(folder.file("log"), "parent\nchild\ngrandchild\nchild died\nexec\nend\n");
}

TEST(Kill, WithAnotherSignalIsDeliveredAndTheCallGoesOn) {
  const TestFolder folder;
  const auto run = folder.run(
      kAppend, {fault_at(place("write", "log", 3), fault::Kill{.tree = false, .signal = SIGTERM})});
  EXPECT_EQ(WTERMSIG(run.status), SIGTERM);
  EXPECT_EQ(folder.file("log"), lines(3));
}

// --- Places.

struct RoleCase {
  const char* role;
  const char* struck_by;
};
void PrintTo(const RoleCase& role_case, std::ostream* out) {
  *out << role_case.role;
}

class RoleOfAPlace : public testing::TestWithParam<RoleCase> {};

TEST_P(RoleOfAPlace, IsTheOnlyOneStruck) {
  const TestFolder folder;
  fault::Place write = place("write", "log");
  write.role = GetParam().role;
  const auto run = folder.run({"forks"}, {fault_at(write, fault::Delay{0, 0})});
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.faults.at(0).where, EndsWith(GetParam().struck_by));
}

INSTANTIATE_TEST_SUITE_P(Roles, RoleOfAPlace,
                         testing::Values(RoleCase{"main", "by main, 1st"},
                                         RoleCase{"child", "by child 1 (snapshot), 1st"},
                                         RoleCase{"snapshot", "by child 1 (snapshot), 1st"},
                                         RoleCase{"child:2", "by child 2, 1st"},
                                         RoleCase{"", "by main, 1st"}),
                         [](const auto& test) { return "Number" + std::to_string(test.index); });

// The kernel makes the call anew: the program sees one.
TEST(Place, AForkThatASignalInterruptsIsOneFork) {
  const TestFolder folder;
  const auto run =
      folder.run({"forks", "alarm"}, {fault_at(place("fork"), fault::Delay{100, 100})});
  EXPECT_EQ(run.status, 0) << folder.output();
  EXPECT_EQ(run.faults.at(0).passed, 1U);
  std::vector<std::int64_t> results;
  for (const trace::Event& event : run.trace.events) {
    if (event.op == trace::Op::kFork) {
      results.push_back(event.result);
    }
  }
  EXPECT_THAT(results, testing::ElementsAre(testing::Gt(0)));
}

TEST(Place, OfThreadsIsToldApartFromMain) {
  const TestFolder folder;
  fault::Place by_main = place("write", "log");
  by_main.role = "main";
  fault::Place by_thread = place("write", "log");
  by_thread.role = "thread:3";
  by_thread.nth = {1, 1000, 1};
  const auto run = folder.run({"threads"}, {fault_at(by_main, fault::Delay{0, 0}),
                                            fault_at(by_thread, fault::Delay{0, 0})});
  EXPECT_EQ(run.faults.at(0).passed, 0U);
  EXPECT_EQ(run.faults.at(1).fired, 50U);
}

TEST(Place, CountsOverTheTreeByProcessOrByPath) {
  const auto fired = [](fault::CountPer per) {
    const TestFolder folder;
    fault::Place write = place("write", "*", 2);
    write.count_per = per;
    const auto run = folder.run({"forks"}, {fault_at(write, fault::Delay{0, 0})});
    return run.faults.at(0).fired;
  };
  EXPECT_EQ(fired(fault::CountPer::kTree), 1U);
  EXPECT_EQ(fired(fault::CountPer::kProcess), 2U);  // main and the child write twice or more
  EXPECT_EQ(fired(fault::CountPer::kPath), 1U);     // only the log is written to twice
}

TEST(Place, CanBeEveryNthInARange) {
  const TestFolder folder;
  fault::Place write = place("write", "log");
  write.nth = {2, 7, 3};
  const auto run = folder.run({"append", "log", "10"}, {fault_at(write, fault::Delay{0, 0})});
  EXPECT_EQ(run.faults.at(0).passed, 10U);
  EXPECT_EQ(run.faults.at(0).fired, 2U);  // the 2nd and the 5th
}

TEST(Place, CanBeTheWriteThatCrossesAByte) {
  const TestFolder folder;
  fault::Place write = place("write", "log");
  write.at_offset = 15;  // line 3 holds bytes 14 to 20
  const auto run = folder.run(kAppend, {fault_at(write, fault::Kill{})});
  EXPECT_TRUE(was_killed(run));
  EXPECT_EQ(folder.file("log"), lines(2));
}

TEST(Place, CanBeWhileAChildOfAPurposeLives) {
  const TestFolder folder;
  fault::Place write = place("write", "log");
  write.while_child = "snapshot";
  const auto run = folder.run({"forks"}, {fault_at(write, fault::Kill{.tree = false})});
  EXPECT_EQ(run.faults.at(0).fired, 1U);
  EXPECT_THAT(run.faults.at(0).where, HasSubstr("by child 1 (snapshot)"));
}

TEST(Place, ProbabilityIsDrawnFromTheSeed) {
  const auto struck_by = [](std::uint64_t seed) {
    const TestFolder folder;
    fault::Place write = place("write", "log");
    write.nth = {1, 1000, 1};
    write.probability = 0.5;
    TracerOptions options = folder.options({fault_at(write, fault::Delay{0, 0})});
    options.seed = seed;
    const auto run = Tracer(folder.spec({"append", "log", "64"}), options).finish();
    std::vector<bool> struck;
    for (const trace::Event& event : run.trace.events) {
      if (event.op == trace::Op::kWrite) {
        struck.push_back(event.fault == 0);
      }
    }
    return struck;
  };
  const std::vector<bool> drawn = struck_by(1);
  EXPECT_EQ(drawn, struck_by(1));
  EXPECT_NE(drawn, struck_by(2));
  EXPECT_THAT(std::count(drawn.begin(), drawn.end(), true), AllOf(Gt(16), Lt(48)));
}

TEST(Moment, MayWaitForAChildOfAPurpose) {
  const auto run_while = [](const std::string& child, const TestFolder& folder) {
    fault::Fault fault;
    fault.at = fault::AfterAcked{0, child};
    fault.action = fault::Kill{};
    return folder.run({"forks"}, {fault});
  };
  const TestFolder struck;
  EXPECT_TRUE(was_killed(run_while("snapshot", struck)));
  EXPECT_EQ(on_disk(struck.data()), (Content{{"log", "parent\n"}, {"temp-1.rdb", ""}}));
  const TestFolder missed;
  const auto run = run_while("rewrite", missed);
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.faults.at(0).fired, 0U);
}

TEST(Place, ThatWasNeverPassedNamesTheNearest) {
  const TestFolder folder;
  const auto run = folder.run(kAppend, {fault_at(place("fdatasync", "log", 9), fault::Kill{}),
                                        fault_at(place("fsync", "log"), fault::Kill{})});
  EXPECT_EQ(run.faults.at(0).passed, kLines);
  EXPECT_EQ(run.faults.at(0).fired, 0U);
  EXPECT_THAT(run.faults.at(0).nearest.at(0), "fdatasync(log) by main happened 4 times");
  EXPECT_EQ(run.faults.at(1).passed, 0U);
  EXPECT_THAT(run.faults.at(1).nearest, Contains(HasSubstr("(log) by main happened")));
}

TEST(Place, OfAFailpointIsAnsweredByTheTracer) {
  const auto answer = [](const fault::FaultAction& action) {
    const TestFolder folder;
    fault::Place place;
    place.failpoint = "test/second";
    const auto run = folder.run({"failpoints"}, {fault_at(place, action)});
    EXPECT_EQ(run.faults.at(0).fired, 1U);
    EXPECT_THAT(run.faults.at(0).where, StartsWith("failpoint test/second by main"));
    return WIFEXITED(run.status) ? folder.output() : "killed\n";
  };
  EXPECT_EQ(answer(fault::InjectError{ENOSPC}), "test/first 0\ntest/second 28\ntest/second 0\n");
  EXPECT_EQ(answer(fault::Trigger{}), "test/first 0\ntest/second 1\ntest/second 0\n");
  EXPECT_EQ(answer(fault::Delay{1, 1}), "test/first 0\ntest/second 0\ntest/second 0\n");
  EXPECT_EQ(answer(fault::Kill{}), "killed\n");
}

TEST(Place, FailpointsAreRecorded) {
  const TestFolder folder;
  const auto run = folder.run({"failpoints"});
  EXPECT_THAT(told(run.trace),
              ElementsAre("failpoint|test/first||0|0|0|", "failpoint|test/second||0|0|0|",
                          "failpoint|test/second||0|0|0|"));
}

}  // namespace
}  // namespace crashpoint::ptrace
