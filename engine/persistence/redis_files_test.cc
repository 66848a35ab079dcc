// Our files in redis-server 7.0 and its files in ours: every type, encoding and size, with and
// without expiry, there and back again, equal by DEBUG DIGEST and OBJECT ENCODING.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/io/file.h"
#include "engine/rdb/snapshot_writer.h"
#include "engine/rdb/values_for_test.h"
#include "engine/testing/run_command.h"
#include "engine/testing/test_server.h"

namespace engine::persistence {
namespace {

using testing::Finished;
using ::testing::HasSubstr;
using testing::run_command;
using testing::TestClient;
using testing::TestServer;
using Kind = TestServer::Kind;

// What a server holds: the digest, and the encoding of every key.
std::string content(TestServer& server) {
  TestClient client = server.client();
  std::string text = client("DEBUG", "DIGEST") + "\n";
  keyspace::Keyspace named;
  rdb::fill_with_all_values(named, 0);
  for (int db = 0; db < named.count(); ++db) {
    std::set<std::string> keys;
    named.database(db).for_each(
        [&](std::string_view key, const keyspace::Object&, std::int64_t) { keys.emplace(key); });
    EXPECT_EQ(client("SELECT", std::to_string(db)), "+OK");
    for (const std::string& key : keys) {
      text += std::to_string(db) + " " + key + " " + client("OBJECT", "ENCODING", key) + " " +
              client("PEXPIRETIME", key) + "\n";
    }
  }
  return text;
}

class RedisFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    keyspace::Keyspace keyspace;
    rdb::fill_with_all_values(keyspace, SystemClock().wall_ms() + 3'600'000);
    io::File file = io::File::open(directory_.file("dump.rdb"), io::OpenMode::kCreate).value();
    ASSERT_TRUE(rdb::write_snapshot(file, keyspace, {}));
  }
  // The content a server of this kind has after it has started here; then `commands` are executed,
  // and it is killed once no child of it saves.
  std::string visit(Kind kind, std::vector<std::string> arguments,
                    const std::vector<std::vector<std::string>>& commands) {
    arguments.insert(arguments.end(), {"--enable-debug-command", "yes", "--save", ""});
    TestServer server(directory_, arguments, kind);
    EXPECT_TRUE(server.is_ready()) << server.log();
    const std::string held = content(server);
    TestClient client = server.client();
    for (const std::vector<std::string>& command : commands) {
      EXPECT_THAT(client.command(command), ::testing::StartsWith("+")) << command[0];
    }
    EXPECT_TRUE(testing::eventually([&] {
      const std::string info = client("INFO", "persistence");
      return info.find("aof_rewrite_in_progress:0") != std::string::npos &&
             info.find("aof_rewrite_scheduled:0") != std::string::npos;
    }));
    return held;
  }
  TempDirectory directory_;
};

TEST_F(RedisFiles, SnapshotsGoThereAndBackAgain) {
  const Finished checked = run_command("redis-check-rdb " + directory_.file("dump.rdb"));
  EXPECT_EQ(checked.status, 0) << checked.output;
  EXPECT_THAT(checked.output, HasSubstr("RDB looks OK!"));
  const std::string in_redis = visit(Kind::kRedis, {}, {{"SAVE"}});
  EXPECT_EQ(visit(Kind::kEngine, {}, {{"SAVE"}}), in_redis);
  EXPECT_EQ(visit(Kind::kRedis, {}, {}), in_redis);
}

class RedisFilesWith : public RedisFiles,
                       public ::testing::WithParamInterface<std::pair<std::string, std::string>> {};

TEST_P(RedisFilesWith, LogsGoThereAndBackAgain) {
  const auto& [preamble, checksum] = GetParam();
  const std::vector<std::string> log = {"--appendonly",           "yes",   "--appendfsync", "no",
                                        "--aof-use-rdb-preamble", preamble};
  std::vector<std::string> ours = log;
  ours.insert(ours.end(), {"--aof-checksum", checksum});
  const std::vector<std::vector<std::string>> rewrite_and_append = {
      {"BGREWRITEAOF"}, {"SET", "string0", "appended"}, {"SET", "string2", "too"}};
  const std::string first = visit(Kind::kEngine, ours, rewrite_and_append);
  const Finished checked =
      run_command("redis-check-aof " + directory_.file("appendonlydir/appendonly.aof.manifest"));
  EXPECT_EQ(checked.status, 0) << checked.output;
  const std::string second = visit(Kind::kRedis, log, rewrite_and_append);
  EXPECT_NE(second, first) << "what was appended must count";
  EXPECT_EQ(visit(Kind::kEngine, ours, rewrite_and_append), second);
  EXPECT_EQ(visit(Kind::kRedis, log, {}), second);
}

INSTANTIATE_TEST_SUITE_P(PreambleAndChecksum, RedisFilesWith,
                         ::testing::Values(std::pair("yes", "no"), std::pair("no", "yes"),
                                           std::pair("yes", "yes")),
                         [](const auto& files) {
                           return "Preamble_" + files.param.first + "_Checksum_" +
                                  files.param.second;
                         });

// What redis-server appends to an increment of ours has no checksums, and is loaded all the same.
TEST_F(RedisFiles, BothAppendToTheSameIncrement) {
  const std::vector<std::string> log = {"--appendonly", "yes", "--appendfsync", "no"};
  visit(Kind::kEngine, log, {{"SET", "string0", "1"}});
  visit(Kind::kRedis, log, {{"SET", "string2", "2"}});
  visit(Kind::kEngine, log, {{"SET", "string4", "3"}});
  const std::string both = visit(Kind::kRedis, log, {});
  EXPECT_EQ(visit(Kind::kEngine, log, {}), both);
}

}  // namespace
}  // namespace engine::persistence
