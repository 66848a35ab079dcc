// Goal: a traced program behaves as without us, and whatever ends the run, nothing of it is left.
#include "harness/ptrace/tracer.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "harness/base/error.h"
#include "harness/ptrace/run_for_test.h"

namespace crashpoint::ptrace {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

// Children of this process, zombies included, whichever thread is their parent.
std::string our_children() {
  std::string children;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    children += read_whole(task.path() / "children");
  }
  return children;
}

std::size_t our_descriptors() {
  const std::filesystem::directory_iterator open("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(open), end(open)));
}

// Until `done` says so; false if it has not within a time no healthy run needs.
template <typename Condition>
bool eventually(const Condition& done) {
  const auto deadline = std::chrono::steady_clock::now() + seconds(20);
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::yield();
  }
  return true;
}

// A fault that kills the tree at the n-th call of `syscall`.
fault::Fault kill_at(const std::string& syscall, std::uint64_t nth) {
  return fault_at(place(syscall, {}, nth), fault::Kill{});
}

TEST(Tracer, PassesTheExitStatusOn) {
  const TestFolder folder;
  EXPECT_EQ(WEXITSTATUS(folder.run({"sh", "-c", "exit 7"}).status), 7);
  EXPECT_EQ(WTERMSIG(folder.run({"signals", "die"}).status), SIGTERM);
}

TEST(Tracer, SignalsReachTheProgramAndInterruptItsCalls) {
  const TestFolder folder;
  EXPECT_EQ(folder.run({"signals"}).status, 0);
  EXPECT_EQ(folder.output(), "101 handled, sleep interrupted\n");
}

TEST(Tracer, StoppingAndContinuingWorkAsWithoutIt) {
  const TestFolder folder;
  EXPECT_EQ(folder.run({"signals", "stop"}).status, 0);
  EXPECT_EQ(folder.output(), "stopped\ncontinued\nexited with 4\n");
}

TEST(Tracer, ProgramsWithSanitizersRun) {
  const TestFolder folder;
  EXPECT_EQ(folder.run({"sanitized"}).status, 0) << folder.output();
}

TEST(Tracer, GivesTheProgramItsArgumentsEnvironmentAndDirectory) {
  const TestFolder folder;
  target::ProcessSpec spec =
      folder.spec({"sh", "-c", "echo $0 $GREETING $CRASHPOINT_FAILPOINTS; pwd", "name"});
  spec.environment["GREETING"] = "hello";
  EXPECT_EQ(Tracer(spec, folder.options()).finish().status, 0);
  EXPECT_EQ(folder.output(),
            "name hello traced\n" + std::filesystem::canonical(folder.data()).string() + "\n");
}

TEST(Tracer, TheProgramInheritsOnlyItsStreams) {
  const TestFolder folder;
  const int leak = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC
  EXPECT_EQ(folder.run({"sh", "-c", "ls /proc/$$/fd"}).status, 0);
  ::close(leak);
  EXPECT_EQ(folder.output(), "0\n1\n2\n");
}

TEST(Tracer, SaysWhyAProgramCannotBeStarted) {
  const TestFolder folder;
  const auto why = [&](const std::string& program) -> std::string {
    try {
      return folder.run({program}).status == 0 ? "it ran" : "it failed";
    } catch (const UsageError& error) {
      return error.what();
    }
  };
  EXPECT_THAT(why("no-such-program"), HasSubstr("not found on PATH"));
  EXPECT_THAT(why("/no/such/program"), HasSubstr("no executable file there"));
  const std::string text = folder.path() / "text";
  std::ofstream(text) << "not a program";
  std::filesystem::permissions(text, std::filesystem::perms::owner_all);
  EXPECT_THAT(why(text), HasSubstr("Exec format error"));
  EXPECT_EQ(our_children(), "");
}

TEST(Tracer, RefusesAFaultThatMakesNoSense) {
  const TestFolder folder;
  EXPECT_THROW(folder.run({"true"}, {kill_at("fsinc", 1)}), UsageError);
}

