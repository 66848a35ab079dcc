// The same dialogues of several clients with the engine and with Debian's redis-server 7.0.15: what
// each client is sent must be the same, byte for byte.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <regex>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/text.h"
#include "engine/testing/test_server.h"

namespace engine::server {
namespace {

using testing::TestClient;
using testing::TestServer;

// Lines of "client WORDS": the client sends them; with "..." after them the test then waits until
// the client is sent something. Behind each line stands in the transcript what any client has then
// been sent.
struct Dialogue {
  const char* name;
  const char* lines;
};
std::ostream& operator<<(std::ostream& out, const Dialogue& dialogue) {
  return out << dialogue.name;
}

// What differs from run to run: times, addresses, numbers of clients and descriptors, sizes of
// buffers.
std::string without_chance(std::string text) {
  static const std::pair<std::regex, const char*> kVaries[] = {
      {std::regex(" (addr|laddr)=[^ \r\n]*"), " $1="},
      {std::regex("\\b(id|fd|age|idle|qbuf|qbuf-free|argv-mem|multi-mem|rbs|rbp|obl|oll|omem|tot-"
                  "mem)=[0-9]+"),
       "$1="},
      {std::regex("(id\r\n):[0-9]+"), "$1:N"},
      {std::regex("\\+[0-9.]+ \\[0 [^\\]]*\\] \"PING\"\r\n"), ""},  // of the control
      {std::regex("[0-9]{10}\\.[0-9]{6} \\[([0-9]+) [^\\]]*\\]"), "TIME [$1 ADDRESS]"},
  };
  for (const auto& [pattern, replacement] : kVaries) {
    text = std::regex_replace(text, pattern, replacement);
  }
  // The length of such a text varies with it.
  return std::regex_replace(text, std::regex("[$=][0-9]+\r\n((txt:)?id=)"), "$$N\r\n$1");
}

class Stage {
 public:
  explicit Stage(const TestServer& server) : server_(server), control_(server.client()) {
    control_("FLUSHALL");
  }

  std::string transcript(std::string_view lines) {
    std::istringstream stream{std::string(lines)};
    std::string text;
    for (std::string line; std::getline(stream, line);) {
      line.erase(0, line.find_first_not_of(' '));
      if (!line.empty()) {
        text += "> " + line + "\n" + perform(line);
      }
    }
    return text;
  }

 private:
  std::string perform(const std::string& line) {
    std::vector<std::string> words = split_words(line).value();
    const std::string name = words[0];
    words.erase(words.begin());
    auto& client = clients_[name];
    if (!client) {
      client = std::make_unique<TestClient>(server_.socket());
      (*client)("PING");  // accepted
    }
    const bool waits = words.back() == "...";
    if (waits) {
      words.pop_back();
    }
    EXPECT_TRUE(client->send(TestClient::encode(words)) || line.find("PING") != std::string::npos);
    std::string sent = waits ? client->take_sent(true) : "";
    // What this line brought about is on its way once the server has finished a turn after it.
    control_("PING");
    control_("PING");
    std::string text;
    for (auto& [other, its_client] : clients_) {
      std::string bytes = (other == name ? sent : "") + its_client->take_sent(false);
      if (!bytes.empty()) {
        text += other + "< " + quote(without_chance(bytes)) + "\n";
      }
    }
    return text;
  }

  const TestServer& server_;
  TestClient control_;
  std::map<std::string, std::unique_ptr<TestClient>> clients_;
};

class Dialogues : public ::testing::TestWithParam<Dialogue> {
 protected:
  static void SetUpTestSuite() {
    engine_directory_ = std::make_unique<TempDirectory>();
    redis_directory_ = std::make_unique<TempDirectory>();
    const std::vector<std::string> arguments = {"--save", "", "--enable-debug-command", "yes"};
    engine_ = std::make_unique<TestServer>(*engine_directory_, arguments);
    redis_ = std::make_unique<TestServer>(*redis_directory_, arguments, TestServer::Kind::kRedis);
    ASSERT_TRUE(engine_->is_ready()) << engine_->log();
    ASSERT_TRUE(redis_->is_ready()) << redis_->log();
  }
  static void TearDownTestSuite() {
    engine_.reset();
    redis_.reset();
    engine_directory_.reset();
    redis_directory_.reset();
  }

