#include "harness/target/state_dump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "harness/target/redis_for_test.h"

namespace crashpoint::target {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class StateDumpTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!RedisForTest::is_installed()) {
      GTEST_SKIP() << "redis-tools is not installed";
    }
  }
};

TEST_F(StateDumpTest, ReadsEveryTypeOfEveryDatabaseWithItsDeadline) {
  RedisForTest redis;
  const std::string binary("\0\r\n\xff", 4);
  Client client(redis.endpoint());
  client.pipeline(
      std::vector<std::vector<std::string>>{{"SET", binary, binary},
                                            {"RPUSH", "list", "b", "a", "b"},
                                            {"SADD", "set", "x", "y"},
                                            {"HSET", "hash", "f", "1", "g", ""},
                                            {"ZADD", "zset", "1.5", "m", "-inf", "low"},
                                            {"SELECT", "15"},
                                            {"SET", "dies", "later", "PXAT", "4102444800123"}});
  const State state = dump_state(redis.endpoint());
  EXPECT_THAT(
      state.entries,
      UnorderedElementsAre(
          Pair(Key{0, binary}, Entry{binary, {}}),
          Pair(Key{0, "list"}, Entry{List{"b", "a", "b"}, {}}),
          Pair(Key{0, "set"}, Entry{Set{"x", "y"}, {}}),
          Pair(Key{0, "hash"}, Entry{Hash{{"f", "1"}, {"g", ""}}, {}}),
          Pair(Key{0, "zset"},
               Entry{SortedSet{{"m", 1.5}, {"low", -std::numeric_limits<double>::infinity()}}, {}}),
          Pair(Key{15, "dies"}, Entry{"later", 4102444800123})));
  EXPECT_EQ(state.deadline_error_ms, 0);
  EXPECT_LE(state.observed_from_ms, state.observed_to_ms);
}

TEST_F(StateDumpTest, ReadsMoreKeysThanOneScanPageHolds) {
  RedisForTest redis;
  Client client(redis.endpoint());
  std::vector<std::vector<std::string>> commands;
  for (int key = 0; key < 5000; ++key) {
    commands.push_back({"SET", std::to_string(key), "v"});
  }
  client.pipeline(commands);
  EXPECT_EQ(dump_state(redis.endpoint()).entries.size(), 5000U);
}

TEST_F(StateDumpTest, TakesTypesItDoesNotKnowAsTheyAreSerialised) {
  RedisForTest redis;
  Client client(redis.endpoint());
  client.call({"XADD", "stream", "1-1", "f", "v"});
  const State state = dump_state(redis.endpoint());
  EXPECT_EQ(type_name(state.entries.at({0, "stream"}).value), "stream");
}

TEST_F(StateDumpTest, FindsNothingInAnEmptyServer) {
  RedisForTest redis;
  EXPECT_TRUE(dump_state(redis.endpoint()).entries.empty());
}

TEST_F(StateDumpTest, ARedisServerAnswersAllThatReadingItNeeds) {
  RedisForTest redis;
  EXPECT_THAT(unanswered_questions(redis.endpoint()), ::testing::IsEmpty());
}

}  // namespace
}  // namespace crashpoint::target
