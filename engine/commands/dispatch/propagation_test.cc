#include "engine/commands/dispatch/propagation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/base/text.h"
#include "engine/commands/dispatch/executor_for_test.h"

namespace engine::commands {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Steps = std::vector<std::string>;

// What is logged for `line`, after `before` was executed. The clock stands at 1700000000000.
Steps logged(const Steps& before, std::string_view line) {
  TestExecutor test;
  for (const std::string& each : before) {
    test.run(each);
  }
  test.effects.steps.clear();
  test.run(line);
  return test.effects.steps;
}

struct Logged {
  const char* name;
  Steps before;
  const char* line;
  Steps steps;
};
void PrintTo(const Logged& logged, std::ostream* out) {
  *out << logged.name;
}

class PropagationOf : public testing::TestWithParam<Logged> {};

TEST_P(PropagationOf, IsTheEffect) {
  EXPECT_EQ(logged(GetParam().before, GetParam().line), GetParam().steps);
}

const Logged kCases[] = {
    {"Write", {}, "SET k v", {"0:SET k v"}},
    {"Read", {"SET k v"}, "GET k", {}},
    {"WriteWithoutEffect", {"SET k v"}, "SETNX k w", {}},
    {"Error", {"SET k v"}, "LPUSH k a", {}},
    {"OtherDatabase", {"SELECT 3"}, "SET k v", {"3:SET k v"}},

    {"SetEx", {}, "SET k v EX 10", {"0:SET k v PXAT 1700000010000"}},
    {"SetPx", {}, "SET k v NX PX 10", {"0:SET k v PXAT 1700000000010"}},
    {"SetExat", {}, "SET k v EXAT 1800000000", {"0:SET k v PXAT 1800000000000"}},
    {"SetKeepttl", {"SET k v EX 10"}, "SET k w KEEPTTL", {"0:SET k w KEEPTTL"}},
    {"SetGet", {"SET k v"}, "SET k w GET", {"0:SET k w"}},
    {"Getset", {"SET k v EX 10"}, "GETSET k w", {"0:SET k w"}},
    {"SetbitWithoutEffect", {"SETBIT k 7 1"}, "SETBIT k 7 1", {}},
    {"Setex", {}, "SETEX k 10 v", {"0:SET k v PXAT 1700000010000"}},
    {"Psetex", {}, "PSETEX k 10 v", {"0:SET k v PXAT 1700000000010"}},
    {"GetexEx", {"SET k v"}, "GETEX k EX 10", {"0:PEXPIREAT k 1700000010000"}},
    {"GetexPersist", {"SET k v EX 10"}, "GETEX k PERSIST", {"0:PERSIST k"}},
    {"GetexPast", {"SET k v"}, "GETEX k PXAT 1", {"0:DEL k"}},
    {"GetexPlain", {"SET k v"}, "GETEX k", {}},
    {"Getdel", {"SET k v"}, "GETDEL k", {"0:DEL k"}},
    {"Incrbyfloat", {"SET k 1"}, "INCRBYFLOAT k 0.5", {"0:SET k 1.5 KEEPTTL"}},
    {"Hincrbyfloat", {"HSET k f 1"}, "HINCRBYFLOAT k f 0.5", {"0:HSET k f 1.5"}},

    {"Expire", {"SET k v"}, "EXPIRE k 10", {"0:PEXPIREAT k 1700000010000"}},
    {"Pexpire", {"SET k v"}, "PEXPIRE k 10", {"0:PEXPIREAT k 1700000000010"}},
    {"Expireat", {"SET k v"}, "EXPIREAT k 1800000000", {"0:PEXPIREAT k 1800000000000"}},
    {"ExpirePast", {"SET k v"}, "EXPIRE k -1", {"0:DEL k"}},
    {"ExpireUnderACondition",
     {"SET k v EX 5"},
     "EXPIRE k 10 GT",
     {"0:PEXPIREAT k 1700000010000 GT"}},
    {"ExpireRefused", {"SET k v"}, "EXPIRE k 10 XX", {}},

    {"SpopAll", {"SADD k a"}, "SPOP k 5", {"0:DEL k"}},
    {"SpopOne", {"SADD k a"}, "SPOP k", {"0:SREM k a"}},
    {"Lmpop", {"RPUSH k a b c"}, "LMPOP 2 none k RIGHT COUNT 2", {"0:RPOP k 2"}},
    {"Blpop", {"RPUSH k a b c"}, "BLPOP none k 0", {"0:LPOP k"}},
    {"Brpop", {"RPUSH k a b c"}, "BRPOP none k 0", {"0:RPOP k"}},
    {"Blmpop", {"RPUSH k a"}, "BLMPOP 0 1 k LEFT COUNT 9", {"0:LPOP k 1"}},
    {"Blmove", {"RPUSH k a"}, "BLMOVE k l LEFT RIGHT 0", {"0:LMOVE k l LEFT RIGHT"}},
    {"Brpoplpush", {"RPUSH k a"}, "BRPOPLPUSH k l 0", {"0:RPOPLPUSH k l"}},
    {"Zmpop", {"ZADD k 1 a 2 b"}, "ZMPOP 1 k MAX COUNT 5", {"0:ZPOPMAX k 2"}},
    {"Bzpopmin", {"ZADD k 1 a 2 b"}, "BZPOPMIN k 0", {"0:ZPOPMIN k"}},

    {"FlushdbOfNothing", {}, "FLUSHDB", {"0:FLUSHDB"}},
    {"FlushallOfNothing", {}, "FLUSHALL", {"0:FLUSHALL"}},
    {"BitfieldThatOnlyGrows",
     {},
     "BITFIELD k OVERFLOW FAIL INCRBY u2 17 7",
     {"0:BITFIELD k OVERFLOW FAIL INCRBY u2 17 7"}},
};

INSTANTIATE_TEST_SUITE_P(Commands, PropagationOf, testing::ValuesIn(kCases),
                         [](const auto& each) { return each.param.name; });

TEST(Propagation, RestoreIsLoggedWithItsTimeMadeAbsolute) {
  TestExecutor test;
  test.run("SET k v");
  test.run("DUMP k");
  test.effects.steps.clear();
  test.run("RESTORE l 10 payload-0");
  test.run("RESTORE m 0 payload-0");
  test.run("RESTORE k 5 payload-0 REPLACE");
  EXPECT_THAT(test.effects.steps,
              ElementsAre("0:RESTORE l 1700000000010 payload-0 ABSTTL", "0:RESTORE m 0 payload-0",
                          "0:RESTORE k 1700000000005 payload-0 REPLACE ABSTTL"));
}

TEST(Propagation, ATransactionIsOneStep) {
  TestExecutor test;
  for (const char* line : {"MULTI", "SET a 1", "GET a", "SELECT 2", "SET b 2", "EXEC"}) {
    test.run(line);
  }
  EXPECT_THAT(test.effects.steps, ElementsAre("0:SET a 1 | 2:SET b 2"));
  test.effects.steps.clear();
  for (const char* line : {"MULTI", "GET a", "EXEC", "MULTI", "SET a 2", "EXEC"}) {
    test.run(line);
  }
  EXPECT_THAT(test.effects.steps, ElementsAre("2:SET a 2")) << "an empty one is not logged";
}

TEST(Propagation, AKeyFoundExpiredIsDeletedInTheSameStep) {
  TestExecutor test;
  test.run("SET k v PX 5");
  test.clock.advance_ms(6);
  test.effects.steps.clear();
  test.run("APPEND k x");
  EXPECT_THAT(test.effects.steps, ElementsAre("0:DEL k | 0:APPEND k x"));
  test.run("SET k v PX 5");
  test.clock.advance_ms(6);
  test.effects.steps.clear();
  test.run("GET k");
  EXPECT_THAT(test.effects.steps, ElementsAre("0:DEL k"));
}

TEST(Propagation, WhatScanFindsExpiredIsLoggedKeyByKey) {
  TestExecutor test;
  test.run("SET a v PX 5");
  test.run("SET b v PX 5");
  test.clock.advance_ms(6);
  test.effects.steps.clear();
  test.run("SCAN 0");
  EXPECT_THAT(test.effects.steps, testing::UnorderedElementsAre("0:DEL a", "0:DEL b"));
}

TEST(Propagation, ExpiryIsLoggedAsUnlinkWhereKeysAreFreedLazily) {
  TestExecutor test;
  test.executor.settings().lazyfree_lazy_expire = true;
  test.run("SET k v");
  test.effects.steps.clear();
  test.run("EXPIRE k -1");
  EXPECT_THAT(test.effects.steps, ElementsAre("0:UNLINK k"));
}

TEST(Propagation, APushAndThePopItAllowsAreStepsOfTheirOwn) {
  TestExecutor test;
  Session& waiting = test.connect();
  test.run(waiting, "BLMPOP 0 1 k LEFT COUNT 2");
  test.run("RPUSH k a b c");
  EXPECT_THAT(test.effects.steps, ElementsAre("0:RPUSH k a b c", "0:LPOP k 2"));
}

TEST(Propagation, CountsTheChangesThatSaveRulesCount) {
  TestExecutor test;
  test.run("RPUSH l a b c");
  EXPECT_EQ(test.effects.total_changes, 3u);
  test.run("MSET a 1 b 2");
  EXPECT_EQ(test.effects.total_changes, 5u);
  test.run("GET a");
  EXPECT_EQ(test.effects.total_changes, 5u);
}

}  // namespace
}  // namespace engine::commands
