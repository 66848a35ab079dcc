// Debian's redis-cli and redis-benchmark against the engine, and CONFIG REWRITE across a restart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/testing/run_command.h"
#include "engine/testing/test_server.h"

namespace engine::server {
namespace {

using testing::Finished;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::run_command;
using ::testing::StartsWith;
using testing::TestClient;
using testing::TestServer;

class Tools : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(server_.is_ready()) << server_.log(); }
  Finished cli(const std::string& arguments) {
    return run_command("redis-cli -s " + server_.socket() + " " + arguments);
  }

  TempDirectory directory_;
  TestServer server_{directory_, {"--appendonly", "yes", "--save", ""}};
};

TEST_F(Tools, RedisBenchmarkRunsAllItsTests) {
  const Finished done =
      run_command("redis-benchmark -s " + server_.socket() + " -n 1000 -c 10 -P 4 -q");
  EXPECT_EQ(done.status, 0) << done.output;
  EXPECT_THAT(done.output, HasSubstr("LRANGE_600"));
  EXPECT_THAT(done.output, HasSubstr("MSET"));
  EXPECT_THAT(done.output, Not(HasSubstr("ERR"))) << done.output;
}

TEST_F(Tools, RedisCliPipesAndScans) {
  std::string requests;
  for (int i = 0; i < 5000; ++i) {
    requests += TestClient::encode({"SET", "key:" + std::to_string(i), "value"});
  }
  directory_.write("requests", requests);
  const Finished piped = cli("--pipe < " + directory_.file("requests"));
  EXPECT_THAT(piped.output, HasSubstr("errors: 0, replies: 5000"));
  EXPECT_EQ(cli("DBSIZE").output, "5000\n");
  EXPECT_EQ(cli("--scan --pattern 'key:12*' | wc -l").output, "111\n");
  EXPECT_THAT(cli("--bigkeys").output, HasSubstr("5000 strings"));
  EXPECT_THAT(cli("--memkeys").output, HasSubstr("5000 strings"));
  EXPECT_THAT(cli("-3 CONFIG GET maxmemory").output, HasSubstr("maxmemory"));
}

TEST_F(Tools, RedisCheckAofAcceptsTheLog) {
  ASSERT_EQ(cli("SET a 1").output, "OK\n");
  server_.kill();
  const Finished checked =
      run_command("redis-check-aof " + directory_.file("appendonlydir/appendonly.aof.manifest"));
  EXPECT_EQ(checked.status, 0) << checked.output;
  EXPECT_THAT(checked.output, HasSubstr("All AOF files and manifest are valid"));
}

TEST(ConfigRewriteCommand, SurvivesARestart) {
  TempDirectory directory;
  directory.write("redis.conf", "# mine\nmaxmemory 100mb\nsave \"\"\n");
  TestServer server(directory, {directory.file("redis.conf")});
  ASSERT_TRUE(server.is_ready()) << server.log();
  TestClient client = server.client();
  EXPECT_EQ(client("CONFIG", "SET", "maxmemory", "2kb", "requirepass", "a b", "save", "60 7"),
            "+OK");
  EXPECT_EQ(client("CONFIG", "REWRITE"), "+OK");
  EXPECT_THAT(directory.read("redis.conf"), StartsWith("# mine\nmaxmemory 2kb\nsave 60 7\n"));

  server.restart();
  ASSERT_TRUE(server.is_listening()) << server.log();
  TestClient again = server.client();
  EXPECT_EQ(again("AUTH", "a b"), "+OK");
  EXPECT_EQ(again("CONFIG", "GET", "maxmemory"), "[maxmemory, 2048]");
  EXPECT_EQ(again("CONFIG", "GET", "save"), "[save, 60 7]");
}

}  // namespace
}  // namespace engine::server
