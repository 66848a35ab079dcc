// The whole oracle on a real redis-server: clients write, the server is killed, started again, and
// what comes back is judged.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "harness/oracle/resp/judge.h"
#include "harness/target/redis_for_test.h"
#include "harness/target/state_dump.h"
#include "harness/workload/generator.h"
#include "harness/workload/runner.h"

namespace crashpoint::oracle {
namespace {

using target::RedisForTest;
using workload::Generate;

constexpr Guarantee kAllDurable{.kind = Guarantee::Kind::kDurable};

class LiveOracle : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!RedisForTest::is_installed()) {
      GTEST_SKIP() << "redis-tools is not installed";
    }
  }

  // The history of `generate` against `redis`, which is killed after so many answers.
  static workload::History crash(RedisForTest& redis, const Generate& generate, std::uint64_t seed,
                                 std::uint64_t kill_after) {
    workload::Hooks hooks;
    hooks.acked = [&](std::uint64_t acked) {
      if (acked == kill_after) {
        redis.kill();
      }
    };
    workload::Run run =
        workload::run({.steps = {{generate}}, .seed = seed}, redis.endpoint(), hooks);
    EXPECT_EQ(run.end, workload::End::kTargetGone) << run.detail;
    return std::move(run.history);
  }

  static void expect_kept(const Judge& judge, RedisForTest& redis) {
    EXPECT_EQ(judge.replies().outcome, Outcome::kPass) << judge.replies().summary;
    const Verdict verdict = judge.guarantee(target::dump_state(redis.endpoint()), kAllDurable);
    EXPECT_EQ(verdict.outcome, Outcome::kPass) << verdict.summary << "\n" << verdict.nearest;
  }
};

Generate everything(std::uint32_t clients) {
  Generate generate{.count = 100'000, .clients = clients, .pipeline = 8, .keys = 60};
  for (const std::string_view name : workload::mix_names()) {
    generate.mix[std::string(name)] = 1;
  }
  generate.mix["SET"] = generate.mix["RPUSH"] = generate.mix["INCR"] = 4;
  return generate;
}

TEST_F(LiveOracle, SeesNothingWrongWithAnAppendOnlyFileAfterAKill) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE(seed);
    RedisForTest redis({"--appendonly", "yes", "--appendfsync", "no", "--save", ""});
    const workload::History history = crash(redis, everything(5), seed, 3000);
    redis.start();
    expect_kept(Judge(history), redis);
  }
}

TEST_F(LiveOracle, SeesNothingWrongWithKeysThatAllClientsWrite) {
  RedisForTest redis({"--appendonly", "yes", "--appendfsync", "no", "--save", ""});
  Generate generate{.count = 100'000, .clients = 6, .pipeline = 5, .keys = 40, .shared_keys = 2};
  generate.mix = {{"SET", 1}, {"RPUSH", 3}, {"INCR", 3}, {"MULTI", 1}};
  const workload::History history = crash(redis, generate, 7, 4000);
  redis.start();
  expect_kept(Judge(history), redis);
}

TEST_F(LiveOracle, GoesOnFromWhatWasRecovered) {
  RedisForTest redis({"--appendonly", "yes", "--appendfsync", "no", "--save", ""});
  target::State base;
  for (std::uint64_t cycle = 1; cycle <= 3; ++cycle) {
    SCOPED_TRACE(cycle);
    const workload::History history = crash(redis, everything(3), cycle, 500 * cycle);
    redis.start();
    expect_kept(Judge(history, base), redis);
    base = target::dump_state(redis.endpoint());
  }
}

TEST_F(LiveOracle, CatchesACommandCutOffTheFile) {
  RedisForTest redis({"--appendonly", "yes", "--appendfsync", "no", "--save", ""});
  const workload::History history =
      crash(redis, {.count = 100'000, .clients = 2, .keys = 20, .mix = {{"SET", 1}}}, 1, 500);
  const std::filesystem::path file =
      redis.directory() / "appendonlydir" / "appendonly.aof.1.incr.aof";
  // Two acked commands at least: with one client's pipeline of 1 each, two may be in flight.
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 400);
  redis.start();
  const Judge judge(history);
  const Verdict verdict = judge.guarantee(target::dump_state(redis.endpoint()), kAllDurable);
  EXPECT_EQ(verdict.outcome, Outcome::kViolation);
  EXPECT_GE(verdict.lost_count, 2U);
  EXPECT_EQ(verdict.lost.front().command.substr(0, 4), "SET ");
  // It is a prefix still.
  EXPECT_EQ(
      judge.guarantee(target::dump_state(redis.endpoint()), {.kind = Guarantee::Kind::kPrefix})
          .outcome,
      Outcome::kPass);
}

TEST_F(LiveOracle, HoldsASnapshotToTheMomentItWasTaken) {
  RedisForTest redis;
  const workload::Plan plan{
      .steps = {{Generate{.count = 500, .clients = 3}},
                {workload::Admin{.command = {"BGSAVE"}, .wait = workload::Admin::Wait::kDone}},
                {Generate{.count = 500, .clients = 3}}}};
  const workload::Run run = workload::run(plan, redis.endpoint());
  redis.kill();
  redis.start();
  const Judge judge(run.history);
  const target::State recovered = target::dump_state(redis.endpoint());
  const Verdict verdict = judge.guarantee(recovered, {.kind = Guarantee::Kind::kSnapshot});
  EXPECT_EQ(verdict.outcome, Outcome::kPass) << verdict.summary << verdict.nearest;
  EXPECT_EQ(judge.guarantee(recovered, kAllDurable).outcome, Outcome::kViolation);
}

}  // namespace
}  // namespace crashpoint::oracle