  static inline std::unique_ptr<TempDirectory> engine_directory_;
  static inline std::unique_ptr<TempDirectory> redis_directory_;
  static inline std::unique_ptr<TestServer> engine_;
  static inline std::unique_ptr<TestServer> redis_;
};

TEST_P(Dialogues, AreTheSameWithRedis) {
  EXPECT_EQ(Stage(*engine_).transcript(GetParam().lines),
            Stage(*redis_).transcript(GetParam().lines));
}

constexpr Dialogue kDialogues[] = {
    {"Resp3", R"(
      a HELLO
      a PING
      a HELLO 3 SETNAME me
      a HSET h f 1.5 g x
      a HGETALL h
      a SADD s 1
      a SMEMBERS s
      a ZADD z 1.5 a 2 b
      a ZRANGE z 0 -1 WITHSCORES
      a ZSCORE z a
      a ZSCORE z none
      a ZMSCORE z a none
      a ZPOPMIN z
      a ZPOPMIN z 5
      a ZRANDMEMBER none 3
      a GET none
      a LPOP none
      a LPOP none 2
      a BLPOP none 0.01 ...
      a SET s x GET
      a SET n 1
      a INCRBYFLOAT n 0.5
      a CONFIG GET maxmemory
      a CLIENT GETNAME
      a CLIENT INFO
      a CLIENT LIST
      a COMMAND INFO nosuch
      a COMMAND COUNT x
      a HRANDFIELD h 5 WITHVALUES
      a LRANGE none 0 -1
      a MULTI
      a GET none
      a HGETALL h
      a EXEC
      a XX
      a MEMORY USAGE none
      a OBJECT ENCODING none
      a EXISTS h
      a SPOP none
      a SRANDMEMBER none
      a ZRANK z none
      a HELLO 2
      a HGETALL h
      a HELLO 4
      a HELLO 3 AUTH default
      a HELLO 3 AUTH default x
      a HELLO 3 SETNAME "a b"
      a HELLO x
      a HELLO 2 BAD
      a RESET
      a CLIENT GETNAME
    )"},
    {"Auth", R"(
      a AUTH x
      a AUTH default x
      a AUTH other x
      a AUTH a b c
      a CONFIG SET requirepass secret
      a GET k
      b GET k
      b PING
      b HELLO 3
      b AUTH wrong
      b AUTH default wrong
      b MULTI
      b EXEC
      b QUIT extra
      c AUTH secret
      c GET k
      c RESET
      c GET k
      c HELLO 3 AUTH default secret SETNAME me
      c CLIENT GETNAME
      c NOSUCH
      d NOSUCH
      d AUTH
      a CONFIG SET requirepass ""
      d GET k
      e GET k
    )"},
    {"PubSub", R"(
      a SUBSCRIBE ch1 ch2 ch1
      b PUBLISH ch1 hello
      a PSUBSCRIBE ch*
      b PUBLISH ch1 hello
      b PUBSUB CHANNELS ch1*
      b PUBSUB NUMSUB ch1 ch2 ch3
      b PUBSUB NUMPAT
      b PUBSUB SHARDCHANNELS
      a GET k
      a PING
      a PING msg
      a UNSUBSCRIBE ch1 nosuch
      a UNSUBSCRIBE
      a PUNSUBSCRIBE ch*
      a PUNSUBSCRIBE
      a GET k
      a UNSUBSCRIBE
      a PUNSUBSCRIBE x y
      c HELLO 3
      c SUBSCRIBE ch1
      c GET k
      c PUBLISH ch1 mine
      c PSUBSCRIBE *
      b PUBLISH ch1 x
      c MULTI
      c PUBLISH ch1 in
      c EXEC
      c RESET
      b PUBLISH ch1 y
      d SSUBSCRIBE sh
      b SPUBLISH sh 1
      b PUBSUB SHARDNUMSUB sh x
      d SUNSUBSCRIBE
      d SUBSCRIBE ch1
      d CLIENT LIST
      d QUIT
      e MULTI
      e SUBSCRIBE ch9
      e PING
      e EXEC
      e PING
      b PUBSUB HELP
      b PUBSUB NOSUCH
      b PUBSUB CHANNELS ch9* extra
      b PUBLISH ch1
      b SUBSCRIBE
    )"},
    {"Transactions", R"(
      a MULTI
      a MULTI
      a SET k 1
      a GET
      a EXEC
      a EXEC
      a DISCARD
      a WATCH k
      b SET k 2
      a MULTI
      a SET k 3
      a EXEC
      a GET k
      a WATCH k
      a UNWATCH
      b SET k 4
      a MULTI
      a INCR k
      a LPUSH k x
      a INCR k
      a EXEC
      a MULTI
      a WATCH k
      a DISCARD
      a WATCH none
      b SET none 1
      b DEL none
      a MULTI
      a PING
      a EXEC
      a WATCH k
      b FLUSHALL
      a MULTI
      a PING
      a EXEC
      a SET k 1 PX 100000
      a WATCH k
      b PEXPIRE k 0
      a MULTI
      a PING
      a EXEC
      a WATCH w
      b SELECT 1
      b SET w 1
      a MULTI
      a PING
      a EXEC
      a WATCH w
      b SWAPDB 0 1
      a MULTI
      a PING
      a EXEC
      a MULTI
      a SAVE
      a EXEC
      a MULTI
      a SHUTDOWN
      a EXEC
      a MULTI
      a BLPOP none 0
      a BRPOPLPUSH none x 0
      a BZPOPMIN none 0
      a SELECT 2
      a SET in2 1
      a SCAN 0
      a DEBUG SLEEP 0
      a CLIENT SETNAME me
      a CLIENT GETNAME
      a EXEC
      a DBSIZE
      a UNWATCH extra
      a EXEC extra
      a MULTI extra
      a MULTI
      a RESET
      a EXEC
      a MULTI
      a QUIT
      a PING
    )"},
    {"Blocking", R"(
      a BLPOP l1 l2 0
      b RPUSH l2 x y
      b LRANGE l2 0 -1
      a BRPOP l2 0
      a BLPOP l2 0.01 ...
      a BLMOVE l1 l3 LEFT RIGHT 0
      b RPUSH l1 1 2 3
      b LRANGE l3 0 -1
      a BRPOPLPUSH l4 l5 0
      c BLPOP l5 0
      b LPUSH l4 v
      a BLMPOP 0 2 l6 l7 LEFT COUNT 2
      b RPUSH l7 a b c
      a BZPOPMIN z1 z2 0
      b ZADD z2 2 b 1 a
      a BZPOPMAX z2 0
      a BZMPOP 0 1 z9 MAX COUNT 5
      b ZADD z9 1 a 2 b
      a HELLO 3
      a BZPOPMIN z8 0
      b ZADD z8 1.5 a
      a BZMPOP 0 1 z8 MIN
      b ZADD z8 1.5 a
      a BLPOP q 0
      b MULTI
      b RPUSH q 1
      b DEL q
      b EXEC
      b SET q string
      b DEL q
      b RPUSH q 7
      a BLPOP q 0
      c BLPOP q 0
      b RPUSH q 1 2
      a BLPOP s 0
      b SADD s x
      b DEL s
      b RPUSH s2 x
      b RENAME s2 s
      a BLPOP t 0
      b RPUSH t2 x
      b COPY t2 t
      a BLPOP u 0
      b CLIENT LIST
      b RPUSH u v
      a BLPOP x 0
      b SELECT 3
      b RPUSH x 1
      b SWAPDB 0 3
      a CLIENT ID EXTRA
      a BLPOP wrong -1
      a BLPOP wrong x
      a BLMPOP 0 0 x LEFT
      a BLMPOP 0 1 x MIDDLE
      a BLMPOP 0 1 x LEFT COUNT 0
      b SELECT 0
      b SET str x
      a BLPOP str 0
      a BLMOVE src str LEFT LEFT 0
      b RPUSH src 1
      b LRANGE src 0 -1
      b SORT src STORE dst
      a BLPOP dst 0
    )"},
    {"ClientCommands", R"(
      a CLIENT SETNAME one
      a CLIENT SETNAME "o n e"
      a CLIENT GETNAME
      b CLIENT SETNAME two
      a CLIENT LIST TYPE normal
      a CLIENT LIST TYPE pubsub
      a CLIENT LIST TYPE replica
      a CLIENT LIST TYPE x
      a CLIENT LIST ID 999999
      a CLIENT LIST ID x
      a CLIENT LIST BAD
      a CLIENT INFO
      a CLIENT KILL 1.2.3.4:5
      a CLIENT KILL ID 99999
      a CLIENT KILL ID x
      a CLIENT KILL TYPE pubsub
      a CLIENT KILL TYPE x
      a CLIENT KILL USER nosuch
      a CLIENT KILL ADDR 1.2.3.4:5 SKIPME no
      a CLIENT KILL LADDR 1.2.3.4:5 SKIPME maybe
      a CLIENT KILL
      a CLIENT NO-EVICT on
      a CLIENT INFO
      a CLIENT NO-EVICT off
      a CLIENT NO-EVICT x
      a CLIENT REPLY x
      a CLIENT REPLY OFF
      a PING
      a CLIENT REPLY SKIP
      a CLIENT REPLY ON
      a CLIENT REPLY SKIP
      a PING
      a PING
      a CLIENT UNBLOCK 99999
      a CLIENT UNBLOCK x
      a CLIENT UNBLOCK 99999 BAD
      a CLIENT PAUSE x
      a CLIENT PAUSE 10 BAD
      a CLIENT PAUSE 100000 WRITE
      b GET k
      b SET k 1
      a CLIENT UNPAUSE
      a CLIENT NOSUCH
      a CLIENT
      b MULTI
      b SET k 1
      a CLIENT LIST
      b SUBSCRIBE x
      b EXEC
      a CLIENT LIST
    )"},
    {"Monitor", R"(
      m MONITOR
      a SET k "v\r\n\x01"
      a GET k extra
      a CONFIG GET x
      a AUTH x
      a AUTH user x
      a AUTH a b c
      a HELLO 3 AUTH default x
      a HELLO 3
      a SELECT 2
      a MULTI
      a GET x
      a EXEC
      m PING
      m RESET
      a PING
    )"},
    {"CommandCommands", R"(
      a COMMAND GETKEYS SET k v
      a COMMAND GETKEYS MSET a 1 b 2
      a COMMAND GETKEYS PING
      a COMMAND GETKEYS NOSUCH
      a COMMAND GETKEYS GET
      a COMMAND GETKEYS SORT k BY x STORE d
      a COMMAND GETKEYS ZUNIONSTORE d 2 a b
      a COMMAND GETKEYS LMPOP 2 a b LEFT
      a COMMAND GETKEYS BZMPOP 0 1 z MIN
      a COMMAND LIST FILTERBY PATTERN getd*
      a COMMAND LIST FILTERBY BAD x
      a COMMAND LIST FILTERBY MODULE x
      a COMMAND DOCS nosuch
      a COMMAND NOSUCH
      a GET
      a get
      a NOSUCH a b
      a nosuch "a\x00b"
      a OBJECT
      a OBJECT NOSUCH k
      a OBJECT HELP
      a CONFIG HELP
      a SLOWLOG HELP
    )"},
    {"Slowlog", R"(
      a CONFIG SET slowlog-log-slower-than -1
      a SLOWLOG RESET
      a SLOWLOG LEN
      a SLOWLOG GET x
      a SLOWLOG GET -2
      a SLOWLOG GET 1 2
      a SLOWLOG NOSUCH
      a SLOWLOG RESET
      a SLOWLOG GET
      a CONFIG SET slowlog-log-slower-than 10000
    )"},
    {"Latency", R"(
      a LATENCY LATEST
      a LATENCY HISTORY none
      a LATENCY HISTORY
      a LATENCY RESET none
      a LATENCY HISTOGRAM none
      a LATENCY NOSUCH
      a MEMORY PURGE
      a DEBUG CHANGE-REPL-ID
      a DEBUG QUICKLIST-PACKED-THRESHOLD 100b
      a DEBUG QUICKLIST-PACKED-THRESHOLD 5gb
      a DEBUG QUICKLIST-PACKED-THRESHOLD x
      a DEBUG QUICKLIST-PACKED-THRESHOLD 0
    )"},
    {"ObjectAndDump", R"(
      a SET s hello
      a DUMP s
      a DUMP none
      a RESTORE t 0 "\x00\x05hello\n\x00\x8f<T-a\xd1\xbd8"
      a RESTORE t 0 ""
      a RESTORE t -1 x
      a RESTORE t 0 x ABSTTL REPLACE FREQ 5 IDLETIME 4
      a RESTORE t 0 x FREQ 256
      a RESTORE t 0 x BAD
      a RESTORE s 0 x
      a OBJECT ENCODING s
      a OBJECT REFCOUNT s
      a OBJECT IDLETIME s
      a OBJECT FREQ s
      a SET i 12
      a OBJECT ENCODING i
      a DUMP i
      a RPUSH l a 1 b
      a DUMP l
      a ZADD z 1 a 2.5 b
      a DUMP z
      a HSET h a 1
      a DUMP h
      a SADD e 1 2 3
      a DUMP e
      a CONFIG SET maxmemory-policy allkeys-lfu
      a OBJECT FREQ s
      a OBJECT IDLETIME s
      a CONFIG SET maxmemory-policy noeviction
      a DEBUG SET-ACTIVE-EXPIRE 0
      a SET p v PX 1
      a DEBUG SLEEP 0.01
      a DBSIZE
      a EXISTS p
      a DBSIZE
      a DEBUG SET-ACTIVE-EXPIRE 1
      a DEBUG STRINGMATCH-LEN x
      a DEBUG NOSUCH
      a DEBUG POPULATE 3 p 4
      a GET p:1
      a DEBUG DIGEST
      a DEBUG DIGEST-VALUE p:0 none
      a DEBUG RELOAD
      a DEBUG DIGEST
    )"},
    {"ServerCommands", R"(
      a SELECT 16
      a SELECT x
      a SELECT -1
      a SWAPDB 0 99
      a FLUSHDB BAD
      a FLUSHALL ASYNC SYNC
      a FLUSHALL ASYNC
      a FLUSHDB SYNC
      a SHUTDOWN BAD
      a SHUTDOWN NOW SAVE NOSAVE
      a SHUTDOWN ABORT
      a SHUTDOWN ABORT NOW
      a BGSAVE BAD
      a BGSAVE SCHEDULE x
      a BGREWRITEAOF x
      a LASTSAVE x
      a TIME x
      a ROLE
      a CONFIG RESETSTAT x
      a CONFIG REWRITE
      a ECHO
      a PING a b
      a QUIT
      a PING
    )"},
    {"MistakesInRangesOfBits", R"(
      a SET k abc
      a BITPOS k 1 x 1 extra
      a BITPOS k 1 0 x extra
      a BITPOS k 1 0 x BIT
      a BITPOS k 2 x 0 extra
      a BITPOS k 1 0 1 BIT extra
      a BITCOUNT k 0 x extra
      a BITCOUNT k x 0 extra
      a BITCOUNT k 0 1 extra
      a BITCOUNT k 0
      a BITCOUNT k 0 1 BIT extra
    )"},
    {"SignsOfZeros", R"(
      a ZADD z 0 m
      a ZUNION 1 z WEIGHTS -1 WITHSCORES
      a ZUNION 2 z z WEIGHTS -1 1 WITHSCORES
      a ZUNION 2 z z WEIGHTS -1 -1 WITHSCORES
      a ZINTER 2 z z WEIGHTS -1 1 WITHSCORES
      a ZADD z -0 m
      a ZSCORE z m
      a ZINCRBY z -0 m
      a ZADD y -0 m
      a ZSCORE y m
      a ZADD y 0 m
      a ZSCORE y m
    )"},
};

INSTANTIATE_TEST_SUITE_P(All, Dialogues, ::testing::ValuesIn(kDialogues),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace engine::server
