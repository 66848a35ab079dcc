// Start, shutdown and restart, black box.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <tuple>

#include "engine/testing/run_command.h"
#include "engine/testing/test_server.h"

namespace engine::server {
namespace {

using testing::eventually;
using ::testing::HasSubstr;
using ::testing::Not;
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

TEST(Start, CommandsHaveTheNamesOfTheConfigurationAndTheLogThoseOfTheTable) {
  TempDirectory directory;
  directory.write(
      "redis.conf",
      "rename-command FLUSHALL \"\"\nrename-command CONFIG adm_7\nrename-command RPUSH push\n");
  std::vector<std::string> arguments = kAof;
  arguments.insert(arguments.begin(), directory.file("redis.conf"));
  TestServer server(directory, arguments);
  ASSERT_TRUE(server.is_ready()) << server.log();
  TestClient client = server.client();
  EXPECT_THAT(client("FLUSHALL"), HasSubstr("unknown command 'FLUSHALL'"));
  EXPECT_THAT(client("CONFIG", "GET", "appendonly"), HasSubstr("unknown command"));
  EXPECT_EQ(client("adm_7", "GET", "appendonly"), "[appendonly, yes]");
  EXPECT_EQ(client("PUSH", "l", "a", "b"), ":2");
  EXPECT_EQ(client("MULTI"), "+OK");
  EXPECT_EQ(client("push", "l", "c"), "+QUEUED");
  EXPECT_EQ(client("EXEC"), "[:3]");
  EXPECT_EQ(client("COMMAND", "INFO", "rpush"), "[(nil)]");
  server.kill();
  TestServer plain(directory, kAof);
  ASSERT_TRUE(plain.is_ready()) << plain.log();
  EXPECT_EQ(plain.client()("LRANGE", "l", "0", "-1"), "[a, b, c]");
}

TEST(Start, ALogWithRenamedCommandsAsRedisWritesItLoads) {
  TempDirectory directory;
  directory.write("redis.conf", "rename-command RPUSH push\n");
  std::vector<std::string> arguments = kAof;
  arguments.insert(arguments.begin(), directory.file("redis.conf"));
  {
    TestServer redis(directory, arguments, TestServer::Kind::kRedis);
    ASSERT_TRUE(redis.is_ready()) << redis.log();
    EXPECT_EQ(redis.client()("push", "l", "a"), ":1");
  }
  TestServer server(directory, arguments);
  ASSERT_TRUE(server.is_ready()) << server.log();
  EXPECT_EQ(server.client()("LRANGE", "l", "0", "-1"), "[a]");
}

TEST(Start, DebugLoadaofLoadsWhatTheLogHoldsAlsoWhileItIsOff) {
  TempDirectory directory;
  TestServer server(directory, {"--save", "", "--enable-debug-command", "yes"});
  ASSERT_TRUE(server.is_ready());
  TestClient client = server.client();
  client("SET", "before", "1");
  EXPECT_EQ(client("DEBUG", "LOADAOF"), "-ERR There is no append only file to load");
  EXPECT_EQ(client("GET", "before"), "1") << "nothing was changed";
  client("CONFIG", "SET", "appendonly", "yes");
  ASSERT_TRUE(eventually([&] {
    return value_of(client("INFO", "persistence"), "aof_rewrite_in_progress") == "0" &&
           value_of(client("INFO", "persistence"), "aof_rewrite_scheduled") == "0";
  }));
  client("SET", "logged", "1");
  client("CONFIG", "SET", "appendonly", "no");
  client("SET", "after", "1");
  EXPECT_EQ(client("DEBUG", "LOADAOF"), "+OK");
  EXPECT_EQ(client("GET", "logged"), "1");
  EXPECT_EQ(client("GET", "before"), "1");
  EXPECT_EQ(client("GET", "after"), "(nil)");
}

TEST(Shutdown, CanBeAbortedUntilTheCronTakesItUp) {
  TempDirectory directory;
  TestServer server(directory, {"--save", "", "--enable-debug-command", "yes"});
  ASSERT_TRUE(server.is_ready());
  TestClient client = server.client();
  EXPECT_EQ(client("SHUTDOWN", "ABORT"), "-ERR No shutdown in progress.");
  EXPECT_EQ(client("DEBUG", "PAUSE-CRON", "1"), "+OK");
  server.signal(SIGTERM);
  EXPECT_TRUE(eventually([&] { return client("SHUTDOWN", "ABORT") == "+OK"; }));
  EXPECT_TRUE(server.logged("Shutdown manually aborted."));
  EXPECT_EQ(client("DEBUG", "PAUSE-CRON", "0"), "+OK");
  EXPECT_EQ(client("PING"), "+PONG");
  EXPECT_EQ(client("DEBUG", "PAUSE-CRON", "1"), "+OK");
  server.signal(SIGTERM);
  EXPECT_EQ(client("DEBUG", "PAUSE-CRON", "0"), "+OK");
  EXPECT_EQ(server.wait_exit(), 0);
}

class FirstLog
    : public ::testing::TestWithParam<std::tuple<std::vector<std::string>, std::string>> {};

// The operator's file says appendonly yes by then, as it does after CONFIG REWRITE.
TEST_P(FirstLog, KilledAtAnyMomentOfItsCreationLeavesADirectoryThatStartsWithTheLogOn) {
  const auto& [command, failpoint] = GetParam();
  TempDirectory directory;
  {
    TestServer server(directory, {"--save", "", "--failpoint", failpoint + ":kill"});
    ASSERT_TRUE(server.is_ready());
    TestClient client = server.client();
    client("SET", "before", "1");
    client.send(TestClient::encode(command));
    ASSERT_EQ(server.wait_exit(), -SIGKILL) << "the failpoint is on the way";
  }
  TestServer server(directory, kAof);
  ASSERT_TRUE(server.is_ready()) << server.log();
  EXPECT_EQ(server.client()("SET", "after", "1"), "+OK");
  server.restart();
  ASSERT_TRUE(server.is_ready()) << server.log();
  EXPECT_EQ(server.client()("GET", "after"), "1");
}

INSTANTIATE_TEST_SUITE_P(
    Killed, FirstLog,
    ::testing::Combine(
        ::testing::Values(std::vector<std::string>{"CONFIG", "SET", "appendonly", "yes"},
                          std::vector<std::string>{"BGREWRITEAOF"}),
        ::testing::Values("aof/rewrite/before-fork", "aof/rewrite/after-fork",
                          "aof/rewrite/after-switch", "aof/rewrite/before-base-rename",
                          "aof/rewrite/after-base-rename", "manifest/write/before",
                          "manifest/sync/before", "manifest/rename/before", "manifest/rename/after",
                          "manifest/directory-sync/after", "manifest/write/before:2",
                          "manifest/sync/before:2", "manifest/rename/before:2",
                          "manifest/rename/after:2", "manifest/directory-sync/after:2")));

// Stands in for systemd: a datagram socket that NOTIFY_SOCKET names.
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~NotifySocket() {
    ::unsetenv("NOTIFY_SOCKET");
    ::close(fd_);
  }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  // Everything that has arrived so far.
  const std::string& heard() {
    std::array<char, 4096> bytes = {};
    for (ssize_t count = 0; (count = ::recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT)) > 0;) {
      heard_.append(bytes.data(), static_cast<std::size_t>(count));
    }
    return heard_;
  }

