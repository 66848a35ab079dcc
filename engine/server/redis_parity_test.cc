// CONFIG and INFO held against Debian's redis-server 7.0.15: the same questions to both.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "engine/testing/test_server.h"

namespace engine::server {
namespace {

using ::testing::ElementsAreArray;
using testing::eventually;
using ::testing::HasSubstr;
using testing::TempDirectory;
using testing::TestClient;
using testing::TestServer;

class RedisParity : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(engine_.is_ready()) << engine_.log();
    ASSERT_TRUE(redis_.is_ready()) << redis_.log();
  }

  TempDirectory engine_directory_;
  TempDirectory redis_directory_;
  TestServer engine_{engine_directory_, {}};
  TestServer redis_{redis_directory_, {}, TestServer::Kind::kRedis};
};

std::map<std::string, std::string> pairs_of(const std::string& array) {
  std::map<std::string, std::string> pairs;
  std::istringstream stream(array.substr(1, array.size() - 2) + ", ");
  std::string name;
  std::string value;
  const auto next = [&stream](std::string& item) {
    item.clear();
    for (char c; stream.get(c);) {
      item += c;
      if (item.ends_with(", ")) {
        item.resize(item.size() - 2);
        return true;
      }
    }
    return false;
  };
  while (next(name) && next(value)) {
    pairs[name] = value;
  }
  return pairs;
}

TEST_F(RedisParity, EveryDirectiveIsThereWithTheSameDefault) {
  // Ours: loopback only (a safer default), its own path names, and no Lua, ACL or TLS to configure.
  const std::set<std::string> different = {"bind", "dir", "unixsocket"};
  const auto ours = pairs_of(engine_.client()("CONFIG", "GET", "*"));
  const auto theirs = pairs_of(redis_.client()("CONFIG", "GET", "*"));
  ASSERT_GT(theirs.size(), 150u);
  for (const auto& [name, value] : theirs) {
    ASSERT_TRUE(ours.contains(name)) << name;
    if (!different.contains(name)) {
      EXPECT_EQ(ours.at(name), value) << name;
    }
  }
}

TEST_F(RedisParity, HiddenDirectivesAnswerToTheirName) {
  for (const char* name : {"rdb-key-save-delay", "key-load-delay", "watchdog-period",
                           "loading-process-events-interval-bytes", "use-exit-on-panic"}) {
    EXPECT_EQ(engine_.client()("CONFIG", "GET", name), redis_.client()("CONFIG", "GET", name));
  }
}

TEST_F(RedisParity, ConfigCommandsGetTheSameAnswer) {
  const std::vector<std::vector<std::string>> commands = {
      {"CONFIG", "SET", "maxclients", "abc"},
      {"CONFIG", "SET", "hz", "-1"},
      {"CONFIG", "SET", "hz", "5000"},
      {"CONFIG", "GET", "hz"},
      {"CONFIG", "SET", "databases", "3"},
      {"CONFIG", "SET", "dir", "/tmp"},
      {"CONFIG", "SET", "nosuch", "1"},
      {"CONFIG", "SET", "hz", "20", "nosuch", "3"},
      {"CONFIG", "SET", "maxmemory", "1gb", "hz", "3", "HZ", "4"},
      {"CONFIG", "SET", "hz", "33", "timeout", "x"},  // nothing of it happens
      {"CONFIG", "GET", "hz"},
      {"CONFIG", "SET", "maxmemory", "1gb", "timeout", "7"},
      {"CONFIG", "GET", "maxmemory"},
      {"CONFIG", "GET", "timeout"},
      {"CONFIG", "SET", "maxmemory", "0"},
      {"CONFIG", "SET", "hash-max-listpack-entries", "10", "hash-max-ziplist-entries", "11"},
      {"CONFIG", "GET", "hash-max-listpack-entries"},
      {"CONFIG", "SET", "save", "60"},
      {"CONFIG", "SET", "save", "60 100 20 3"},
      {"CONFIG", "GET", "save"},
      {"CONFIG", "SET", "save", ""},
      {"CONFIG", "GET", "save"},
      {"CONFIG", "SET", "client-output-buffer-limit", "normal 1mb 2 3"},
      {"CONFIG", "GET", "client-output-buffer-limit"},
      {"CONFIG", "SET", "notify-keyspace-events", "Kg$"},
      {"CONFIG", "GET", "notify-keyspace-events"},
      {"CONFIG", "SET", "maxclients", "1000000"},
      {"CONFIG", "SET", "appendfsync", "Always"},
      {"CONFIG", "GET", "appendfsync"},
      {"CONFIG", "SET", "hz"},
      {"CONFIG", "GET"},
      {"CONFIG", "NOSUCH"},
      {"CONFIG", "RESETSTAT"},
      {"CONFIG", "REWRITE"},
      {"DEBUG", "RELOAD"},
      {"SHUTDOWN", "ABORT"},
      {"SHUTDOWN", "NOSAVE", "SAVE", "x"},
      {"INFO", "nosuchsection"},
  };
  TestClient ours = engine_.client();
  TestClient theirs = redis_.client();
  for (const auto& command : commands) {
    EXPECT_EQ(ours.command(command), theirs.command(command)) << command[0] << " " << command[1];
  }
}

