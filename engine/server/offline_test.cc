// --check, --recovery-server and --server-starter, black box.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/testing/run_command.h"
#include "engine/testing/test_server.h"

namespace engine::server {
namespace {

using testing::Finished;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using testing::run_command;
using testing::TestClient;
using testing::TestServer;

class Offline : public ::testing::Test {
 protected:
  // An append-only file with one key, and no server on it.
  void SetUp() override {
    TestServer server(directory_, {"--save", "", "--appendonly", "yes"});
    ASSERT_TRUE(server.is_ready());
    ASSERT_EQ(server.client()("SET", "key", "value"), "+OK");
  }
  Finished engine(const std::string& arguments) {
    return run_command(std::string(CRASHPOINT_ENGINE_BINARY) + " " + arguments);
  }

  TempDirectory directory_;
  const std::string log_ = "appendonlydir/appendonly.aof.1.incr.aof";
};

TEST_F(Offline, CheckAcceptsWhatWouldLoad) {
  const Finished checked = engine("--check " + directory_.path());
  EXPECT_EQ(checked.status, 0) << checked.output;
}

TEST_F(Offline, CheckNamesDamageAndChangesNothing) {
  const std::string damaged = "*1\r\n$5\r\nBLABL\r\n" + directory_.read(log_);
  directory_.write(log_, damaged);
  const Finished checked = engine("--check " + directory_.path());
  EXPECT_EQ(checked.status, 1) << checked.output;
  EXPECT_THAT(checked.output, HasSubstr("appendonly.aof.1.incr.aof"));
  EXPECT_EQ(directory_.read(log_), damaged);
}

TEST_F(Offline, CheckOfNoDirectoryIsAnError) {
  EXPECT_EQ(engine("--check /nonexistent").status, 1);
}

TEST_F(Offline, RecoveryServerAnswersWithTheState) {
  const Finished answered =
      run_command("echo " + directory_.path() + " | " + CRASHPOINT_ENGINE_BINARY +
                  " --recovery-server --appendonly yes");
  EXPECT_EQ(answered.status, 0) << answered.output;
  EXPECT_THAT(
      answered.output,
      HasSubstr("*4\r\n:0\r\n*1\r\n*5\r\n:0\r\n$3\r\nkey\r\n+string\r\n:-1\r\n$5\r\nvalue"));
}

TEST_F(Offline, ServerStarterStartsAndKillsOneServerAfterAnother) {
  const std::string socket = directory_.path() + "/socket";
  const Finished answered = run_command("printf '" + directory_.path() + "\\t" + socket + "\\n\\n" +
                                        directory_.path() + "\\t" + socket + "\\n\\n' | " +
                                        CRASHPOINT_ENGINE_BINARY + " --server-starter 2>/dev/null");
  EXPECT_EQ(answered.status, 0) << answered.output;
  EXPECT_THAT(answered.output, MatchesRegex(":[0-9]+\r\n:9\r\n:[0-9]+\r\n:9\r\n"));
}

TEST_F(Offline, ServerStarterServesOneDirectoryAtATime) {
  const std::string request = directory_.path() + "\\t" + directory_.path() + "/socket\\n";
  const Finished refused = run_command("printf '" + request + request + "' | " +
                                       CRASHPOINT_ENGINE_BINARY + " --server-starter");
  EXPECT_EQ(refused.status, 1) << refused.output;
  EXPECT_THAT(refused.output, HasSubstr("one server at a time"));
}

}  // namespace
}  // namespace engine::server
