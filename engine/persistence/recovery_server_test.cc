#include "engine/persistence/recovery_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <string>
#include <thread>

#include "engine/io/scoped_failpoint_for_test.h"
#include "engine/persistence/engine_for_test.h"

namespace engine::persistence {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class RecoveryServerTest : public EngineTest {
 protected:
  // The answers to these requests.
  static std::string ask(const std::string& requests, const MakeTarget& make_target) {
    int in[2];
    int out[2];
    EXPECT_EQ(::pipe(in) | ::pipe(out), 0);
    EXPECT_EQ(::write(in[1], requests.data(), requests.size()),
              static_cast<ssize_t>(requests.size()));
    ::close(in[1]);
    std::string answers;
    std::thread reader([&] {
      char buffer[4096];
      for (ssize_t n = 0; (n = ::read(out[0], buffer, sizeof(buffer))) > 0;) {
        answers.append(buffer, static_cast<std::size_t>(n));
      }
    });
    EXPECT_TRUE(serve_recoveries(aof_settings(), 16, make_target, in[0], out[1]));
    ::close(out[1]);
    reader.join();
    ::close(in[0]);
    ::close(out[0]);
    return answers;
  }
  static std::unique_ptr<aof::ReplayTarget> make_target(keyspace::Keyspace& keyspace) {
    return std::make_unique<TestTarget>(keyspace);
  }
};

TEST_F(RecoveryServerTest, AnswersWithTheWholeStateOfEachDirectory) {
  auto engine = start(aof_settings());
  engine->step({{"RPUSH", "l", "x", "y"}}, 2);
  ASSERT_TRUE(engine->persistence.before_sleep());
  engine.reset();
  const std::string answers = ask(directory_.path() + "\n" + directory_.path() + "\n", make_target);
  const std::string expected =
      "*4\r\n:0\r\n*1\r\n*5\r\n:2\r\n$1\r\nl\r\n+list\r\n:-1\r\n*2\r\n$1\r\nx\r\n$1\r\ny\r\n$";
  EXPECT_THAT(answers, StartsWith(expected));
  EXPECT_THAT(answers.substr(expected.size()), HasSubstr(expected)) << "the second recovery";
  EXPECT_THAT(answers, HasSubstr("DB loaded from append only file"));
}

TEST_F(RecoveryServerTest, SaysWhyAStartIsRefused) {
  write_test_file(aof_file("appendonly.aof.manifest"), "");
  const std::string answer = ask(directory_.path() + "\n", make_target);
  EXPECT_THAT(answer, StartsWith("*4\r\n:1\r\n*0\r\n$"));
  EXPECT_THAT(answer, HasSubstr("Found an empty AOF manifest\n\r\n:"));
}

TEST_F(RecoveryServerTest, SurvivesARecoveryThatDies) {
  const auto dies = [](keyspace::Keyspace&) -> std::unique_ptr<aof::ReplayTarget> {
    ::raise(SIGKILL);
    return nullptr;
  };
  EXPECT_EQ(ask(directory_.path() + "\n" + directory_.path() + "\n", dies),
            "*4\r\n:137\r\n*0\r\n$0\r\n\r\n:0\r\n*4\r\n:137\r\n*0\r\n$0\r\n\r\n:0\r\n");
}

// What it leaves on disk is what a start that is killed right after leaves.
TEST_F(RecoveryServerTest, RecoversTheFilesThemselves) {
  auto engine = start(aof_settings());
  engine->set("a", "1");
  engine.reset();
  std::string increment = read_test_file(aof_file("appendonly.aof.1.incr.aof"));
  write_test_file(aof_file("appendonly.aof.1.incr.aof"), increment + "torn");
  ask(directory_.path() + "\n", make_target);
  EXPECT_THAT(read_test_file(aof_file("appendonly.aof.1.incr.aof")), StartsWith(increment + "#"));
}

}  // namespace
}  // namespace engine::persistence