TEST(Tracer, LeavesNoChildNoZombieAndNoDescriptorAfterManyKills) {
  const TestFolder folder;
  (void)folder.run({"append"}, {kill_at("write", 1)});  // what is made once is made now
  const std::size_t descriptors = our_descriptors();
  for (std::uint64_t i = 0; i < 50; ++i) {
    const auto run = folder.run({"append", "log", "3"}, {kill_at("fdatasync", 1 + i % 3)});
    ASSERT_EQ(WTERMSIG(run.status), SIGKILL);
    std::filesystem::remove(folder.data() / "log");
  }
  EXPECT_EQ(our_children(), "");
  EXPECT_EQ(our_descriptors(), descriptors);
}

TEST(Tracer, ReapsWhatTheProgramLeavesUnreaped) {
  const TestFolder folder;
  Tracer tracer(folder.spec({"forks", "zombie"}), folder.options());
  ASSERT_TRUE(eventually([&] { return folder.file("log") == "parent\n"; }));
  tracer.kill_tree();
  EXPECT_EQ(WTERMSIG(tracer.finish().status), SIGKILL);
  EXPECT_EQ(our_children(), "");
}

TEST(Tracer, KillsWhatTheProgramLeavesBehind) {
  const TestFolder folder;
  for (const bool record : {true, false}) {
    TracerOptions options = folder.options();
    options.record = record;
    Tracer tracer(folder.spec({"forks", "orphan"}), options);
    ASSERT_TRUE(tracer.wait_for_main(seconds(20)));
    EXPECT_EQ(tracer.main_status(), 0);
    EXPECT_FALSE(tracer.wait_for_end(std::chrono::milliseconds(0))) << "the orphan should live";
    tracer.kill_tree();
    EXPECT_TRUE(tracer.wait_for_end(seconds(20)));
  }
  EXPECT_EQ(our_children(), "");
}

TEST(Tracer, AChildThatAskedNotToBeTracedIsOfTheTree) {
  const TestFolder folder;
  for (const bool record : {true, false}) {
    TracerOptions options = folder.options();
    options.record = record;
    Tracer tracer(folder.spec({"hides", "leave", "file"}), options);
    ASSERT_TRUE(tracer.wait_for_main(seconds(20)));
    EXPECT_EQ(tracer.main_status(), 0);
    EXPECT_FALSE(tracer.wait_for_end(std::chrono::milliseconds(0))) << "the child should live";
    tracer.kill_tree();
    EXPECT_TRUE(tracer.wait_for_end(seconds(20)));
  }
  EXPECT_EQ(our_children(), "");
}

TEST(Tracer, TheTreeDiesWithTheTracer) {
  const TestFolder folder;
  { const Tracer tracer(folder.spec({"sleep", "1000"}), folder.options()); }
  EXPECT_EQ(our_children(), "");
}

// The harness itself is killed with SIGKILL: no handler of ours can run.
void expect_nothing_survives_the_harness(bool record) {
  const TestFolder folder;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t harness = ::fork();
  if (harness == 0) {
    TracerOptions options = folder.options();
    options.record = record;
    Tracer tracer(folder.spec({"sh", "-c", "sleep 1000 & echo $! > child; wait"}), options);
    const pid_t pid = tracer.pid();
    (void)!::write(ends[1], &pid, sizeof pid);
    ::pause();
    ::_exit(0);
  }
  pid_t main = 0;
  ASSERT_EQ(::read(ends[0], &main, sizeof main), static_cast<ssize_t>(sizeof main));
  ::close(ends[0]);
  ::close(ends[1]);
  ASSERT_TRUE(eventually([&] { return folder.file("child").ends_with('\n'); }));
  const pid_t child = std::stoi(folder.file("child"));
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::kill(harness, SIGKILL);
  ::waitpid(harness, nullptr, 0);
  for (const pid_t pid : {main, child}) {
    EXPECT_TRUE(eventually([&] {
      ::waitpid(pid, nullptr, WNOHANG);  // orphans come to us
      return ::kill(pid, 0) != 0;
    })) << pid
        << " outlives the harness";
  }
}

TEST(Tracer, NothingSurvivesAKilledHarness) {
  expect_nothing_survives_the_harness(true);
}
TEST(Tracer, NothingGuardedSurvivesAKilledHarness) {
  expect_nothing_survives_the_harness(false);
}

