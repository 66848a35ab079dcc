#include "engine/commands/dispatch/eviction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/base/memory.h"
#include "engine/commands/dispatch/executor_for_test.h"
#include "engine/commands/dispatch/real_redis_for_test.h"
#include "engine/commands/services/digest.h"

namespace engine::commands {
namespace {

using By = EvictionPolicy::By;
using ::testing::ElementsAre;
using ::testing::StartsWith;

// So many that no key of a few is missed.
constexpr std::size_t kManySamples = 200;

class EvictionOf : public ::testing::Test {
 protected:
  // Keys a, b and c, of which b and c expire, each used a minute after the one before it.
  void fill() {
    test_.executor.settings().maxmemory_samples = kManySamples;
    for (const char* line : {"SET a v", "SET b v EX 9000", "SET c v EX 8000"}) {
      test_.run(line);
      test_.clock.advance_ms(60'000);
    }
    test_.effects.steps.clear();
  }
  // One key too many from now on.
  void limit(EvictionPolicy policy) {
    settings().eviction = policy;
    settings().access =
        policy.by == By::kFrequency ? Settings::Access::kLfu : Settings::Access::kLru;
    settings().maxmemory_bytes = memory::used_bytes() - 1;
  }
  Settings& settings() { return test_.executor.settings(); }
  const std::vector<std::string>& logged() const { return test_.effects.steps; }

  TestExecutor test_;
};

TEST_F(EvictionOf, TheKeyUsedLongestAgoComesFirstAndIsLoggedBeforeTheCommand) {
  fill();
  test_.run("GET a");
  limit({By::kLastUse});
  EXPECT_EQ(test_.run("RPUSH l x"), ":1\r\n");
  EXPECT_THAT(logged(), ElementsAre("0:DEL b", "0:RPUSH l x"));
  EXPECT_EQ(test_.executor.statistics().evicted_keys, 1u);
}

TEST_F(EvictionOf, TheKeyUsedLeastOftenComesFirst) {
  settings().access = Settings::Access::kLfu;
  settings().lfu_log_factor = 0;  // every use counts
  settings().lfu_decay_time_min = 0;
  fill();
  for (const char* line : {"GET a", "GET a", "GET c"}) {
    test_.run(line);
  }
  limit({By::kFrequency});
  test_.run("PING");
  EXPECT_THAT(logged(), ElementsAre("0:DEL b"));
}

TEST_F(EvictionOf, TheKeyThatExpiresFirstComesFirst) {
  fill();
  limit({By::kTimeToLive, true});
  test_.run("PING");
  EXPECT_THAT(logged(), ElementsAre("0:DEL c"));
}

TEST_F(EvictionOf, WhatDoesNotExpireIsSparedByVolatilePolicies) {
  for (const By by : {By::kLastUse, By::kFrequency, By::kChance, By::kTimeToLive}) {
    fill();
    limit({by, true});
    settings().maxmemory_bytes = 1;
    EXPECT_THAT(test_.run("SET d v"), StartsWith("-OOM"));
    settings().maxmemory_bytes = 0;
    EXPECT_EQ(test_.run("KEYS *"), "*1\r\n$1\r\na\r\n");
  }
}

TEST_F(EvictionOf, AnyKeyIsByChance) {
  fill();
  limit({By::kChance});
  test_.run("PING");
  EXPECT_EQ(logged().size(), 1u);
  settings().maxmemory_bytes = 1;
  test_.run("PING");
  EXPECT_EQ(logged().size(), 3u);
}

TEST_F(EvictionOf, AKeyFreedLazilyIsLoggedAsUnlink) {
  fill();
  limit({By::kLastUse});
  settings().lazyfree_lazy_eviction = true;
  test_.run("PING");
  EXPECT_THAT(logged(), ElementsAre("0:UNLINK a"));
}

TEST_F(EvictionOf, AWatchedKeyFailsItsTransaction) {
  fill();
  test_.run("WATCH b");
  limit({By::kTimeToLive, true});
  test_.run("PING");
  settings().maxmemory_bytes = 0;
  test_.run("GET b");
  EXPECT_EQ(test_.run("MULTI"), "+OK\r\n");
  EXPECT_EQ(test_.run("EXEC"), "*0\r\n") << "b was not the one evicted";
  test_.run("WATCH b");
  limit({By::kTimeToLive, true});
  test_.run("PING");
  settings().maxmemory_bytes = 0;
  test_.run("MULTI");
  EXPECT_EQ(test_.run("EXEC"), "*-1\r\n");
}

TEST_F(EvictionOf, NothingHappensWhileDataIsLoaded) {
  fill();
  limit({By::kChance});
  test_.server.loading = "LOADING Redis is loading the dataset in memory";
  EXPECT_THAT(test_.run("SET d v"), StartsWith("-LOADING"));
  EXPECT_EQ(test_.executor.replay(0, std::vector<std::string_view>{"SET", "d", "v"}),
            keyspace::Replayed::kDone);
  EXPECT_TRUE(logged().empty());
}

TEST_F(EvictionOf, KeysGoesOnBetweenCommandsWhenTheLimitIsLowered) {
  fill();
  limit({By::kChance});
  test_.executor.evict_soon();
  EXPECT_TRUE(test_.executor.is_evicting());
  test_.executor.before_sleep();
  EXPECT_FALSE(test_.executor.is_evicting());
  EXPECT_EQ(logged().size(), 1u);
}

// What is logged while keys are evicted comes to the same data on redis-server.
TEST_F(EvictionOf, ManyKeysLeavesTheDataThatTheLogMakes) {
  RealRedis redis;
  const EvictionPolicy policies[] = {
      {By::kLastUse}, {By::kLastUse, true}, {By::kFrequency},       {By::kFrequency, true},
      {By::kChance},  {By::kChance, true},  {By::kTimeToLive, true}};
  for (const EvictionPolicy& policy : policies) {
    TestExecutor ours;
    ours.clock.set_wall_ms(SystemClock().wall_ms());
    ours.executor.settings().eviction = policy;
    ours.executor.settings().maxmemory_bytes = memory::used_bytes() + (16 << 10);
    for (int i = 0; i < 200; ++i) {
      ours.run("SELECT " + std::to_string(i % 3));
      ours.run("SET k" + std::to_string(i) + " " + std::string(100, 'x') + " EX 90000");
      ours.run("SADD s" + std::to_string(i % 17) + " m" + std::to_string(i));
      if (i % 10 == 0) {
        ours.run("MULTI");
        ours.run("SET t" + std::to_string(i) + " 1");
        ours.run("EXEC");
      }
    }
    EXPECT_GT(ours.executor.statistics().evicted_keys, 10u);
    std::vector<RealRedis::Command> log = {{"FLUSHALL"}};
    for (const auto& [database, argv] : ours.effects.argvs) {
      log.push_back({"SELECT", std::to_string(database)});
      log.push_back(argv);
    }
    redis.run(log, [](const RealRedis::Command&) { return false; });
    EXPECT_EQ(redis.run({"DEBUG", "DIGEST"}), "+" + to_hex(digest_of(ours.keyspace)));
  }
}

}  // namespace
}  // namespace engine::commands
