#include "engine/commands/dispatch/blocking.h"

#include <gtest/gtest.h>

#include <string>

#include "engine/commands/dispatch/executor_for_test.h"

namespace engine::commands {
namespace {

TEST(Blocking, AWaitingClientIsServedByAPush) {
  TestExecutor test;
  Session& waiting = test.connect();
  EXPECT_EQ(test.run(waiting, "BLPOP a b 0"), "");
  EXPECT_TRUE(waiting.blocked());
  EXPECT_EQ(test.executor.blocked_clients(), 1u);
  EXPECT_EQ(test.run("RPUSH b 1 2"), ":2\r\n");
  EXPECT_EQ(test.take_output(waiting), "*2\r\n$1\r\nb\r\n$1\r\n1\r\n");
  EXPECT_FALSE(waiting.blocked());
  EXPECT_EQ(test.server.changed.back(), &waiting) << "the server must continue with it";
  EXPECT_EQ(test.run("LRANGE b 0 -1"), "*1\r\n$1\r\n2\r\n");
}

TEST(Blocking, ClientsAreServedInOrderOfArrival) {
  TestExecutor test;
  Session& first = test.connect();
  Session& second = test.connect();
  Session& third = test.connect();
  test.run(first, "BLPOP k 0");
  test.run(second, "BRPOP k 0");
  test.run(third, "BLPOP k 0");
  test.run("RPUSH k 1 2 3");
  EXPECT_EQ(test.take_output(first), "*2\r\n$1\r\nk\r\n$1\r\n1\r\n");
  EXPECT_EQ(test.take_output(second), "*2\r\n$1\r\nk\r\n$1\r\n3\r\n");
  EXPECT_EQ(test.take_output(third), "*2\r\n$1\r\nk\r\n$1\r\n2\r\n");
  EXPECT_EQ(test.run("EXISTS k"), ":0\r\n");
}

TEST(Blocking, AClientThatFindsNothingLeftKeepsItsPlace) {
  TestExecutor test;
  Session& first = test.connect();
  Session& second = test.connect();
  test.run(first, "BLPOP k 0");
  test.run(second, "BLPOP k 0");
  test.run("RPUSH k 1");
  EXPECT_FALSE(first.blocked());
  EXPECT_TRUE(second.blocked());
  Session& third = test.connect();
  test.run(third, "BLPOP k 0");
  test.run("RPUSH k 2");
  EXPECT_FALSE(second.blocked());
  EXPECT_TRUE(third.blocked());
}

TEST(Blocking, APopServedByAMoveServesTheNext) {
  TestExecutor test;
  Session& mover = test.connect();
  Session& waiting = test.connect();
  test.run(mover, "BLMOVE a b LEFT RIGHT 0");
  test.run(waiting, "BLPOP b 0");
  test.run("RPUSH a x");
  EXPECT_EQ(test.take_output(mover), "$1\r\nx\r\n");
  EXPECT_EQ(test.take_output(waiting), "*2\r\n$1\r\nb\r\n$1\r\nx\r\n");
}

TEST(Blocking, WakesForAnyWayAKeyComesToHoldAList) {
  for (const std::string way : {"RENAME other k", "COPY other k", "SORT other ALPHA STORE k",
                                "LMOVE other k LEFT LEFT", "RESTORE k 0 payload-0"}) {
    TestExecutor test;
    test.run("RPUSH other v");
    test.run("DUMP other");
    Session& waiting = test.connect();
    test.run(waiting, "BLPOP k 0");
    test.run(way);
    EXPECT_EQ(test.take_output(waiting), "*2\r\n$1\r\nk\r\n$1\r\nv\r\n") << way;
  }
}

TEST(Blocking, WakesForMoveAndSwapdb) {
  for (const std::string way : {"MOVE k 1", "SWAPDB 0 1"}) {
    TestExecutor test;
    Session& waiting = test.connect();
    test.run(waiting, "SELECT 1");
    test.run(waiting, "BLPOP k 0");
    test.run("RPUSH k v");
    EXPECT_TRUE(waiting.blocked()) << "another database's key";
    test.run(way);
    EXPECT_EQ(test.take_output(waiting), "*2\r\n$1\r\nk\r\n$1\r\nv\r\n") << way;
  }
}

TEST(Blocking, AKeyOfAnotherTypeLetsTheClientWait) {
  TestExecutor test;
  Session& waiting = test.connect();
  test.run(waiting, "BLPOP k 0");
  test.run("ZADD k 1 m");
  EXPECT_TRUE(waiting.blocked());
  EXPECT_EQ(test.take_output(waiting), "");
  test.run("DEL k");
  test.run("RPUSH k v");
  EXPECT_FALSE(waiting.blocked());
}

TEST(Blocking, SortedSetsAreWaitedForToo) {
  TestExecutor test;
  Session& lowest = test.connect();
  Session& several = test.connect();
  test.run(lowest, "BZPOPMIN k 0");
  test.run(several, "BZMPOP 0 1 k MAX COUNT 2");
  test.run("ZADD k 1 a 2 b 3 c");
  EXPECT_EQ(test.take_output(lowest), "*3\r\n$1\r\nk\r\n$1\r\na\r\n$1\r\n1\r\n");
  EXPECT_EQ(test.take_output(several),
            "*2\r\n$1\r\nk\r\n*2\r\n*2\r\n$1\r\nc\r\n$1\r\n3\r\n*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
}

TEST(Blocking, ATransactionServesWaitersOnlyWhenItIsWhole) {
  TestExecutor test;
  Session& waiting = test.connect();
  test.run(waiting, "BLPOP k 0");
  test.run("MULTI");
  test.run("RPUSH k 1 2");
  test.run("LPOP k");
  EXPECT_TRUE(waiting.blocked());
  test.run("EXEC");
  EXPECT_EQ(test.take_output(waiting), "*2\r\n$1\r\nk\r\n$1\r\n2\r\n");
}

TEST(Blocking, NothingWaitsInsideATransaction) {
  TestExecutor test;
  test.run("MULTI");
  test.run("BLPOP k 0");
  test.run("BLMOVE a b LEFT LEFT 0");
  EXPECT_EQ(test.run("EXEC"), "*2\r\n*-1\r\n$-1\r\n");
}

TEST(Blocking, AWaitEndsAtItsDeadlineAndNotBefore) {
  TestExecutor test;
  Session& waiting = test.connect();
  test.run(waiting, "BLPOP k 0.5");
  EXPECT_EQ(test.executor.next_timeout_ms(), test.clock.monotonic_us() / 1000 + 500);
  test.clock.advance_ms(499);
  test.executor.before_sleep();
  EXPECT_TRUE(waiting.blocked());
  test.clock.advance_ms(1);
  test.executor.before_sleep();
  EXPECT_FALSE(waiting.blocked());
  EXPECT_EQ(test.take_output(waiting), "*-1\r\n");
  EXPECT_EQ(test.executor.next_timeout_ms(), -1);
  test.run("RPUSH k v");
  EXPECT_EQ(test.take_output(waiting), "") << "no longer waits";
}

TEST(Blocking, AClientThatLeavesIsForgotten) {
  TestExecutor test;
  Session& waiting = test.connect();
  test.run(waiting, "BLPOP k k 0.5");
  test.executor.forget(waiting);
  EXPECT_EQ(test.executor.blocked_clients(), 0u);
  test.run("RPUSH k v");
  EXPECT_EQ(test.take_output(waiting), "");
  EXPECT_EQ(test.run("LLEN k"), ":1\r\n");
}

TEST(Blocking, ClientUnblockEndsAWait) {
  TestExecutor test;
  Session& waiting = test.connect();
  test.run(waiting, "BLPOP k 0");
  const std::string id = std::to_string(waiting.id);
  EXPECT_EQ(test.run("CLIENT UNBLOCK " + id + " ERROR"), ":1\r\n");
  EXPECT_EQ(test.take_output(waiting), "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
  EXPECT_EQ(test.run("CLIENT UNBLOCK " + id), ":0\r\n");
  test.run(waiting, "BLPOP k 0");
  EXPECT_EQ(test.run("CLIENT UNBLOCK " + id), ":1\r\n");
  EXPECT_EQ(test.take_output(waiting), "*-1\r\n");
}

}  // namespace
}  // namespace engine::commands
