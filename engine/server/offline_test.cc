// --check and --recovery-server, black box.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/testing/run_command.h"
#include "engine/testing/test_server.h"

namespace engine::server {
namespace {

using testing::Finished;
using ::testing::HasSubstr;
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

}  // namespace
}  // namespace engine::server
