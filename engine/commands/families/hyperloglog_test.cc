// HyperLogLogs are Redis's byte for byte, and strings that only look like one do no harm.
#include "engine/keyspace/hyperloglog.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/base/random.h"
#include "engine/commands/dispatch/executor_for_test.h"
#include "engine/commands/dispatch/real_redis_for_test.h"

namespace engine::commands {
namespace {

using Command = std::vector<std::string>;

void expect_same(TestExecutor& ours, RealRedis& redis, const std::vector<Command>& commands) {
  const auto in_order = [](const Command&) { return false; };
  const std::vector<std::string> theirs = redis.run(commands, in_order);
  for (std::size_t i = 0; i < commands.size(); ++i) {
    ASSERT_EQ(reply_text(ours.run(ours.default_session(), commands[i])), theirs[i])
        << commands[i][0] << " as command " << i;
  }
}

std::vector<Command> filled(const std::string& key, int first, int count) {
  std::vector<Command> commands;
  for (int i = 0; i < count; i += 7) {
    Command add = {"PFADD", key};
    for (int j = i; j < std::min(i + 7, count); ++j) {
      add.push_back("element-" + std::to_string(first + j));
    }
    commands.push_back(add);
    if (i % 5 == 0) {
      commands.push_back({"PFCOUNT", key});
    }
    if (i % 3 == 0) {
      commands.push_back({"GET", key});
    }
  }
  return commands;
}

TEST(HyperLogLog, HasTheBytesOfRedisFromTheFirstElementToADenseOne) {
  TestExecutor ours;
  RealRedis redis;
  expect_same(ours, redis, filled("h", 0, 2100));
  expect_same(ours, redis, {{"PFDEBUG", "ENCODING", "h"}, {"PFDEBUG", "DECODE", "h"}});
  EXPECT_EQ(ours.run("PFDEBUG ENCODING h"), "+dense\r\n");
  expect_same(ours, redis, filled("h", 100'000, 210));
}

TEST(HyperLogLog, HasTheBytesOfRedisWhenMerged) {
  TestExecutor ours;
  RealRedis redis;
  expect_same(ours, redis, filled("a", 0, 100));
  expect_same(ours, redis, filled("b", 50, 300));
  expect_same(ours, redis, filled("c", 0, 2100));
  expect_same(ours, redis,
              {{"PFMERGE", "ab", "a", "b", "none"},
               {"GET", "ab"},
               {"PFCOUNT", "ab"},
               {"GET", "ab"},
               {"PFCOUNT", "a", "b", "c", "none"},
               {"GET", "a"},
               {"PFMERGE", "ab", "c"},
               {"GET", "ab"},
               {"PFMERGE", "new"},
               {"GET", "new"},
               {"PFDEBUG", "TODENSE", "a"},
               {"PFDEBUG", "TODENSE", "a"},
               {"GET", "a"},
               {"PFDEBUG", "GETREG", "b"},
               {"PFDEBUG", "ENCODING", "b"},
               {"PFMERGE", "x", "a", "b"},
               {"OBJECT", "ENCODING", "x"}});
}

TEST(HyperLogLog, WhatIsNoneIsRefusedAsRedisRefusesIt) {
  TestExecutor ours;
  RealRedis redis;
  const std::string header = std::string("HYLL\1\0\0\0", 8);
  const std::string stale(8, '\x80');
  std::vector<Command> commands = {{"RPUSH", "list", "a"},
                                   {"SET", "number", "1234567890123456789"}};
  const std::string values[] = {
      "",
      "HYLL",
      std::string(16, 'H'),
      header + stale,                          // no run at all
      header + stale + "\x7f",                 // a run that is cut
      header + stale + "\x7f\xff\x80",         // a value beyond the last register
      header + stale + "\x7f\xff\x7f\xff",     // zeros beyond it
      header + stale + "\x7f\xfe\x84",         // just whole
      header + std::string(8, '\0') + "\x80",  // an estimate, but corrupted
      std::string("HYLL\0\0\0\0", 8) + stale,  // dense and too short
      std::string("HYLL\2\0\0\0", 8) + std::string(12296, '\0'),
      std::string("HYLL\0\0\0\0", 8) + stale + std::string(12288, '\xff'),
  };
  for (std::size_t i = 0; i < std::size(values); ++i) {
    const std::string key = "k" + std::to_string(i);
    commands.push_back({"SET", key, values[i]});
    commands.push_back({"PFCOUNT", key});
    commands.push_back({"PFCOUNT", key, "none"});
    commands.push_back({"PFMERGE", "merged", key});
    commands.push_back({"GET", key});
  }
  for (const char* key : {"list", "number"}) {
    commands.push_back({"PFADD", key, "a"});
    commands.push_back({"PFCOUNT", key});
    commands.push_back({"PFMERGE", "merged", key});
    commands.push_back({"PFDEBUG", "GETREG", key});
  }
  expect_same(ours, redis, commands);
}

// Mutations of valid ones and chance: what matters is what a sanitizer says of it.
TEST(HyperLogLog, StringsThatOnlyLookLikeOneDoNoHarm) {
  Random random(1);
  TestExecutor ours;
  Session& session = ours.default_session();
  for (int round = 0; round < 300; ++round) {
    std::string value = std::string("HYLL\1\0\0\0", 8) + std::string(8, '\x80');
    for (std::uint64_t runs = random.below(60); runs > 0; --runs) {
      value += random.below(3) == 0 ? static_cast<char>(0x40 | random.below(64))
                                    : static_cast<char>(random.below(256));
    }
    ours.run(session, Command{"SET", "h", value});
    for (int i = 0; i < 10; ++i) {
      ours.run(session, Command{"PFADD", "h", std::to_string(random.next())});
    }
    ours.run(session, "PFCOUNT h");
    ours.run(session, "PFDEBUG DECODE h");
    ours.run(session, "PFMERGE into h");
    ours.run(session, "PFDEBUG GETREG h");
  }
  EXPECT_EQ(ours.run("PFADD new a"), ":1\r\n");
}

TEST(HyperLogLog, ACountThatKeepsItsEstimateIsLogged) {
  TestExecutor ours;
  ours.run("PFADD h a b");
  ours.effects.steps.clear();
  EXPECT_EQ(ours.run("PFCOUNT h"), ":2\r\n");
  EXPECT_EQ(ours.run("PFCOUNT h"), ":2\r\n");
  EXPECT_EQ(ours.run("PFADD h a"), ":0\r\n");
  EXPECT_EQ(ours.effects.steps, std::vector<std::string>{"0:PFCOUNT h"});
  EXPECT_EQ(ours.run("PFSELFTEST"), "+OK\r\n");
}

TEST(HyperLogLog, WhatAnAddChangedBeforeItFoundCorruptionIsLoggedAsTheValue) {
  TestExecutor ours;
  ours.run("PFADD h 5 e");
  ours.run("SETRANGE h 16 0");
  ours.effects.steps.clear();
  EXPECT_EQ(ours.run("PFADD h \"\\r\\n\" 007 1e3"),
            "-INVALIDOBJ Corrupted HLL object detected\r\n");
  const std::string value = ours.run("GET h");
  ASSERT_EQ(ours.effects.argvs.back().second.size(), 4u);
  EXPECT_EQ(ours.effects.argvs.back().second[0], "SET");
  EXPECT_NE(value.find(ours.effects.argvs.back().second[2]), std::string::npos);
}

}  // namespace
}  // namespace engine::commands
