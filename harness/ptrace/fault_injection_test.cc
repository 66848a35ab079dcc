// Goal: an error, a short write, a lie or a delay is exactly the one that was asked for. Method: the
// file system says what was done, the program says what it was told.
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
#include "harness/ptrace/supervisor.h"

namespace crashpoint::ptrace {
namespace {

using testing::Contains;
using testing::EndsWith;
using testing::HasSubstr;

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
