#include "harness/recovery/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <string>

#include "harness/base/error.h"
#include "harness/base/temporary_directory.h"
#include "harness/recovery/live_target.h"

namespace crashpoint::recovery {
namespace {

using std::chrono::milliseconds;
using testing::EndsWith;

class Commands : public testing::Test {
 protected:
  CommandEnd run(const std::string& text, const CommandLimits& limits = {}) const {
    return run_command({.argv = {"sh", "-c", text}, .directory = folder_.path(), .environment = {}},
                       folder_.path(), guard_only(), limits);
  }
  TemporaryDirectory folder_;
};

TEST_F(Commands, GiveTheirOutputAndTheirStatus) {
  const CommandEnd end = run("printf 'a\\0b'; echo trouble >&2; exit 3");
  EXPECT_EQ(end.kind, CommandEnd::Kind::kEnded);
  EXPECT_EQ(end.output, std::string("a\0b", 3));
  EXPECT_EQ(end.errors, "trouble\n");
  EXPECT_EQ(WEXITSTATUS(end.status), 3);
  EXPECT_FALSE(end.succeeded());
  EXPECT_EQ(trouble_of(end, {}), "exited with status 3; its last line: trouble");
  EXPECT_TRUE(run("true").succeeded());
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

// Without patience too: what a command has printed by its end is all there.
TEST_F(Commands, GiveAllOfTheirOutputHoweverMuch) {
  const CommandEnd end = run("head -c 3000000 /dev/zero", {.patience = milliseconds(0)});
  EXPECT_TRUE(end.succeeded());
  EXPECT_EQ(end.output.size(), 3'000'000U);
  EXPECT_EQ(run("sleep 1000 & echo all", {.patience = milliseconds(0)}).output, "all\n");
}

TEST_F(Commands, HaveNoInput) {
  EXPECT_EQ(run("cat; echo end").output, "end\n");
}

TEST_F(Commands, AreKilledAtTheDeadline) {
  const CommandLimits limits{.deadline = milliseconds(2000)};
  const CommandEnd end = run("echo begun; exec sleep 1000", limits);
  EXPECT_EQ(end.kind, CommandEnd::Kind::kTimeout);
  EXPECT_EQ(end.output, "begun\n");
  EXPECT_EQ(trouble_of(end, limits), "did not end within 2,000 ms");
}

TEST_F(Commands, AreKilledWhenTheyPrintTooMuch) {
  const CommandLimits limits{.output_max = 100'000};
  const CommandEnd end = run("yes", limits);
  EXPECT_EQ(end.kind, CommandEnd::Kind::kTooMuchOutput);
  EXPECT_EQ(trouble_of(end, limits), "printed more than 100,000 bytes");
}

TEST_F(Commands, KeepTheEndOfWhatTheyPrintToStandardError) {
  const CommandEnd end = run("yes | head -c 1000000 >&2; echo last >&2");
  EXPECT_TRUE(end.succeeded());
  EXPECT_LT(end.errors.size(), 300'000U);
  EXPECT_THAT(end.errors, EndsWith("last\n"));
}

TEST_F(Commands, LeaveNothingRunning) {
  const CommandEnd end =
      run("sleep 1000 & echo $!", {.deadline = milliseconds(60'000), .patience = milliseconds(20)});
  EXPECT_TRUE(end.left_running);
  EXPECT_TRUE(end.succeeded());
  const pid_t pid = std::stoi(end.output);
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST_F(Commands, AreGivenTimeForWhatTheyLeftToEnd) {
  const CommandEnd end = run("(sleep 0.05; echo late > late) >/dev/null 2>&1 &");
  EXPECT_FALSE(end.left_running);
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "late"));
}

TEST_F(Commands, ThatCannotBeStartedAreAUsageError) {
  EXPECT_THROW(
      (void)run_command(
          {.argv = {"no-such-program-here"}, .directory = folder_.path(), .environment = {}},
          folder_.path(), guard_only(), {}),
      UsageError);
}

TEST_F(Commands, AreRecordedIfTheyAreAskedTo) {
  const TemporaryDirectory pipes;
  const CommandEnd end = run_command({.argv = {"sh", "-c", "echo x > f; echo done"},
                                      .directory = folder_.path(),
                                      .environment = {}},
                                     pipes.path(), {}, {});
  EXPECT_TRUE(end.succeeded());
  bool wrote = false;
  bool told = false;
  for (const trace::Event& event : end.run.trace.events) {
    wrote = wrote || (event.op == trace::Op::kWrite && event.path == "f");
    told = told || (event.op == trace::Op::kOutput && event.fd == 1 &&
                    end.run.trace.data(event) == "done\n");
  }
  EXPECT_TRUE(wrote);
  EXPECT_TRUE(told);
}

}  // namespace
}  // namespace crashpoint::recovery
