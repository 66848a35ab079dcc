#include "harness/workload/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "harness/base/error.h"
#include "harness/target/redis_for_test.h"

namespace crashpoint::workload {
namespace {

using target::RedisForTest;
using target::RespValue;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class RunnerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!RedisForTest::is_installed()) {
      GTEST_SKIP() << "redis-tools is not installed";
    }
  }
};

TEST_F(RunnerTest, RecordsEveryCommandWithItsReplyInTheOrderOfItsClient) {
  RedisForTest redis;
  const Plan plan{
      .steps = {{Commands{.commands = {{"SET", "a", "1"}, {"INCR", "a"}, {"HGET", "a", "f"}}}},
                {Generate{.count = 500, .clients = 4, .pipeline = 8}}}};
  const auto run = workload::run(plan, redis.endpoint());
  ASSERT_EQ(run.end, End::kCompleted) << run.detail;
  const std::vector<Operation>& operations = run.history.operations;
  EXPECT_THAT(run.history.clients, SizeIs(4));
  EXPECT_EQ(operations[0].reply->text, "OK");
  EXPECT_EQ(operations[1].reply->integer, 2);
  EXPECT_THAT(operations[2].reply->text, HasSubstr("WRONGTYPE"));
  std::uint32_t client = 0;
  std::uint64_t index = 0;
  for (const Operation& operation : operations) {
    if (operation.client != client) {
      index = 0;
    }
    client = operation.client;
    EXPECT_EQ(operation.index, index++);
    ASSERT_TRUE(operation.is_acked());
    EXPECT_LE(run.history.began_ns, operation.sent_ns);
    EXPECT_LT(operation.sent_ns, operation.read_ns);
    EXPECT_LE(operation.read_ns, run.history.ended_ns);
  }
}

TEST_F(RunnerTest, BeginsAStepOnlyWhenTheOneBeforeIsAnswered) {
  RedisForTest redis;
  const Plan plan{.steps = {{Generate{.count = 300, .clients = 3, .pipeline = 4}},
                            {Generate{.count = 300, .clients = 2, .pipeline = 4}}}};
  std::vector<std::size_t> begun;
  Hooks hooks;
  hooks.step_began = [&](std::size_t step) { begun.push_back(step); };
  const auto run = workload::run(plan, redis.endpoint(), hooks);
  std::int64_t first_answered = 0;
  std::int64_t second_sent = run.history.ended_ns;
  for (const Operation& operation : run.history.operations) {
    if (operation.step == 0) {
      first_answered = std::max(first_answered, operation.answered_ns());
    }
    if (operation.step == 1) {
      second_sent = std::min(second_sent, operation.sent_ns);
    }
  }
  EXPECT_LE(first_answered, second_sent);
  EXPECT_THAT(begun, ElementsAre(0, 1));
}

TEST_F(RunnerTest, EndsWithWhatWasAnsweredWhenTheTargetDies) {
  RedisForTest redis;
  Hooks hooks;
  hooks.acked = [&](std::uint64_t acked) {
    if (acked == 1000) {
      redis.kill();
    }
  };
  const auto run =
      workload::run({.steps = {{Generate{.count = 1'000'000, .clients = 4, .pipeline = 16}}}},
                    redis.endpoint(), hooks);
  EXPECT_EQ(run.end, End::kTargetGone);
  EXPECT_THAT(run.detail, HasSubstr("step 0: client"));
  const auto acked = std::ranges::count_if(run.history.operations, &Operation::is_acked);
  EXPECT_GE(acked, 1000);
  EXPECT_LE(run.history.operations.size() - static_cast<std::size_t>(acked), 4U * 16 * 7);
}

