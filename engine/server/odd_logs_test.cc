// Logs that no server wrote as they are: edited by hand, put together by a proxy, or damaged where nobody looks. What
// the engine loads is what redis-server 7.0.15 loads; what it refuses it refuses with the place.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "engine/base/random.h"
#include "engine/commands/dispatch/command_lookup.h"
#include "engine/commands/dispatch/command_table.h"
#include "engine/commands/families/command_grammar_for_test.h"
#include "engine/commands/families/command_templates_for_test.h"
#include "engine/testing/test_server.h"

namespace engine::server {
namespace {

using commands::CommandSpec;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::TestClient;
using testing::TestServer;
using OddCommand = std::vector<std::string>;
using OddLog = std::vector<OddCommand>;

const std::vector<std::string> kWithLog = {"--appendonly",           "yes", "--save", "",
                                           "--enable-debug-command", "yes"};

void write_log(const TempDirectory& directory, const OddLog& log) {
  const std::filesystem::path folder = directory.file("appendonlydir");
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "appendonly.aof.manifest")
      << "file appendonly.aof.1.incr.aof seq 1 type i\n";
  std::ofstream file(folder / "appendonly.aof.1.incr.aof", std::ios::binary);
  for (const OddCommand& command : log) {
    file << fmt::format("*{}\r\n", command.size());
    for (const std::string& word : command) {
      file << fmt::format("${}\r\n{}\r\n", word.size(), word);
    }
  }
}

std::string shown_log(const OddLog& log) {
  std::string text;
  for (const OddCommand& command : log) {
    for (const std::string& word : command) {
      text += fmt::format("'{}' ", word);
    }
    text += '\n';
  }
  return text;
}

// "CONFIG|GET" is two words.
OddCommand words_of(const CommandSpec& spec) {
  const std::string name = commands::full_name(spec);
  const std::size_t bar = name.find('|');
  return bar == std::string::npos ? OddCommand{name}
                                  : OddCommand{name.substr(0, bar), name.substr(bar + 1)};
}

std::string digest_of(const TestServer& server) {
  TestClient client = server.client();
  for (int database = 0; database < 3; ++database) {
    client("SELECT", std::to_string(database));
    // A key past its time is there until someone looks.
    client("EXISTS", "k0", "k1", "k2", "k3", "k4", "k5", "k6", "z0", "z1", "gz0", "gz1");
  }
  return client("DEBUG", "DIGEST");
}

OddCommand odd_command(Random& random) {
  constexpr const char* kWords[] = {"k0", "k1", "z0", "1", "-1", "0", "x", "", "nan"};
  for (;;) {
    const auto& table = commands::command_table();
    const CommandSpec& spec = table[random.below(table.size())];
    if (spec.has(commands::kAdmin | commands::kPubSub) || spec.handler == nullptr) {
      continue;  // redis-server obeys them, whatever that means in a log
    }
    OddCommand command = words_of(spec);
    for (std::uint64_t words = random.below(5); words > 0; --words) {
      command.emplace_back(kWords[random.below(std::size(kWords))]);
    }
    return command;
  }
}

OddLog odd_log(Random& random) {
  OddLog log;
  for (std::uint64_t left = 4 + random.below(16); left > 0; --left) {
    switch (random.below(11)) {
      case 0:
        log.push_back(odd_command(random));
        break;
      case 1:
        log.push_back({"SELECT", std::to_string(random.below(3))});
        break;
      default: {
        commands::CommandGrammar grammar(random.next());
        log.push_back(
            grammar.expand(commands::kDetermined[grammar.below(std::size(commands::kDetermined))]));
      }
    }
  }
  if (random.below(2) == 0) {  // the whole of it is a transaction
    log.insert(log.begin(), {"MULTI"});
    log.push_back({"EXEC"});
  }
  return log;
}

TEST(OddLogs, AreLoadedAsRedisLoadsThemOrRefusedWithThePlace) {
  constexpr int kLogs = 50;
  Random random(
      static_cast<std::uint64_t>(GTEST_FLAG_GET(random_seed)));  // others: --gtest_random_seed
  int loaded = 0;
  for (int i = 0; i < kLogs; ++i) {
    const OddLog log = odd_log(random);
    SCOPED_TRACE(shown_log(log));
    TempDirectory one;
    write_log(one, log);
    TestServer engine(one, kWithLog);
    if (!engine.is_ready()) {
      EXPECT_EQ(engine.wait_exit(), 1);
      EXPECT_THAT(engine.log(), AllOf(HasSubstr("appendonly.aof.1.incr.aof"), HasSubstr("byte")));
      continue;
    }
    TempDirectory other;
    write_log(other, log);
    TestServer redis(other, kWithLog, TestServer::Kind::kRedis);
    if (!redis.is_ready()) {
      // It does not look at the number of arguments, nor for commands that no transaction can hold.
      EXPECT_TRUE(redis.logged("REDIS BUG REPORT")) << "it refuses: " << redis.log();
      continue;
    }
    EXPECT_EQ(digest_of(engine), digest_of(redis)) << engine.log();
    ++loaded;
  }
  EXPECT_GT(loaded, kLogs / 4) << "else nothing was compared";
}

TEST(OddLogs, WithAnyCommandOfTheTableLeaveAServerWithTheRestOrNone) {
  for (const CommandSpec& spec : commands::command_table()) {
    OddCommand command = words_of(spec);
    if (spec.name == "MULTI" || spec.name == "SELECT") {
      continue;  // what follows it is a torn transaction, or goes elsewhere
    }
    while (static_cast<int>(command.size()) < std::abs(spec.arity)) {
      command.emplace_back("1");
    }
    SCOPED_TRACE(shown_log({command}));
    TempDirectory directory;
    write_log(directory, {{"SET", "before", "1"}, command, {"SET", "after", "1"}});
    TestServer engine(directory, kWithLog);
    if (!engine.is_ready()) {
      EXPECT_EQ(engine.wait_exit(), 1);
      EXPECT_THAT(engine.log(), HasSubstr("byte 32"));
      continue;
    }
    TestClient client = engine.client();
    const bool removes_all = spec.name == "FLUSHALL" || spec.name == "FLUSHDB";
    EXPECT_EQ(client("EXISTS", "before"), removes_all ? ":0" : ":1") << engine.log();
    EXPECT_EQ(client("EXISTS", "after"), ":1") << engine.log();
  }
}

TEST(OddLogs, WhoseCommandsAreAnsweredWithAnErrorLoadWithAWarning) {
  TempDirectory directory;
  write_log(directory,
            {{"SET", "k", "text"}, {"INCR", "k"}, {"LPUSH", "k", "a"}, {"SET", "after", "1"}});
  TestServer engine(directory, kWithLog);
  ASSERT_TRUE(engine.is_ready()) << engine.log();
  EXPECT_EQ(engine.client()("GET", "k"), "text");
  EXPECT_THAT(engine.log(), AllOf(HasSubstr("answered with an error"),
                                  HasSubstr("2, the first 'INCR' at byte 30")));
}

}  // namespace
}  // namespace engine::server