TEST(Tracer, SeveralRunAtOnceInOneProcess) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      const TestFolder folder;
      const auto run = folder.run({"forks"});
      EXPECT_EQ(run.status, 0);
      EXPECT_EQ(replayed(run.trace), on_disk(folder.data()));
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

TEST(Tracer, GuardRecordsNothing) {
  const TestFolder folder;
  TracerOptions options = folder.options();
  options.record = false;
  const auto run = Tracer(folder.spec({"forks"}), options).finish();
  EXPECT_EQ(run.status, 0);
  EXPECT_TRUE(run.trace.events.empty());
}

TEST(Tracer, KillsAtATimeOfTheWorkload) {
  const TestFolder folder;
  fault::Fault fault;
  fault.at = fault::AtTime{20, {}};
  fault.action = fault::Kill{};
  for (const bool record : {true, false}) {
    TracerOptions options = folder.options({fault});
    options.record = record;
    Tracer tracer(folder.spec({"sleep", "1000"}), options);
    tracer.begin_workload();
    const auto run = tracer.finish();
    EXPECT_EQ(WTERMSIG(run.status), SIGKILL);
    EXPECT_EQ(run.faults.at(0).fired, 1U);
    EXPECT_THAT(run.faults.at(0).where, HasSubstr("ms into the workload"));
  }
}

TEST(Tracer, KillsWhenSoManyCommandsAreAcked) {
  const TestFolder folder;
  fault::Fault fault;
  fault.at = fault::AfterAcked{10, {}};
  fault.action = fault::Kill{};
  Tracer tracer(folder.spec({"sleep", "1000"}), folder.options({fault}));
  tracer.begin_workload();
  tracer.acked(9);
  EXPECT_FALSE(tracer.wait_for_end(std::chrono::milliseconds(5)));
  tracer.acked(10);
  EXPECT_EQ(WTERMSIG(tracer.finish().status), SIGKILL);
}

TEST(Tracer, AnAckIsTakenOnlyWhenTheFaultsThatWaitForItHaveStruck) {
  const TestFolder folder;
  fault::Fault fault;
  fault.at = fault::AfterAcked{1, {}};
  fault.action = fault::Kill{};
  for (int round = 0; round < 20; ++round) {
    Tracer tracer(folder.spec({"sleep", "1000"}), folder.options({fault}));
    tracer.begin_workload();
    tracer.acked(1);
    tracer.kill_tree();  // the workload is at its end at once
    EXPECT_EQ(tracer.finish().faults.at(0).fired, 1U) << "round " << round;
  }
}

TEST(Tracer, AStepBeginsOnlyWhenTheFaultsThatWereDueForItHaveStruck) {
  const TestFolder folder;
  fault::Fault fault;
  fault.at = fault::AfterAcked{3, {}};
  fault.from_step = 1;
  fault.action = fault::Kill{};
  for (int round = 0; round < 20; ++round) {
    Tracer tracer(folder.spec({"sleep", "1000"}), folder.options({fault}));
    tracer.begin_workload();
    tracer.arm_step(0);
    tracer.acked(3);
    tracer.arm_step(1);
    tracer.kill_tree();  // the workload is at its end at once
    EXPECT_EQ(tracer.finish().faults.at(0).fired, 1U) << "round " << round;
  }
}

TEST(Tracer, FaultsOfAStepWaitForIt) {
  const TestFolder folder;
  fault::Fault fault = kill_at("mkdir", 1);
  fault.from_step = 1;
  Tracer tracer(folder.spec({"sh", "-c", "mkdir early; until mkdir late && [ -e go ]; do :; done"}),
                folder.options({fault}));
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(folder.data() / "early"); }));
  tracer.arm_step(0);
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(folder.data() / "late"); }));
  tracer.arm_step(1);
  const auto run = tracer.finish();
  EXPECT_EQ(WTERMSIG(run.status), SIGKILL);
  EXPECT_EQ(run.faults.at(0).passed, 1U);
}

}  // namespace
}  // namespace crashpoint::ptrace