TEST_F(RunnerTest, NotesTheSnapshotsItAskedForAndWhenTheyWereComplete) {
  RedisForTest redis;
  const Plan plan{.steps = {{Commands{.commands = {{"SET", "a", "1"}}}},
                            {Admin{.command = {"SAVE"}}},
                            {Admin{.command = {"BGSAVE"}, .wait = Admin::Wait::kDone}},
                            {Admin{.command = {"BGSAVE"}}}}};
  const auto run = workload::run(plan, redis.endpoint());
  ASSERT_EQ(run.end, End::kCompleted) << run.detail;
  const std::vector<Snapshot>& snapshots = run.history.snapshots;
  ASSERT_THAT(snapshots, SizeIs(3));
  EXPECT_EQ(snapshots[0].what, "SAVE");
  EXPECT_EQ(snapshots[0].completed_ns, snapshots[0].to_ns);
  EXPECT_GT(snapshots[1].completed_ns, snapshots[1].to_ns);
  EXPECT_EQ(snapshots[2].completed_ns, 0) << "nobody waited for it";
}

TEST_F(RunnerTest, WaitsForARewriteToEnd) {
  RedisForTest redis({"--appendonly", "yes", "--appendfsync", "no"});
  const Plan plan{.steps = {{Generate{.count = 100}},
                            {Admin{.command = {"BGREWRITEAOF"}, .wait = Admin::Wait::kDone}}}};
  const auto run = workload::run(plan, redis.endpoint());
  ASSERT_EQ(run.end, End::kCompleted) << run.detail;
  target::Client client(redis.endpoint());
  EXPECT_THAT(client.call({"INFO", "persistence"}).text, HasSubstr("aof_rewrites:1"));
}

TEST_F(RunnerTest, TakesShutdownAsTheEndOfAPlanThatEndsWithIt) {
  RedisForTest redis;
  const Plan plan{.steps = {{Commands{.commands = {{"SET", "a", "1"}}}},
                            {Admin{.command = {"SHUTDOWN", "NOSAVE"}}}}};
  EXPECT_EQ(workload::run(plan, redis.endpoint()).end, End::kCompleted);
}

TEST_F(RunnerTest, StopsWhenTold) {
  RedisForTest redis;
  Hooks hooks;
  hooks.stop = [] { return true; };
  EXPECT_EQ(workload::run({.steps = {{Pause{.ms = 3'600'000}}}}, redis.endpoint(), hooks).end,
            End::kStopped);
}

TEST_F(RunnerTest, GivesUpOnATargetThatAnswersNothing) {
  RedisForTest redis;
  const Plan plan{.steps = {{Commands{.commands = {{"BLPOP", "nothing", "0"}}}}}, .stall_ms = 50};
  const auto run = workload::run(plan, redis.endpoint());
  EXPECT_EQ(run.end, End::kStalled);
  EXPECT_EQ(run.detail, "step 0: no reply for 50 ms");
}

TEST_F(RunnerTest, WritesToTheDatabaseOfTheStep) {
  RedisForTest redis;
  const Plan plan{
      .steps = {{Generate{.count = 10, .clients = 2, .database = 3, .mix = {{"SET", 1}}}},
                {Commands{.commands = {{"SET", "a", "1"}}}}}};
  const auto run = workload::run(plan, redis.endpoint());
  for (const Operation& operation : run.history.operations) {
    if (operation.arguments[0] == "SET") {
      EXPECT_EQ(operation.database, operation.step == 0 ? 3U : 0U);
    }
  }
  target::Client client(redis.endpoint());
  EXPECT_EQ(client.call({"DBSIZE"}).integer, 1);
}

// It can be killed before its first client has come.
TEST(Runner, SaysThatNobodyListens) {
  const auto nobody =
      run({.steps = {{Commands{.commands = {{"PING"}}}}}}, {.unix_path = "/nonexistent"});
  EXPECT_EQ(nobody.end, End::kTargetGone);
  EXPECT_THAT(nobody.detail, testing::HasSubstr("client 0: connect to /nonexistent"));
}

}  // namespace
}  // namespace crashpoint::workload
