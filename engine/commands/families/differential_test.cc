// The same random commands to this executor and to redis-server 7.0: the same replies, and the same
// data by DEBUG DIGEST. And what we log, replayed there, makes the data we have.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/commands/dispatch/executor_for_test.h"
#include "engine/commands/dispatch/real_redis_for_test.h"
#include "engine/commands/families/command_grammar_for_test.h"
#include "engine/commands/families/command_templates_for_test.h"
#include "engine/commands/services/digest.h"

namespace engine::commands {
namespace {

using Command = std::vector<std::string>;

bool has_no_order(const Command& command) {
  static const std::set<std::string> kNames = {"SMEMBERS", "SINTER", "SUNION", "SDIFF",
                                               "HGETALL",  "SCAN",   "HSCAN",  "SSCAN",
                                               "ZSCAN",    "HKEYS",  "HVALS",  "KEYS"};
  return kNames.contains(command.at(0)) || command.at(0) == "EXEC" ||
         std::find(command.begin(), command.end(), "nosort") != command.end();
}

std::string_view choose(CommandGrammar& grammar, bool with_chance) {
  if (grammar.below(200) == 0) {
    return kWaiting[grammar.below(std::size(kWaiting))];
  }
  if (with_chance && grammar.below(8) == 0) {
    return kByChance[grammar.below(std::size(kByChance))];
  }
  const std::size_t index = grammar.below(std::size(kDetermined) + std::size(kUnordered));
  return index < std::size(kDetermined) ? kDetermined[index]
                                        : kUnordered[index - std::size(kDetermined)];
}

// Each number is a command; so a failing sequence shrinks to the commands that matter.
std::vector<Command> expand(const std::vector<std::uint64_t>& numbers, bool with_chance) {
  std::vector<Command> commands;
  for (const std::uint64_t number : numbers) {
    CommandGrammar grammar(number);
    commands.push_back(grammar.expand(choose(grammar, with_chance)));
  }
  return commands;
}

std::string joined(const Command& command) {
  std::string line;
  for (const std::string& word : command) {
    line += (line.empty() ? "" : " ") + quote(word);
  }
  return line;
}

std::string listed(const std::vector<Command>& commands, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += "\n  " + joined(commands[i]);
  }
  return text;
}

RealRedis& reference() {
  static RealRedis redis;
  return redis;
}

auto sequences() {
  constexpr int kCommandsMax = 200;
  return rc::gen::resize(kCommandsMax, rc::gen::container<std::vector<std::uint64_t>>(
                                           rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>())));
}

// Waits in a blocking command end at once here: time is ours.
std::string run_ours(TestExecutor& ours, Session& session, const Command& command) {
  std::string sent = ours.run(session, command);
  if (session.blocked()) {
    ours.clock.advance_monotonic_ms(60'000);
    ours.executor.before_sleep();
    sent += ours.take_output(session);
  }
  return sent;
}

bool has_digest_of(TestExecutor& ours) {
  reference().run(Command{"RESET"});  // a transaction may be open
  // A key past its time is there until someone looks, which Redis does when it finds the time.
  Session& visitor = ours.connect();
  for (const char* database : {"0", "1", "2"}) {
    for (const Command& command :
         {Command{"SELECT", database}, {"EXISTS", "k0", "k1", "k2", "k3", "k4", "k5", "k6"}}) {
      reference().run(command);
      ours.run(visitor, command);
    }
  }
  return reference().run(Command{"DEBUG", "DIGEST"}) == "+" + to_hex(digest_of(ours.keyspace));
}

// In Redis SORT leaves a sorted set a skiplist for good; here a command that reads changes nothing.
std::string without_encoding_after_sort(std::string reply) {
  constexpr std::string_view kSkiplist = "\"skiplist\"";
  while (reply.find(kSkiplist) != std::string::npos) {
    reply.replace(reply.find(kSkiplist), kSkiplist.size(), "\"listpack\"");
  }
  return reply;
}

void expect_same_replies(const std::vector<Command>& commands, int protocol) {
  TestExecutor ours;
  ours.clock.set_wall_ms(SystemClock().wall_ms());
  Session& session = ours.connect();
  const Command hello = {"HELLO", std::to_string(protocol)};
  ours.run(session, hello);
  for (const Command& command : {Command{"RESET"}, hello, Command{"FLUSHALL"}}) {
    reference().run(command);
  }
  const std::vector<std::string> theirs = reference().run(commands, has_no_order);
  bool has_sorted = false;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const std::string our_reply =
        reply_text(run_ours(ours, session, commands[i]), has_no_order(commands[i]));
    has_sorted |= commands[i][0].starts_with("SORT");
    if (our_reply != theirs[i] && !(has_sorted && without_encoding_after_sort(our_reply) ==
                                                      without_encoding_after_sort(theirs[i]))) {
      RC_FAIL("after" + listed(commands, i + 1) + "\n  ours:   " + our_reply +
              "\n  theirs: " + theirs[i]);
    }
  }
  if (!has_digest_of(ours)) {
    RC_FAIL("different data after" + listed(commands, commands.size()));
  }
}

RC_GTEST_PROP(Differential, EveryReplyAndAllDataAreRedissInResp2, ()) {
  expect_same_replies(expand(*sequences(), false), 2);
}

RC_GTEST_PROP(Differential, EveryReplyAndAllDataAreRedissInResp3, ()) {
  expect_same_replies(expand(*sequences(), false), 3);
}

TEST(Differential, ANegativeZeroKeepsItsSignWhereRedisKeepsIt) {
  TestExecutor ours;
  const std::vector<Command> commands = {
      {"RESET"},
      {"FLUSHALL"},
      {"ZADD", "k1", "-0", "a"},
      {"ZINCRBY", "k1", "-0", "b"},
      {"ZSCORE", "k1", "a"},
      {"ZADD", "k2", "-0", std::string(100, 'x'), "1", "b"},  // no listpack
      {"ZRANGE", "k2", "0", "-1", "WITHSCORES"},
      {"DEBUG", "DIGEST-VALUE", "k1", "k2"},
  };
  const std::vector<std::string> theirs = reference().run(commands, has_no_order);
  for (std::size_t i = 0; i < commands.size(); ++i) {
    EXPECT_EQ(reply_text(ours.run(ours.default_session(), commands[i])), theirs[i])
        << joined(commands[i]);
  }
}

RC_GTEST_PROP(Differential, TheLogReplayedOnRedisMakesTheSameData, ()) {
  const std::vector<Command> commands = expand(*sequences(), true);
  TestExecutor ours;
  ours.clock.set_wall_ms(SystemClock().wall_ms());
  Session& session = ours.connect();
  for (const Command& command : commands) {
    run_ours(ours, session, command);
  }
  std::vector<Command> replayed = {{"RESET"}, {"FLUSHALL"}};
  for (const auto& [database, argv] : ours.effects.argvs) {
    replayed.push_back({"SELECT", std::to_string(database)});
    replayed.push_back(argv);
  }
  const std::vector<std::string> replies = reference().run(replayed, has_no_order);
  for (std::size_t i = 0; i < replies.size(); ++i) {
    if (replies[i].starts_with('-')) {
      RC_FAIL("redis refuses what we log: " + joined(replayed[i]) + ": " + replies[i] + " after" +
              listed(commands, commands.size()));
    }
  }
  if (!has_digest_of(ours)) {
    RC_FAIL("different data after" + listed(commands, commands.size()) +
            "\nlogged:" + listed(replayed, replayed.size()));
  }
}

}  // namespace
}  // namespace engine::commands
