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

// What testdata/append has written after `count` lines.
std::string lines(std::uint64_t count) {
  std::string text;
  for (std::uint64_t i = 1; i <= count; ++i) {
    text += "line " + std::to_string(i) + "\n";
  }
  return text;
}

// And what it has said of them.
std::string said(std::uint64_t count) {
  std::string text;
  for (std::uint64_t i = 1; i <= count; ++i) {
    text += std::to_string(i) + "\n";
  }
  return text;
}

constexpr std::uint64_t kLines = 4;
const std::vector<std::string> kAppend = {"append", "log", std::to_string(kLines)};

const trace::Event& struck(const Run& run) {
  for (const trace::Event& event : run.trace.events) {
    if (event.fault == 0) {
      return event;
    }
  }
  throw EnvironmentError("no event was struck");
}

bool was_killed(const Run& run) {
  return WIFSIGNALED(run.status) && WTERMSIG(run.status) == SIGKILL;
}

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
  const auto answer = [](fault::FaultAction action) {
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

// --- Errors, short writes, lies, delays.

TEST(InjectedError, KeepsTheKernelFromDoingIt) {
  const TestFolder folder;
  const auto run =
      folder.run(kAppend, {fault_at(place("write", "log", 3), fault::InjectError{ENOSPC})});
  EXPECT_EQ(folder.output(), said(2) + "write: ENOSPC\n");
  EXPECT_EQ(folder.file("log"), lines(2));
  EXPECT_TRUE(struck(run).not_performed);
  EXPECT_EQ(struck(run).result, -ENOSPC);
  EXPECT_EQ(struck(run).data.size, 0U);
  EXPECT_EQ(replayed(run.trace), on_disk(folder.data()));
}

TEST(InjectedError, AfterTheCallLeavesItDoneAndDenied) {
  const TestFolder folder;
  const auto run = folder.run(
      kAppend, {fault_at(place("write", "log", 3, fault::Phase::kAfter), fault::InjectError{EIO})});
  EXPECT_EQ(folder.output(), said(2) + "write: EIO\n");
  EXPECT_EQ(folder.file("log"), lines(3));
  EXPECT_EQ(struck(run).result, -EIO);
  EXPECT_EQ(struck(run).performed, 7);
}

struct ErrorCase {
  const char* name;
  std::string syscall;
  int error;
  std::string told;
};
void PrintTo(const ErrorCase& error_case, std::ostream* out) {
  *out << error_case.name;
}

class ErrorOfASyscall : public testing::TestWithParam<ErrorCase> {};

TEST_P(ErrorOfASyscall, ReachesTheProgram) {
  const TestFolder folder;
  const auto run = folder.run(
      kAppend, {fault_at(place(GetParam().syscall, {}), fault::InjectError{GetParam().error})});
  EXPECT_THAT(folder.output(), EndsWith(GetParam().told + "\n"));
}

INSTANTIATE_TEST_SUITE_P(Syscalls, ErrorOfASyscall,
                         testing::Values(ErrorCase{"Open", "open", EMFILE, "open: EMFILE"},
                                         ErrorCase{"Write", "write", EDQUOT, "write: EDQUOT"},
                                         ErrorCase{"Sync", "fdatasync", EIO, "fdatasync: EIO"},
                                         ErrorCase{"Rename", "rename", EXDEV, "rename: EXDEV"}),
                         [](const auto& test) { return test.param.name; });

TEST(InjectedError, MakesAForkFail) {
  for (const auto& [error, word] :
       {std::pair(ENOMEM, "no memory\n"), std::pair(EAGAIN, "try again\n")}) {
    const TestFolder folder;
    const auto run = folder.run({"forks"}, {fault_at(place("fork"), fault::InjectError{error})});
    EXPECT_EQ(WEXITSTATUS(run.status), 3);
    EXPECT_EQ(folder.file("log"), std::string("parent\n") + word);
  }
}

TEST(InjectedError, OfACloseClosesAllTheSame) {
  const TestFolder folder;
  const auto run =
      folder.run({"forks"}, {fault_at(place("close", "temp-1.rdb"), fault::InjectError{EIO})});
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(struck(run).result, -EIO);
  EXPECT_EQ(struck(run).performed, 0);
}

TEST(InjectedError, MayStrikeSeveralTimes) {
  const TestFolder folder;
  fault::Place write = place("write", "log");
  write.nth = {1, 3, 1};
  const auto run = folder.run(
      {"sh", "-c",
       "for i in 1 2 3 4 5; do " CRASHPOINT_TEST_PROGRAMS "/append log 1; rm -f log.done; done"},
      {fault_at(write, fault::InjectError{EIO})});
  EXPECT_EQ(folder.output(), "write: EIO\nwrite: EIO\nwrite: EIO\n1\n1\n");
  EXPECT_EQ(run.faults.at(0).fired, 3U);
}

TEST(ShortWrite, WritesAndReportsSoManyBytes) {
  const TestFolder folder;
  const auto run = folder.run(kAppend, {fault_at(place("write", "log", 2), fault::ShortWrite{4})});
  EXPECT_EQ(folder.output(), said(1) + "short write: 4 of 7\n");
  EXPECT_EQ(folder.file("log"), lines(1) + "line");
  EXPECT_EQ(struck(run).length, 7);
  EXPECT_EQ(struck(run).result, 4);
  EXPECT_EQ(replayed(run.trace), on_disk(folder.data()));
}

TEST(ShortWrite, PutsTheProgramsMemoryAndRegistersBack) {
  // The program makes every call again right after a short one with the same arguments and pieces.
  const TestFolder folder;
  std::vector<fault::Fault> faults = {fault_at(place("sync"), fault::Skip{})};
  for (const char* syscall : {"writev", "pwritev", "pwritev2"}) {
    faults.push_back(fault_at(place(syscall, "data"), fault::ShortWrite{5}));
  }
  const auto run = folder.run({"every_syscall"}, faults);
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(replayed(run.trace), on_disk(folder.data()));
  EXPECT_THAT(told(run.trace), Contains("writev|data||12|7|5|one t"));
  EXPECT_THAT(told(run.trace), Contains("sendmsg|||0|7|7|one two")) << "a patched piece stayed so";
}

TEST(Skip, IsReportedAsDone) {
  const TestFolder folder;
  const auto run = folder.run(kAppend, {fault_at(place("write", "log", 2), fault::Skip{})});
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(folder.output(), said(kLines));
  EXPECT_EQ(folder.file("log.done"), "line 1\nline 3\nline 4\n");
  EXPECT_TRUE(struck(run).not_performed);
  EXPECT_EQ(struck(run).result, 7);
  EXPECT_EQ(replayed(run.trace), on_disk(folder.data()));
}

TEST(Skip, OfASyncIsALyingDisk) {
  const TestFolder folder;
  const auto run = folder.run(kAppend, {fault_at(place("fdatasync", "log", 2), fault::Skip{})});
  EXPECT_EQ(run.status, 0);
  EXPECT_TRUE(struck(run).not_performed);
  EXPECT_EQ(struck(run).result, 0);
}

TEST(Delay, HoldsTheCallSoLong) {
  for (const fault::Phase phase : {fault::Phase::kBefore, fault::Phase::kAfter}) {
    const TestFolder folder;
    const auto run =
        folder.run(kAppend, {fault_at(place("fdatasync", "log", 2, phase), fault::Delay{30, 40})});
    EXPECT_EQ(run.status, 0);
    EXPECT_EQ(folder.output(), said(kLines));
    std::vector<std::int64_t> writes_ns;
    for (const trace::Event& event : run.trace.events) {
      if (event.op == trace::Op::kWrite) {
        writes_ns.push_back(event.enter_ns);
      }
    }
    ASSERT_EQ(writes_ns.size(), kLines);
    EXPECT_GE(writes_ns[2] - writes_ns[1], 30'000'000);
  }
}

TEST(Delay, OfOneThreadLetsTheOthersRun) {
  const TestFolder folder;
  fault::Place slow = place("write", "log");
  slow.role = "thread:1";
  const auto run = folder.run({"threads"}, {fault_at(slow, fault::Delay{50, 50})});
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(replayed(run.trace), on_disk(folder.data()));
}

TEST(Faults, OfSeveralKindsStrikeInOneRun) {
  const TestFolder folder;
  const auto run = folder.run(kAppend, {fault_at(place("fdatasync", "log", 1), fault::Skip{}),
                                        fault_at(place("write", "log", 2), fault::Delay{1, 1}),
                                        fault_at(place("write", "log", 2), fault::ShortWrite{3}),
                                        fault_at(place("exit"), fault::Kill{})});
  EXPECT_TRUE(was_killed(run));
  EXPECT_EQ(folder.file("log"), "line 1\nlin");
  for (const fault::FaultReport& report : run.faults) {
    EXPECT_EQ(report.fired, 1U) << report.where;
  }
}

// --- Disk budget.

fault::Fault budget(std::uint64_t bytes) {
  fault::Fault fault;
  fault.action = fault::DiskBudget{bytes};
  return fault;
}

TEST(DiskBudget, GivesPartOfTheWriteThatCrossesItThenNothing) {
  const TestFolder folder;
  const auto run =
      folder.run({"sh", "-c", "dd if=/dev/zero of=big bs=100 count=30"}, {budget(1050)});
  EXPECT_EQ(std::filesystem::file_size(folder.data() / "big"), 1050U);
  EXPECT_THAT(folder.output(), HasSubstr("No space left on device"));
  EXPECT_GE(run.faults.at(0).fired, 2U);
}

TEST(DiskBudget, CountsWhatIsThereAndRecoversWhenFilesAreRemoved) {
  const TestFolder folder;
  std::ofstream(folder.data() / "old") << std::string(1000, 'x');
  const auto run = folder.run({"sh", "-c",
                               CRASHPOINT_TEST_PROGRAMS
                               "/append a 1; rm -f a old; " CRASHPOINT_TEST_PROGRAMS "/append b 1"},
                              {budget(1000)});
  EXPECT_EQ(folder.output(), "write: ENOSPC\n1\n");
  EXPECT_EQ(on_disk(folder.data()), (Content{{"b.done", "line 1\n"}}));
}

TEST(DiskBudget, LeavesOverwritesAlone) {
  const TestFolder folder;
  std::ofstream(folder.data() / "full") << std::string(1000, 'x');
  const auto run = folder.run(
      {"dd", "if=/dev/zero", "of=full", "bs=500", "count=2", "conv=notrunc"}, {budget(1000)});
  EXPECT_EQ(run.status, 0) << folder.output();
  EXPECT_EQ(folder.file("full"), std::string(1000, '\0'));
}

TEST(DiskBudget, RefusesACloneThatCannotBeCut) {
  const TestFolder folder;
  // What the program has written when it clones a file of 104 bytes: 224 bytes.
  const auto run =
      folder.run({"every_syscall"}, {fault_at(place("sync"), fault::Skip{}), budget(230)});
  const trace::Event& clone =
      *std::find_if(run.trace.events.begin(), run.trace.events.end(),
                    [](const trace::Event& event) { return event.syscall == "ioctl"; });
  EXPECT_TRUE(clone.not_performed);
  EXPECT_EQ(clone.result, -ENOSPC);
}

// --- libfiu.

fault::Fault libfiu(const std::string& name, int error) {
  fault::Fault fault;
  fault.text = name;
  fault.action = fault::Libfiu{.name = name, .probability = 1.0, .error = error};
  return fault;
}

TEST(LibfiuFault, ReachesAForeignProgramsLibc) {
  const TestFolder folder;
  const auto run = folder.run(kAppend, {libfiu("posix/io/sync/fdatasync", EDQUOT)});
  EXPECT_EQ(folder.output(), "fdatasync: EDQUOT\n");
  EXPECT_EQ(run.faults.at(0).passed, 1U);
  EXPECT_EQ(run.faults.at(0).fired, 1U);
  EXPECT_EQ(run.faults.at(0).where, "failpoint posix/io/sync/fdatasync by main, 1st");
}

TEST(LibfiuFault, IsDrawnFromTheSeedAndCounted) {
  const auto passed_until_it_fired = [](std::uint64_t seed) {
    const TestFolder folder;
    fault::Fault fault = libfiu("posix/io/rw/*", 0);
    std::get<fault::Libfiu>(fault.action).probability = 0.1;
    TracerOptions options = folder.options({fault});
    options.seed = seed;
    const auto run = Tracer(folder.spec({"append", "log", "200"}), options).finish();
    EXPECT_EQ(run.faults.at(0).fired, 1U);
    EXPECT_THAT(folder.output(), EndsWith("write: EIO\n"));
    EXPECT_EQ(folder.file("log"), lines(run.faults.at(0).passed - 1));
    return run.faults.at(0).passed;
  };
  const std::uint64_t passed = passed_until_it_fired(1);
  EXPECT_EQ(passed, passed_until_it_fired(1));
  EXPECT_NE(passed, passed_until_it_fired(2));
}

TEST(LibfiuFault, ThatIsNeverPassedNeverFired) {
  const TestFolder folder;
  const auto run = folder.run(kAppend, {libfiu("posix/io/net/send", EPIPE)});
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.faults.at(0).passed + run.faults.at(0).fired, 0U);
}

TEST(LibfiuFault, HasThePointsOfTheInstalledPreload) {
  const std::string preload = read_whole("/usr/lib/fiu/fiu_posix_preload.so");
  const std::vector<std::string> points = fault::libfiu_points("*");
  EXPECT_GE(points.size(), 100U);
  for (const std::string& point : points) {
    EXPECT_NE(preload.find('\0' + point + '\0'), std::string::npos) << point;
  }
  EXPECT_THAT(fault::libfiu_name_problem("posix/io/rw/wirte"), HasSubstr("posix/io/rw/write"));
  EXPECT_THAT(fault::libfiu_name_problem("posix/nothing/like/it"), HasSubstr("posix/io/net/*"));
}

TEST(LibfiuFault, CannotReachAStaticProgramAndSaysSo) {
  const TestFolder folder;
  EXPECT_THROW((void)folder.run({"every_syscall"}, {libfiu("posix/io/rw/write", EIO)}), UsageError);
}

}  // namespace
}  // namespace crashpoint::ptrace
