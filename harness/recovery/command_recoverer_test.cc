#include "harness/recovery/command_recoverer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "harness/base/temporary_directory.h"
#include "harness/recovery/program_commands.h"

namespace crashpoint::recovery {
namespace {

using oracle::Outcome;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class CommandRecovery : public testing::Test {
 protected:
  CommandRecovery() {
    std::filesystem::create_directory(data_);
    std::ofstream(data_ / "conf") << "content\n";
    of_.program.emplace();
    of_.program->dump.text = "cat conf";
  }
  Recovered recover(FixedPath* fixed_path = nullptr) {
    return CommandRecoverer(of_, folder_.path() / "worker", fixed_path).recover(data_);
  }
  TemporaryDirectory folder_;
  std::filesystem::path data_ = folder_.path() / "data";
  scenario::Case of_;
};

TEST_F(CommandRecovery, IsWhatTheDumpPrints) {
  const Recovered recovered = recover();
  EXPECT_TRUE(recovered.started);
  EXPECT_EQ(recovered.dump, "content\n");
  EXPECT_THAT(recovered.checks, SizeIs(1));  // a second dump
  EXPECT_EQ(recovered.checks.front().outcome, Outcome::kPass);
}

TEST_F(CommandRecovery, BeginsWithTheCommandsOfARecovery) {
  of_.program->recovery = {{.words = {"mv", "conf", "new"}, .text = {}},
                           {.words = {}, .text = "mv new conf; echo x >> conf"}};
  EXPECT_EQ(recover().dump, "content\nx\n");
  of_.program->recovery = {{.words = {"mv", "missing", "new"}, .text = {}}};
  const Recovered failed = recover();
  EXPECT_FALSE(failed.started);
  EXPECT_THAT(failed.trouble,
              HasSubstr("the recovery command 'mv missing new' exited with status 1"));
}

TEST_F(CommandRecovery, FailsWithTheDumpAndInTheSameWordsWhereverTheDirectoryIs) {
  of_.program->dump.text = "ls {dir}/missing";
  const Recovered failed = recover();
  EXPECT_FALSE(failed.started);
  EXPECT_THAT(failed.trouble, HasSubstr("exited with status 2"));
  EXPECT_THAT(failed.trouble, HasSubstr("{dir}/missing"));
  of_.program->dump.text = "kill -SEGV $$";
  EXPECT_THAT(recover().trouble, HasSubstr("was killed by SIGSEGV"));
  of_.recovery.deadline_ms = 30;
  of_.program->dump.text = "exec sleep 1000";
  EXPECT_THAT(recover().trouble, HasSubstr("did not end within 30 ms"));
}

TEST_F(CommandRecovery, MustDumpTheSameTwice) {
  of_.program->dump.text = "cat conf; echo again >> conf";
  const Recovered recovered = recover();
  ASSERT_THAT(recovered.checks, SizeIs(1));
  EXPECT_EQ(recovered.checks[0].check, "idempotent");
  EXPECT_EQ(recovered.checks[0].outcome, Outcome::kViolation);
  EXPECT_THAT(recovered.checks[0].nearest, HasSubstr("+again"));
  of_.oracle.idempotent = false;
  EXPECT_THAT(recover().checks, IsEmpty());
}

TEST_F(CommandRecovery, AsksTheTools) {
  of_.oracle.tools = {{"test", "-s", "conf"}, {"test", "-s", "{dir}/missing"}};
  const Recovered recovered = recover();
  ASSERT_THAT(recovered.checks, SizeIs(3));
  EXPECT_EQ(recovered.checks[1].outcome, Outcome::kPass);
  EXPECT_EQ(recovered.checks[2].outcome, Outcome::kViolation);
}

TEST_F(CommandRecovery, IsDoneAtAFixedPathIfThereIsOne) {
  of_.program->dump.text = "pwd";
  FixedPath fixed{.path = folder_.path() / "here", .mutex = {}};
  EXPECT_EQ(recover(&fixed).dump, fixed.path.string() + "\n");
  EXPECT_TRUE(std::filesystem::exists(data_ / "conf"));
  EXPECT_FALSE(std::filesystem::exists(fixed.path));
}

TEST(CommandWords, HaveTheirPlaceholdersFilledIn) {
  const CommandPlaces places{.dir = "/d", .run = "/r", .seed = 7, .scenario = "/s"};
  EXPECT_THAT(argv_of({.words = {"{scenario}/x", "a{dir}b", "{other}"}, .text = {}}, places),
              ElementsAre("/s/x", "a/db", "{other}"));
  EXPECT_THAT(argv_of({.words = {}, .text = "echo {run} {seed} ${dir} '{print}'"}, places),
              ElementsAre("sh", "-c", "echo /r 7 ${dir} '{print}'"));
}

}  // namespace
}  // namespace crashpoint::recovery
