#include "engine/commands/dispatch/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/commands/dispatch/executor_for_test.h"

namespace engine::commands {
namespace {

using keyspace::Replayed;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

TEST(Executor, SaysWhatIsWrongWithACommandItCannotRun) {
  TestExecutor test;
  EXPECT_EQ(test.run("nosuch a b"),
            "-ERR unknown command 'nosuch', with args beginning with: 'a' 'b' \r\n");
  EXPECT_EQ(test.run("get"), "-ERR wrong number of arguments for 'get' command\r\n");
  EXPECT_EQ(test.run("config nosuch"), "-ERR unknown subcommand 'nosuch'. Try CONFIG HELP.\r\n");
  EXPECT_EQ(test.run("config"), "-ERR wrong number of arguments for 'config' command\r\n");
  EXPECT_EQ(test.run("config get"), "-ERR wrong number of arguments for 'config|get' command\r\n");
}

TEST(Executor, RefusesWritesWhileTheServerSaysSo) {
  TestExecutor test;
  test.run("SET k v");
  test.server.write_error = "MISCONF Errors writing to the AOF file: No space left on device";
  EXPECT_THAT(test.run("SET k w"), StartsWith("-MISCONF Errors writing"));
  EXPECT_THAT(test.run("PING"), StartsWith("-MISCONF"));
  EXPECT_EQ(test.run("GET k"), "$1\r\nv\r\n");
  EXPECT_EQ(test.run("MULTI"), "+OK\r\n");
  EXPECT_THAT(test.run("SET k w"), StartsWith("-MISCONF"));
  EXPECT_THAT(test.run("EXEC"), StartsWith("-EXECABORT"));
  test.server.write_error.clear();
  EXPECT_EQ(test.run("SET k w"), "+OK\r\n");
}

TEST(Executor, RefusesToExecuteQueuedWritesOnceTheServerSaysSo) {
  TestExecutor test;
  test.run("MULTI");
  test.run("SET k v");
  test.server.write_error = "MISCONF no";
  EXPECT_EQ(test.run("EXEC"), "-EXECABORT Transaction discarded because of: MISCONF no\r\n");
  test.server.write_error.clear();
  EXPECT_EQ(test.run("GET k"), "$-1\r\n") << "the transaction is over and had no effect";
}

TEST(Executor, RefusesWhatMayGrowTheDataWhenMemoryIsFull) {
  TestExecutor test;
  test.run("SET k v");
  test.executor.settings().maxmemory_bytes = 1;
  EXPECT_EQ(test.run("SET k w"), "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
  EXPECT_EQ(test.run("GET k"), "$1\r\nv\r\n");
  test.run("MULTI");
  EXPECT_THAT(test.run("GET k"), StartsWith("-OOM")) << "a queue takes memory, too";
  EXPECT_EQ(test.run("DISCARD"), "+OK\r\n");
  EXPECT_EQ(test.run("DEL k"), ":1\r\n");
}

TEST(Executor, AnswersLoadingToAllButAFewWhileLoading) {
  TestExecutor test;
  test.server.loading = "LOADING Redis is loading the dataset in memory";
  EXPECT_EQ(test.run("GET k"), "-LOADING Redis is loading the dataset in memory\r\n");
  EXPECT_THAT(test.run("INFO"), HasSubstr("# Server"));
  EXPECT_EQ(test.run("SHUTDOWN ABORT"), "+OK\r\n");
}

TEST(Executor, ExpiresKeysThatNobodyAsksFor) {
  TestExecutor test;
  for (int i = 0; i < 100; ++i) {
    test.run("SET k" + std::to_string(i) + " v PX " + std::to_string(10 + i));
  }
  test.clock.advance_ms(60);
  test.executor.begin_turn();
  test.executor.before_sleep();
  EXPECT_EQ(test.keyspace.database(0).size(), 50u);
  test.clock.advance_ms(60);
  test.executor.cron();
  EXPECT_EQ(test.keyspace.database(0).size(), 0u);
  EXPECT_EQ(test.effects.steps.back(), "0:DEL k99");
  EXPECT_EQ(test.executor.statistics().expired_keys, 100u);
}

TEST(Executor, KeepsExpiredKeysWhileActiveExpiryIsOffUntilTheyAreTouched) {
  TestExecutor test;
  test.run("DEBUG SET-ACTIVE-EXPIRE 0");
  test.run("SET k v PX 10");
  test.clock.advance_ms(11);
  test.executor.cron();
  EXPECT_EQ(test.run("DBSIZE"), ":1\r\n");
  EXPECT_EQ(test.run("GET k"), "$-1\r\n");
  EXPECT_EQ(test.run("DBSIZE"), ":0\r\n");
}

TEST(Executor, FindsARandomKeyAndErasesOnlyTheExpiredOnItsWay) {
  TestExecutor test;
  test.run("DEBUG SET-ACTIVE-EXPIRE 0");
  test.run("SET without-expiry v");
  EXPECT_EQ(test.run("RANDOMKEY"), "$14\r\nwithout-expiry\r\n");
  for (int i = 0; i < 100; ++i) {
    test.run("SET k" + std::to_string(i) + " v PX 10");
  }
  test.clock.advance_ms(11);
  EXPECT_EQ(test.run("RANDOMKEY"), "$14\r\nwithout-expiry\r\n");
  EXPECT_EQ(test.run("GET without-expiry"), "$1\r\nv\r\n");
  EXPECT_THAT(test.effects.steps, Not(Contains("0:DEL without-expiry")));
}

TEST(Executor, ReplaysWithoutLoggingRefusingOrExpiring) {
  TestExecutor test;
  test.server.write_error = "MISCONF no";
  const auto replay = [&test](int db, const std::vector<std::string_view>& argv) {
    return test.executor.replay(db, argv);
  };
  EXPECT_EQ(replay(2, {"SET", "k", "v", "PXAT", "1"}), Replayed::kDone);
  EXPECT_EQ(replay(2, {"APPEND", "k", "w"}), Replayed::kDone);
  EXPECT_EQ(replay(2, {"LPUSH", "k", "w"}), Replayed::kRefused);
  EXPECT_EQ(test.keyspace.database(2).find("k")->object.text().text(), "vw");
  EXPECT_THAT(test.effects.steps, IsEmpty());
  test.executor.begin_turn();
  test.executor.before_sleep();
  EXPECT_EQ(test.keyspace.database(2).size(), 0u) << "afterwards the key dies, logged";
  EXPECT_THAT(test.effects.steps, ElementsAre("2:DEL k"));
}

TEST(Executor, ReplaysOnlyWhatChangesData) {
  TestExecutor test;
  const auto replay = [&test](const std::vector<std::string_view>& argv) {
    return test.executor.replay(0, argv);
  };
  EXPECT_EQ(replay({"BLA"}), Replayed::kUnknown);
  for (const std::string_view other : {"BGREWRITEAOF", "SHUTDOWN", "MONITOR", "SAVE", "QUIT"}) {
    EXPECT_EQ(replay({other}), Replayed::kNoChange) << other;
  }
  EXPECT_EQ(replay({"SUBSCRIBE", "c"}), Replayed::kNoChange);
  EXPECT_EQ(replay({"PFADD", "h", "a"}), Replayed::kDone);
  EXPECT_EQ(replay({"PFCOUNT", "h"}), Replayed::kDone) << "it keeps its estimate in the value";
  EXPECT_EQ(replay({"DEL"}), Replayed::kNoChange) << "it names no key";
  EXPECT_EQ(replay({"SET", "k"}), Replayed::kWrongArguments);
  EXPECT_EQ(replay({"GET"}), Replayed::kWrongArguments);
  EXPECT_EQ(replay({"EXPIRE", "k"}), Replayed::kWrongArguments);
  EXPECT_EQ(replay({"DEBUG", "segfault"}), Replayed::kEndsServer);
  EXPECT_EQ(replay({"DEBUG", "SLEEP", "0"}), Replayed::kNoChange);
  EXPECT_EQ(replay({"OBJECT", "HELP"}), Replayed::kNoChange);
  EXPECT_EQ(replay({"CONFIG", "GET", "save"}), Replayed::kNoChange);
  EXPECT_EQ(replay({"config", "set", "maxclients", "5"}), Replayed::kConfigures);
  EXPECT_EQ(replay({"OBJECT", "NOSUCH"}), Replayed::kUnknown);
  EXPECT_EQ(replay({"OBJECT"}), Replayed::kWrongArguments);
}

TEST(Executor, CountsCallsFailuresAndRefusals) {
  TestExecutor test;
  test.run("SET k v");
  test.run("LPUSH k v");
  test.run("GET");
  const auto figures = test.executor.statistics().by_command();
  EXPECT_EQ(figures.at("set").calls, 1u);
  EXPECT_EQ(figures.at("lpush").failed_calls, 1u);
  EXPECT_EQ(figures.at("get").rejected_calls, 1u);
  EXPECT_EQ(test.executor.statistics().errors_by_code.at("WRONGTYPE"), 1u);
  EXPECT_EQ(test.executor.statistics().errors_by_code.at("ERR"), 1u);
}

TEST(Executor, DoesNotReplyWhereTheClientWantsNone) {
  TestExecutor test;
  EXPECT_EQ(test.run("CLIENT REPLY SKIP"), "");
  EXPECT_EQ(test.run("SET k v"), "");
  EXPECT_EQ(test.run("GET k"), "$1\r\nv\r\n");
  EXPECT_EQ(test.run("CLIENT REPLY OFF"), "");
  EXPECT_EQ(test.run("GET k"), "");
  EXPECT_EQ(test.run("NOSUCH"), "");
  EXPECT_EQ(test.run("CLIENT REPLY ON"), "+OK\r\n");
  EXPECT_EQ(test.run("GET k"), "$1\r\nv\r\n");
}

TEST(Executor, KeepsSlowCommandsInTheSlowlog) {
  TestExecutor test;
  test.executor.settings().slowlog_log_slower_than_us = 0;
  test.run("SET k v");
  EXPECT_THAT(test.run("SLOWLOG GET"), HasSubstr("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"));
  EXPECT_EQ(test.run("SLOWLOG LEN"), ":2\r\n") << "SET and SLOWLOG GET";
  test.executor.settings().slowlog_log_slower_than_us = -1;
  test.run("SLOWLOG RESET");
  EXPECT_EQ(test.run("SLOWLOG LEN"), ":0\r\n");
}

}  // namespace
}  // namespace engine::commands
