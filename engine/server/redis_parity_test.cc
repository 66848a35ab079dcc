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

// What a server logged after its start, without times, process ids and figures, sorted: the engine
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

// Every command that writes, also where it has nothing to do.
constexpr std::string_view kWrites = R"(
    SET a 1 | SET a 2 EX 100 | SET a 3 PX 100000 NX | SET a 3 PXAT 99999999999999 |
    SET a 3 EXAT 9999999999 | SET a 4 KEEPTTL | SET a 5 GET | SET a 6 GET EX 100 |
    SET a 7 XX GET KEEPTTL | SET nx 1 NX | SET nx 1 NX | SETNX nn 1 | SETNX nn 1 | SETEX s 100 v |
    PSETEX s 100000 v | GETEX s EX 50 | GETEX s PERSIST |
    GETEX s | GETEX s PXAT 1 | GETSET g 1 | GETSET g 2 | GETDEL g | GETDEL g | INCR n |
    INCRBY n 5 | DECR n | DECRBY n 3 | INCRBYFLOAT n 1.5 | INCRBYFLOAT n 0 | APPEND ap x |
    APPEND ap y | SETRANGE ap 3 zz | SETRANGE ap 0 @ | MSET m1 1 m2 2 | MSETNX m3 1 m4 2 |
    MSETNX m3 1 m5 2 | SETBIT b 7 1 | SETBIT b 7 1 | BITOP AND bd b ap |
    BITOP AND bd nokey1 nokey2 | BITFIELD bf SET u8 0 255 INCRBY u8 0 1 | BITFIELD bf GET u8 0 |
    BITFIELD bf OVERFLOW FAIL INCRBY u8 0 255 | EXPIRE n 100 | EXPIRE n 100 NX | EXPIRE n 200 GT |
    PEXPIRE n 100000 | EXPIREAT n 9999999999 | PEXPIREAT n 9999999999000 | PERSIST n | PERSIST n |
    EXPIRE n -1 | EXPIRE nokey 1 | RPUSH l a b c d e f g h | LPUSH l z | LPUSHX l y |
    RPUSHX nol y | LPOP l | RPOP l 2 | LPOP l 0 | LPOP nol | LMPOP 2 nol l LEFT COUNT 2 |
    LSET l 0 q | LSET l 99 q | LINSERT l BEFORE q r | LINSERT l BEFORE zzz r | LREM l 0 zzz |
    LREM l 0 q | LTRIM l 0 1 | LMOVE l l2 LEFT RIGHT | RPOPLPUSH l l2 |
    BLMOVE l2 l3 LEFT RIGHT 0 | BRPOPLPUSH l3 l2 0 | BLPOP l2 0 | BRPOP nol l2 0 |
    RPUSH l2 1 2 3 | BLMPOP 0 1 l2 LEFT COUNT 2 | BLPOP l2 0 | HSET h a 1 b 2 | HSET h a 1 |
    HSETNX h a 2 | HSETNX h c 2 | HMSET h d 1 | HINCRBY h a 1 | HINCRBYFLOAT h a 1.5 | HDEL h zz |
    HDEL h a b | HDEL h c d | SADD s1 a b c 1 2 3 | SADD s1 a | SREM s1 zz | SREM s1 a |
    SMOVE s1 s2 b | SMOVE s1 s2 zz | SINTERSTORE d s1 s2 | SUNIONSTORE d s1 s2 |
    SDIFFSTORE d s1 s1 | SADD s3 x | SPOP s3 5 | SADD s4 1 2 3 | SPOP s4 0 | ZADD z 1 a 2 b 3 c |
    ZADD z 1 a | ZADD z XX CH 5 a | ZADD z INCR 1 a | ZADD z NX INCR 1 a | ZINCRBY z 2 a |
    ZINCRBY z 0 a | ZREM z zz | ZREM z a | ZPOPMIN z | ZADD z 1 a 2 b 3 c 4 d 5 e 6 f |
    ZPOPMAX z 2 | ZMPOP 1 z MIN COUNT 2 | BZPOPMIN z 0 | BZMPOP 0 1 z MAX |
    ZADD z 1 a 2 b 3 c 4 d | ZRANGESTORE zd z 0 1 | ZRANGESTORE zd z 8 9 | ZUNIONSTORE zu 2 z zu |
    ZINTERSTORE zi 2 z zu | ZDIFFSTORE zf 2 z zu | ZREMRANGEBYRANK z 0 0 |
    ZREMRANGEBYSCORE z 90 91 | ZREMRANGEBYLEX z [zz [zzz | DEL nokey | DEL a | UNLINK nn nokey |
    SET r1 1 EX 100 | RENAME r1 r2 | RENAMENX r2 r3 | COPY r3 r4 | COPY r3 r4 REPLACE |
    COPY r3 nokey9 DB 3 | MOVE r3 4 | SORT zu BY nosort ALPHA STORE so | SORT nokeyz STORE so |
    GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania | GEOADD g CH 1 1 a 2 2 b |
    GEOADD g nx 1 1 a | GEOADD g XX CH 2 1 a | GEOPOS g a | GEORADIUS g 15 37 200 km STORE gs |
    GEORADIUS g 15 37 200 km | GEORADIUS g 15 37 1 m STORE gs | GEORADIUS g 15 37 1 m STORE gs |
    GEORADIUSBYMEMBER g a 500 km STOREDIST gs | GEORADIUS nokey 1 1 1 km STORE gs |
    GEOSEARCHSTORE gs g FROMLONLAT 15 37 BYBOX 400 400 km COUNT 1 |
    GEOSEARCH g FROMMEMBER a BYRADIUS 1 km | PFADD p a b | PFADD p a | PFADD p | PFADD pe | PFCOUNT p | PFCOUNT p | PFCOUNT p pe |
    PFMERGE pm p pe | PFDEBUG TODENSE pm | PFDEBUG TODENSE pm | PFDEBUG DECODE p |
    SWAPDB 0 5 | SWAPDB 0 0 | SELECT 5 | SET q 1 | FLUSHDB | FLUSHDB ASYNC | SELECT 0 | FLUSHALL |
    FLUSHALL SYNC | MULTI | SET t 1 | EXEC | MULTI | SET t 1 | SET t 2 | EXEC | MULTI | GET t |
    EXEC | MULTI | SELECT 3 | SET u 1 | SELECT 0 | SET v 1 | EXEC | MULTI | EXEC | MULTI |
    SET w 1 | EXEC | SELECT 2 | MULTI | SET x 1 | SET y 1 | EXEC | SELECT 0 | SET end 1
)";

std::vector<std::vector<std::string>> writes() {
  std::istringstream words{std::string(kWrites)};
  std::vector<std::vector<std::string>> commands(1);
  for (std::string word; words >> word;) {
    if (word == "|") {
      commands.emplace_back();
    } else {
      commands.back().push_back(word);
    }
  }
  return commands;
}

// Times that were relative are taken from the clock of each server.
std::string without_times(const std::string& bytes) {
  return std::regex_replace(bytes, std::regex("\r\n1[0-9]{12}\r\n"), "\r\n<now>\r\n");
}

TEST(AppendOnlyFileParity, WithAofChecksumNoTheLogHasTheBytesOfRedis) {
  std::vector<std::string> logs;
  for (const auto kind : {TestServer::Kind::kEngine, TestServer::Kind::kRedis}) {
    TempDirectory directory;
    // Under everysec redis-server may put a write off while an fsync runs.
    std::vector<std::string> arguments = {"--save",        "",  "--appendonly", "yes",
                                          "--appendfsync", "no"};
    if (kind == TestServer::Kind::kEngine) {
      arguments.insert(arguments.end(), {"--aof-checksum", "no"});
    }
    TestServer server(directory, arguments, kind);
    ASSERT_TRUE(server.is_ready()) << server.log();
    TestClient client = server.client();
    for (const auto& command : writes()) {
      client.command(command);
    }
    logs.push_back(without_times(directory.read("appendonlydir/appendonly.aof.1.incr.aof")));
  }
  EXPECT_THAT(logs[0], HasSubstr("$3\r\nend\r\n"));
  EXPECT_EQ(logs[0], logs[1]);
}

// Every event of every write, in its order.
TEST_F(RedisParity, KeyspaceEventsAreTheSame) {
  std::vector<std::vector<std::string>> events;
  for (TestServer* server : {&engine_, &redis_}) {
    TestClient subscriber = server->client();
    TestClient client = server->client();
    client("CONFIG", "SET", "notify-keyspace-events", "KEAmn");
    client("CONFIG", "SET", "save", "");
    subscriber("PSUBSCRIBE", "*");
    for (const auto& command : writes()) {
      client.command(command);
    }
    client("SET", "expiring", "x", "PX", "1");
    EXPECT_TRUE(eventually([&client] { return client("GET", "expiring") == "(nil)"; }));
    client("CONFIG", "SET", "notify-keyspace-events", "El");
    client("SET", "a", "1");
    client("LPUSH", "list", "a");
    client("PUBLISH", "end", "of it");
    events.emplace_back();
    while (events.back().empty() || events.back().back() != "[pmessage, *, end, of it]") {
      events.back().push_back(subscriber.read_reply());
      ASSERT_NE(events.back().back(), "(timeout)");
    }
    std::erase_if(events.back(), [](const std::string& event) {  // how often the test has looked
      return event.find("keymiss") != std::string::npos &&
             event.find("expiring") != std::string::npos;
    });
  }
  ASSERT_GT(events[0].size(), 300u);
  EXPECT_THAT(events[0], ElementsAreArray(events[1]));
}

}  // namespace
}  // namespace engine::server