 private:
  int fd_;
  std::string heard_;
};

class Supervised : public ::testing::TestWithParam<std::string> {};

TEST_P(Supervised, SystemdHearsOfTheStartOnceTheDataIsLoadedAndOfTheEnd) {
  TempDirectory directory;
  NotifySocket systemd(directory.file("notify"));
  TestServer server(directory, {"--save", "", "--supervised", GetParam()});
  ASSERT_TRUE(server.is_ready()) << server.log();
  EXPECT_TRUE(eventually([&] { return systemd.heard().find("READY=1\n") != std::string::npos; }));
  EXPECT_THAT(systemd.heard(), Not(HasSubstr("STOPPING")));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(), 0);
  EXPECT_THAT(systemd.heard(), HasSubstr("STOPPING=1\n"));
}

INSTANTIATE_TEST_SUITE_P(Directive, Supervised, ::testing::Values("systemd", "auto"));

TEST(Start, UnsupervisedTellsNobody) {
  TempDirectory directory;
  NotifySocket systemd(directory.file("notify"));
  TestServer server(directory, {"--save", ""});
  ASSERT_TRUE(server.is_ready());
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(), 0);
  EXPECT_EQ(systemd.heard(), "");
}

TEST(Start, WithFewerDescriptorsThanTheServerNeedsForItselfIsRefused) {
  TempDirectory directory;
  // Without the capability by which root raises the hard limit.
  const std::string prefix =
      ::geteuid() == 0 ? "setpriv --bounding-set=-sys_resource --inh-caps=-sys_resource " : "";
  const testing::Finished refused = testing::run_command(
      "bash -c 'ulimit -n 20; exec timeout 20 " + prefix + CRASHPOINT_ENGINE_BINARY +
      " --port 0 --unixsocket " + directory.file("socket") + " --dir " + directory.path() + "'");
  EXPECT_EQ(refused.status, 1) << refused.output;
  EXPECT_THAT(refused.output, HasSubstr("'ulimit -n' is not enough for the server to start"));
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
