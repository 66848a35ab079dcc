#include "engine/commands/dispatch/command_table.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "engine/commands/dispatch/command_lookup.h"
#include "engine/commands/dispatch/command_names.h"
#include "engine/commands/dispatch/executor_for_test.h"
#include "engine/commands/dispatch/real_redis_for_test.h"
#include "engine/commands/dispatch/statistics.h"

namespace engine::commands {
namespace {

// Of the reply to COMMAND INFO what comes before the tips: name, arity, flags, first, last and step
// of the keys, and the ACL categories.
std::string head_of_info(const std::string& reply) {
  return reply.substr(0, reply.find(']', reply.find("*[+@")));
}

TEST(CommandTable, SaysOfEveryCommandWhatRedisSays) {
  RealRedis redis;
  TestExecutor test;
  for (const CommandSpec& spec : command_table()) {
    const std::vector<std::string> command = {"COMMAND", "INFO", full_name(spec)};
    const std::string ours = reply_text(test.run(test.default_session(), command));
    EXPECT_EQ(head_of_info(ours), head_of_info(redis.run(command)));
  }
}

TEST(CommandTable, ListsSubcommandsToo) {
  RealRedis redis;
  TestExecutor test;
  for (const char* pattern : {"config*", "*|help", "z*store", "pf*", "geo*", "nosuch"}) {
    const std::vector<std::string> command = {"COMMAND", "LIST", "FILTERBY", "PATTERN", pattern};
    const std::string ours = reply_text(test.run(test.default_session(), command), true);
    std::string theirs = redis.run({command}, [](const auto&) { return true; }).at(0);
    for (const char* absent : {"acl|help", "cluster|help", "function|help", "module|help",
                               "script|help", "xgroup|help", "xinfo|help"}) {
      const std::string quoted = "\"" + std::string(absent) + "\", ";
      if (const std::size_t at = theirs.find(quoted); at != std::string::npos) {
        theirs.erase(at, quoted.size());
      } else if (const std::size_t last = theirs.find(", \"" + std::string(absent) + "\"]");
                 last != std::string::npos) {
        theirs.replace(last, std::string::npos, "]");
      }
    }
    EXPECT_EQ(ours, theirs);
  }
}

TEST(CommandTable, IsWellFormed) {
  ASSERT_LE(command_table().size(), Statistics::kCommandsMax);
  for (const CommandSpec& spec : command_table()) {
    EXPECT_FALSE(spec.has(kWrite) && spec.has(kReadOnly)) << spec.name;
    // PFCOUNT keeps its estimate in the value it reads.
    EXPECT_EQ(spec.logged != Logged::kNever, spec.has(kWrite) || spec.name == "PFCOUNT")
        << spec.name;
    EXPECT_TRUE(spec.handler != nullptr || !subcommands_of(spec).empty()) << spec.name;
    EXPECT_FALSE(spec.summary.empty()) << spec.name;
  }
}

TEST(CommandTable, FindsCommandsInAnyCase) {
  ASSERT_NE(find_command("gEt"), nullptr);
  EXPECT_EQ(find_command("gEt")->name, "GET");
  EXPECT_EQ(find_command("nosuch"), nullptr);
  EXPECT_EQ(find_command(""), nullptr);
  EXPECT_EQ(find_subcommand(*find_command("config"), "Get")->name, "CONFIG|GET");
  EXPECT_EQ(find_command("CONFIG|GET"), nullptr);
}

TEST(CommandNames, ARenamedCommandHasItsNewNameOnly) {
  CommandNames names;
  EXPECT_FALSE(names.is_new_name("get"));
  ASSERT_TRUE(names.rename("Config", "Adm_7"));
  ASSERT_TRUE(names.rename("FLUSHALL", ""));
  EXPECT_EQ(names.find("config"), nullptr);
  EXPECT_EQ(names.find("adm_7")->name, "CONFIG");
  EXPECT_EQ(names.find_by_full_name("ADM_7|get")->name, "CONFIG|GET");
  EXPECT_EQ(names.find_by_full_name("config|get"), nullptr);
  EXPECT_EQ(names.find("flushall"), nullptr);
  EXPECT_EQ(names.find("get")->name, "GET");
  EXPECT_TRUE(names.is_new_name("ADM_7"));
  EXPECT_FALSE(names.is_new_name("flushall"));
  EXPECT_EQ(names.top_level().size(), top_level_commands().size() - 1) << "FLUSHALL has no name";
}

TEST(CommandNames, NamesCanBeExchangedAndNotTakenTwice) {
  CommandNames names;
  EXPECT_EQ(names.rename("nosuch", "x").error().message, "No such command in rename-command");
  EXPECT_EQ(names.rename("GET", "set").error().message, "Target command name already exists");
  EXPECT_EQ(names.find("GET")->name, "GET") << "an error changes nothing";
  ASSERT_TRUE(names.rename("GET", "x"));
  ASSERT_TRUE(names.rename("SET", "GET"));
  ASSERT_TRUE(names.rename("x", "SET"));
  EXPECT_EQ(names.find("GET")->name, "SET");
  EXPECT_EQ(names.find("SET")->name, "GET");
  EXPECT_EQ(names.find("x"), nullptr);
}

TEST(CommandTable, KnowsWhereTheKeysAre) {
  const auto keys = [](const std::vector<std::string_view>& argv) {
    return key_positions(*find_command(argv[0]), argv);
  };
  using Positions = std::vector<std::size_t>;
  EXPECT_EQ(keys({"GET", "a"}), Positions({1}));
  EXPECT_EQ(keys({"MSET", "a", "1", "b", "2"}), Positions({1, 3}));
  EXPECT_EQ(keys({"DEL", "a", "b", "c"}), Positions({1, 2, 3}));
  EXPECT_EQ(keys({"BLPOP", "a", "b", "0"}), Positions({1, 2}));
  EXPECT_EQ(keys({"LMPOP", "2", "a", "b", "LEFT"}), Positions({2, 3}));
  EXPECT_EQ(keys({"ZUNIONSTORE", "d", "2", "a", "b"}), Positions({1, 3, 4}));
  EXPECT_EQ(keys({"LMPOP", "9", "a", "LEFT"}), Positions());
  EXPECT_EQ(keys({"PING"}), Positions());
}

}  // namespace
}  // namespace engine::commands
