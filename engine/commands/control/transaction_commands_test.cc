#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/commands/dispatch/executor_for_test.h"

namespace engine::commands {
namespace {

TEST(Transaction, RunsWhatWasQueuedAndRepliesToEach) {
  TestExecutor test;
  EXPECT_EQ(test.run("MULTI"), "+OK\r\n");
  EXPECT_EQ(test.run("SET k 1"), "+QUEUED\r\n");
  EXPECT_EQ(test.run("LPUSH k a"), "+QUEUED\r\n");
  EXPECT_EQ(test.run("INCR k"), "+QUEUED\r\n");
  EXPECT_EQ(test.run("EXEC"),
            "*3\r\n+OK\r\n-WRONGTYPE Operation against a key holding the wrong kind of "
            "value\r\n:2\r\n")
      << "an error in the middle stops nothing";
}

TEST(Transaction, IsRefusedAsAWholeWhenACommandCouldNotBeQueued) {
  TestExecutor test;
  test.run("MULTI");
  test.run("SET k 1");
  test.run("NOSUCH");
  EXPECT_EQ(test.run("EXEC"), "-EXECABORT Transaction discarded because of previous errors.\r\n");
  EXPECT_EQ(test.run("EXISTS k"), ":0\r\n");
  EXPECT_EQ(test.run("EXEC"), "-ERR EXEC without MULTI\r\n");
}

TEST(Transaction, DiscardForgetsIt) {
  TestExecutor test;
  test.run("MULTI");
  test.run("SET k 1");
  EXPECT_EQ(test.run("DISCARD"), "+OK\r\n");
  EXPECT_EQ(test.run("EXISTS k"), ":0\r\n");
}

TEST(Transaction, SaveAndShutdownAreNotForIt) {
  TestExecutor test;
  test.run("MULTI");
  EXPECT_EQ(test.run("SAVE"), "-ERR Command not allowed inside a transaction\r\n");
  EXPECT_EQ(test.run("EXEC"), "-EXECABORT Transaction discarded because of previous errors.\r\n");
}

// Every way a watched key may change, by another client between WATCH and EXEC.
TEST(Watch, AnyChangeByAnyoneBreaksTheTransaction) {
  for (const std::string change :
       {"SET k 2", "DEL k", "EXPIRE k 100", "RENAME k l", "RENAME other k", "FLUSHDB", "FLUSHALL",
        "SWAPDB 0 1", "MOVE k 1", "APPEND k x", "SUNIONSTORE k set", "COPY other k REPLACE"}) {
    TestExecutor test;
    test.run("SET k 1");
    test.run("SET other 1");
    test.run("SADD set a");
    Session& watching = test.connect();
    test.run(watching, "WATCH k");
    test.run(watching, "MULTI");
    test.run(watching, "PING");
    test.run(change);
    EXPECT_EQ(test.run(watching, "EXEC"), "*-1\r\n") << change;
    test.run(watching, "MULTI");
    EXPECT_EQ(test.run(watching, "EXEC"), "*0\r\n") << "the watch is over";
  }
}

TEST(Watch, WhatChangesNothingBreaksNothing) {
  for (const std::string change : {"GET k", "SET other 2", "SETNX k 3", "EXPIRE nosuch 5"}) {
    TestExecutor test;
    test.run("SET k 1");
    Session& watching = test.connect();
    test.run(watching, "WATCH k");
    test.run(watching, "MULTI");
    test.run(change);
    EXPECT_EQ(test.run(watching, "EXEC"), "*0\r\n") << change;
  }
}

TEST(Watch, AKeyThatExpiresMeanwhileCountsAsChangedEvenUnnoticed) {
  TestExecutor test;
  test.executor.settings().active_expire = false;
  test.run("SET k 1 PX 10");
  Session& watching = test.connect();
  test.run(watching, "WATCH k");
  test.run(watching, "MULTI");
  test.clock.advance_ms(11);
  EXPECT_EQ(test.run(watching, "EXEC"), "*-1\r\n");
}

TEST(Watch, AKeyExpiredBeforehandDoesNotCount) {
  TestExecutor test;
  test.executor.settings().active_expire = false;
  test.run("SET k 1 PX 10");
  test.clock.advance_ms(11);
  Session& watching = test.connect();
  test.run(watching, "WATCH k");
  test.run(watching, "MULTI");
  EXPECT_EQ(test.run(watching, "EXEC"), "*0\r\n");
}

TEST(Watch, UnwatchEndsIt) {
  TestExecutor test;
  Session& watching = test.connect();
  test.run(watching, "WATCH k");
  test.run("SET k 1");
  test.run(watching, "UNWATCH");
  test.run(watching, "MULTI");
  EXPECT_EQ(test.run(watching, "EXEC"), "*0\r\n");
}

}  // namespace
}  // namespace engine::commands
