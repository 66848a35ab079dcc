// Start, shutdown and restart, black box.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include "engine/testing/test_server.h"

namespace engine::server {
namespace {

using testing::eventually;
using ::testing::HasSubstr;
using testing::TestClient;
using testing::TestServer;

std::string value_of(const std::string& info, const std::string& field) {
  const std::size_t at = info.find("\n" + field + ":");
  if (at == std::string::npos) {
    return "(absent)";
  }
  const std::size_t begin = at + field.size() + 2;
  return info.substr(begin, info.find('\r', begin) - begin);
}

const std::vector<std::string> kAof = {"--save", "", "--appendonly", "yes"};
const std::vector<std::string> kRdb = {"--save", "3600 1"};

TEST(Start, LogsWhatSupervisorsLookFor) {
  TempDirectory directory;
  TestServer server(directory, {"--always-show-logo", "yes"});
  ASSERT_TRUE(server.is_ready());
  EXPECT_TRUE(server.logged(" PID: " + std::to_string(server.pid())));
  EXPECT_TRUE(server.logged("Server initialized"));
  EXPECT_TRUE(server.logged("The server is now ready to accept connections at"));
}

TEST(Start, WithABadDirectiveSaysWhereAndExits) {
  TempDirectory directory;
  TestServer server(directory, {"--maxclients", "many"});
  EXPECT_EQ(server.wait_exit(), 1);
  EXPECT_THAT(server.log(), HasSubstr("FATAL CONFIG FILE ERROR"));
  EXPECT_THAT(server.log(), HasSubstr(">>> 'maxclients \"many\"'"));
}

TEST(Start, WithoutASocketToListenOnIsRefused) {
  TempDirectory directory;
  TestServer server(directory, {"--unixsocket", ""});
  EXPECT_EQ(server.wait_exit(), 1);
  EXPECT_TRUE(server.logged("Configured to not listen anywhere, exiting."));
}

TEST(Start, OfASecondEngineOnTheSameAofIsRefusedAndHarmsNothing) {
  TempDirectory directory;
  TestServer first(directory, kAof);
  ASSERT_TRUE(first.is_ready());
  ASSERT_EQ(first.client()("SET", "a", "1"), "+OK");
  TempDirectory elsewhere;  // for its socket and log
  std::vector<std::string> arguments = kAof;
  arguments.insert(arguments.end(), {"--dir", directory.path()});
  TestServer second(elsewhere, arguments);
  EXPECT_EQ(second.wait_exit(), 1);
  EXPECT_THAT(second.log(), HasSubstr(std::to_string(first.pid())));
  EXPECT_EQ(first.client()("GET", "a"), "1");
  first.restart();
  ASSERT_TRUE(first.is_ready());
  EXPECT_EQ(first.client()("GET", "a"), "1");
}

TEST(Start, OnTheSocketOfARunningServerIsRefusedAndLeavesItReachable) {
  TempDirectory directory;
  TestServer first(directory, {"--save", ""});
  ASSERT_TRUE(first.is_ready());
  TempDirectory elsewhere;
  TestServer second(elsewhere, {"--unixsocket", first.socket()});
  EXPECT_EQ(second.wait_exit(), 1);
  EXPECT_TRUE(second.logged("Failed opening Unix socket: bind: Address already in use"));
  EXPECT_EQ(first.client()("PING"), "+PONG");
}

struct Setup {
  const char* name;
  std::vector<std::string> arguments;
};
std::ostream& operator<<(std::ostream& out, const Setup& setup) {
  return out << setup.name;
}

class Restart : public ::testing::TestWithParam<Setup> {
 protected:
  TempDirectory directory_;
  TestServer server_{directory_, GetParam().arguments};
};

TEST_P(Restart, KeepsEveryTypeAfterShutdown) {
  ASSERT_TRUE(server_.is_ready());
  TestClient client = server_.client();
  client("SET", "string", "value");
  client("SET", "number", "42");
  client("RPUSH", "list", "a", "b");
  client("SADD", "set", "1", "2");
  client("HSET", "hash", "f", "v");
  client("ZADD", "zset", "1.5", "m");
  client("SET", "expiring", "x", "EX", "1000");
  const std::string expires_at = client("PEXPIRETIME", "expiring");
  client("SELECT", "3");
  client("SET", "elsewhere", "3");
  client.send(TestClient::encode({"SHUTDOWN"}));
  EXPECT_EQ(client.read_reply(), "(closed)");
  EXPECT_EQ(server_.wait_exit(), 0);
  EXPECT_TRUE(server_.logged("Redis is now ready to exit, bye bye..."));
  EXPECT_FALSE(directory_.has("socket"));

  server_.restart();
  ASSERT_TRUE(server_.is_ready()) << server_.log();
  TestClient reader = server_.client();
  EXPECT_EQ(reader("GET", "string"), "value");
  EXPECT_EQ(reader("INCR", "number"), ":43");
  EXPECT_EQ(reader("LRANGE", "list", "0", "-1"), "[a, b]");
  EXPECT_EQ(reader("SCARD", "set"), ":2");
  EXPECT_EQ(reader("HGET", "hash", "f"), "v");
  EXPECT_EQ(reader("ZSCORE", "zset", "m"), "1.5");
  EXPECT_EQ(reader("PEXPIRETIME", "expiring"), expires_at);
  reader("SELECT", "3");
  EXPECT_EQ(reader("GET", "elsewhere"), "3");
}

TEST_P(Restart, KeepsDataAfterSigterm) {
  ASSERT_TRUE(server_.is_ready());
  ASSERT_EQ(server_.client()("SET", "a", "1"), "+OK");
  server_.signal(SIGTERM);
  EXPECT_EQ(server_.wait_exit(), 0);
  EXPECT_TRUE(server_.logged("Received SIGTERM scheduling shutdown..."));
  server_.restart();
  ASSERT_TRUE(server_.is_ready());
  EXPECT_EQ(server_.client()("GET", "a"), "1");
}

INSTANTIATE_TEST_SUITE_P(Persistence, Restart,
                         ::testing::Values(Setup{"Aof", kAof}, Setup{"Rdb", kRdb}),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(Shutdown, NosaveLosesWhatNoSnapshotHolds) {
  TempDirectory directory;
  TestServer server(directory, kRdb);
  ASSERT_TRUE(server.is_ready());
  server.client()("SET", "a", "1");
  TestClient client = server.client();
  EXPECT_EQ(client("SHUTDOWN", "NOSAVE"), "(closed)");
  EXPECT_EQ(server.wait_exit(), 0);
  server.restart();
  ASSERT_TRUE(server.is_ready());
  EXPECT_EQ(server.client()("DBSIZE"), ":0");
}

TEST(Shutdown, ThatCannotSaveIsRefusedAndTheServerLives) {
  TempDirectory directory;
  TestServer server(directory, kRdb);
  ASSERT_TRUE(server.is_ready());
  TestClient client = server.client();
  client("SET", "a", "1");
  // A directory in the snapshot's place: the rename over it fails, for root as well.
  ASSERT_TRUE(std::filesystem::create_directory(directory.file("dump.rdb")));
  EXPECT_EQ(client("SHUTDOWN"), "-ERR Errors trying to SHUTDOWN. Check logs.");
  EXPECT_TRUE(server.logged("Errors trying to shut down the server")) << server.log();
  EXPECT_EQ(client("GET", "a"), "1");
  server.signal(SIGTERM);
  EXPECT_TRUE(eventually([&] {
    const std::string log = server.log();
    return log.find("Errors trying to shut down the server", log.find("Received SIGTERM")) !=
           std::string::npos;
  }));
  EXPECT_EQ(client("GET", "a"), "1");
  EXPECT_EQ(client("SHUTDOWN", "FORCE"), "(closed)");
  EXPECT_EQ(server.wait_exit(), 0);
}

TEST(Shutdown, AcknowledgesWhatWasExecutedBeforeIt) {
  TempDirectory directory;
  TestServer server(directory, kAof);
  ASSERT_TRUE(server.is_ready());
  TestClient client = server.client();
  client.send("SET a 1\r\nSHUTDOWN\r\nSET a 2\r\n");
  EXPECT_EQ(client.read_until_closed(), "+OK\r\n");
  EXPECT_EQ(server.wait_exit(), 0);
  server.restart();
  ASSERT_TRUE(server.is_ready());
  EXPECT_EQ(server.client()("GET", "a"), "1");
}

class Loading : public ::testing::Test {
 protected:
  // Leaves the server loading a data set, slowly.
  void SetUp() override {
    ASSERT_TRUE(server_.is_ready());
    TestClient client = server_.client();
    ASSERT_EQ(client("DEBUG", "POPULATE", "20000", "key", "10"), "+OK");
    ASSERT_EQ(client("SAVE"), "+OK");
    server_.restart(
        {"--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"});
    ASSERT_TRUE(server_.is_listening());
  }

  TempDirectory directory_;
  TestServer server_{directory_, {"--save", "", "--enable-debug-command", "yes"}};
};

TEST_F(Loading, ServesClientsWithItsStateAndRefusesTheRest) {
  TestClient client = server_.client();
  EXPECT_EQ(client("GET", "key:1"), "-LOADING Redis is loading the dataset in memory");
  const std::string info = client("INFO", "persistence");
  EXPECT_EQ(value_of(info, "loading"), "1");
  EXPECT_NE(value_of(info, "loading_total_bytes"), "(absent)");
  EXPECT_EQ(client("CONFIG", "SET", "dir", "/"),
            "-ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected "
            "config");
  EXPECT_EQ(client("CONFIG", "SET", "appendonly", "yes"),
            "-LOADING Redis is loading the dataset in memory");
  EXPECT_EQ(client("CONFIG", "SET", "key-load-delay", "0"), "+OK");
}

TEST_F(Loading, EndsAtOnceOnSigtermAndLeavesTheFilesAlone) {
  const std::string before = directory_.read("dump.rdb");
  server_.signal(SIGTERM);
  EXPECT_EQ(server_.wait_exit(), 0);
  EXPECT_TRUE(server_.logged("Received shutdown signal during loading, exiting now."));
  EXPECT_EQ(directory_.read("dump.rdb"), before);
}

TEST(Hiredis, WorksUnmodified) {
  TempDirectory directory;
  TestServer server(directory, {"--save", ""});
  ASSERT_TRUE(server.is_ready());
  redisContext* context = ::redisConnectUnix(server.socket().c_str());
  ASSERT_NE(context, nullptr);
  ASSERT_EQ(context->err, 0);
  for (int i = 0; i < 100; ++i) {
    ::redisAppendCommand(context, "INCRBY %s %d", "n", i);
  }
  long long last = 0;
  for (int i = 0; i < 100; ++i) {
    void* reply = nullptr;
    ASSERT_EQ(::redisGetReply(context, &reply), REDIS_OK);
    last = static_cast<redisReply*>(reply)->integer;
    ::freeReplyObject(reply);
  }
  EXPECT_EQ(last, 4950);
  ::redisFree(context);
}

}  // namespace
}  // namespace engine::server