// "# Section" and the names of its fields, in order.
std::vector<std::string> shape(const std::string& info) {
  std::vector<std::string> names;
  std::istringstream lines(info);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) {
      names.push_back(line);
    } else if (line != "\r") {
      names.push_back(line.substr(0, line.find(':')));
    }
  }
  return names;
}

class InfoSection : public RedisParity, public ::testing::WithParamInterface<const char*> {};

TEST_P(InfoSection, HasTheFieldsOfRedisInItsOrder) {
  for (TestServer* server : {&engine_, &redis_}) {
    TestClient client = server->client();
    client("SET", "a", "1");
    client("CONFIG", "SET", "appendonly", "yes");  // aof_... fields exist only then
  }
  EXPECT_THAT(shape(engine_.client()("INFO", GetParam())),
              ElementsAreArray(shape(redis_.client()("INFO", GetParam()))));
}

INSTANTIATE_TEST_SUITE_P(Sections, InfoSection,
                         ::testing::Values("server", "clients", "memory", "persistence", "stats",
                                           "replication", "cpu", "cluster", "keyspace", "default",
                                           "modules"),
                         [](const auto& tested) { return std::string(tested.param); });

TEST_F(RedisParity, CommandstatsAndErrorstatsCountAlike) {
  for (TestServer* server : {&engine_, &redis_}) {
    TestClient client = server->client();
    client("SET", "a", "1");
    client("GET", "a");
    client("GET", "a");
    client("LPUSH", "a", "1");
    client("NOSUCH");
  }
  const auto counts = [](TestServer& server) {
    std::vector<std::string> lines;
    TestClient client = server.client();
    std::istringstream info(client("INFO", "commandstats", "errorstats"));
    for (std::string line; std::getline(info, line);) {
      // Without the times, which differ.
      const std::size_t usec = line.find(",usec=");
      const std::size_t rejected = line.find(",rejected");
      if (usec != std::string::npos && rejected != std::string::npos) {
        line.erase(usec, rejected - usec);
      }
      if (line.starts_with("cmdstat_get") || line.starts_with("cmdstat_lpush") ||
          line.starts_with("errorstat")) {
        lines.push_back(line);
      }
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  };
  EXPECT_THAT(counts(engine_), ElementsAreArray(counts(redis_)));
}

TEST_F(RedisParity, LatenciesOfCommandsAreShownAlike) {
  std::vector<std::string> shown;
  for (TestServer* server : {&engine_, &redis_}) {
    TestClient client = server->client();
    client("SET", "a", "1");
    client("SET", "a", "2");
    const std::string text =
        client("LATENCY", "HISTOGRAM", "get", "nosuch", "set") + client("INFO", "latencystats");
    // The durations are chance.
    shown.push_back(std::regex_replace(
        std::regex_replace(text.substr(0, text.find("latency_percentiles_usec_s")),
                           std::regex("=[0-9.]+"), "="),
        std::regex("_usec, \\[[^\\]]*"), "_usec, ["));
    client("CONFIG", "SET", "latency-tracking", "no");
    client("CONFIG", "RESETSTAT");
    shown.back() += client("LATENCY", "HISTOGRAM");
  }
  EXPECT_THAT(shown[0], HasSubstr("[set, [calls, :2, histogram_usec, []]]"));
  EXPECT_EQ(shown[0].substr(0, 50), shown[1].substr(0, 50));
  EXPECT_TRUE(shown[0].ends_with("[]") && shown[1].ends_with("[]"));
}

// What a server logged behind its start, without times, process ids and figures, sorted: the engine
// creates an increment once the fork has succeeded, redis-server before.
std::vector<std::string> messages(const TestServer& server) {
  std::vector<std::string> lines;
  std::istringstream log(server.log());
  bool started = false;
  for (std::string line; std::getline(log, line);) {
    if (started && line.find("fsync is taking too long") == std::string::npos) {
      line = std::regex_replace(line, std::regex("^[0-9]+:(.) .{24} "), "$1 ");
      lines.push_back(std::regex_replace(line, std::regex("(pid |bg-)[0-9]+|[0-9]+ MB"), "$1N"));
    }
    started |= line.find("ready to accept connections") != std::string::npos;
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST_F(RedisParity, TheLogTellsTheSameOfRewritesAndSnapshots) {
  for (TestServer* server : {&engine_, &redis_}) {
    TestClient client = server->client();
    const auto children_are_done = [&client] {
      const std::string info = client("INFO", "persistence");
      return info.find("_in_progress:1") == std::string::npos &&
             info.find("aof_rewrite_scheduled:1") == std::string::npos;
    };
    const std::vector<std::vector<std::string>> commands = {
        {"CONFIG", "SET", "save", ""},
        {"SET", "a", "1"},
        {"CONFIG", "SET", "appendonly", "yes"},
        {"BGREWRITEAOF"},
        {"BGSAVE"},
        {"SAVE"},
        {"CONFIG", "SET", "appendonly", "no"},
        {"CONFIG", "SET", "appendonly", "yes"},
        {"SHUTDOWN", "NOSAVE"},
    };
    for (const auto& command : commands) {
      client.command(command);
      ASSERT_TRUE(command[0] == "SHUTDOWN" || eventually(children_are_done)) << server->log();
    }
    ASSERT_EQ(server->wait_exit(), 0);
  }
  EXPECT_THAT(messages(engine_), ElementsAreArray(messages(redis_)));
}

}  // namespace
}  // namespace engine::server
