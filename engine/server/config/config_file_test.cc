#include "engine/server/config/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/base/files_for_test.h"
#include "engine/server/config/config_rewrite.h"

namespace engine::server {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Pair;

class ConfigFile : public ::testing::Test {
 protected:
  // The error, or "".
  std::string load(const std::string& text, const std::vector<std::string>& options = {}) {
    config_ = Config();
    directory_.write("redis.conf", text);
    std::vector<std::string> arguments = {directory_.file("redis.conf")};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Status loaded =
        load_config(parse_command_line(arguments), config_,
                    [this](std::string_view name, std::string_view new_name) -> Status {
                      if (name == "NOSUCH") {
                        return fail("No such command in rename-command");
                      }
                      renamed_.emplace_back(name, new_name);
                      return {};
                    });
    return loaded ? "" : loaded.error().message;
  }

  TempDirectory directory_;
  Config config_;
  std::vector<std::pair<std::string, std::string>> renamed_;
};

TEST_F(ConfigFile, IgnoresCommentsAndBlanksAndReadsQuotedWords) {
  EXPECT_EQ(
      load("# comment\n\n  maxmemory   1gb\t\nrequirepass \"a \\x41\\n\"\nLOGLEVEL 'debug'\n"), "");
  EXPECT_EQ(config_.text("maxmemory"), "1073741824");
  EXPECT_EQ(config_.text("requirepass"), "a A\n");
  EXPECT_EQ(config_.text("loglevel"), "debug");
}

TEST_F(ConfigFile, TheCommandLineComesLastAndWins) {
  EXPECT_EQ(load("hz 20\nappendonly no\n", {"--hz", "30", "--appendonly", "yes"}), "");
  EXPECT_EQ(config_.text("hz"), "30");
  EXPECT_TRUE(config_.yes("appendonly"));
}

TEST_F(ConfigFile, ALoneSaveOptionMeansNoRules) {
  EXPECT_EQ(load("save 60 1\n", {"--save", "--hz", "30"}), "");
  EXPECT_EQ(config_.text("save"), "");
  EXPECT_EQ(config_.text("hz"), "30");
  EXPECT_EQ(load("", {"--save", ""}), "");
  EXPECT_EQ(config_.text("save"), "");
  EXPECT_EQ(load("", {"--save", "60", "5", "30", "1"}), "");
  EXPECT_EQ(config_.text("save"), "60 5 30 1");
  EXPECT_EQ(load("", {"--save", "60 5 30 1"}), "");
  EXPECT_EQ(config_.text("save"), "60 5 30 1");
}

TEST_F(ConfigFile, AnOptionMayHoldNameAndValueInOneArgument) {
  EXPECT_EQ(load("", {"--port 6380", "--hz", "11"}), "");
  EXPECT_EQ(config_.number("port"), 6380);
}

TEST_F(ConfigFile, IncludesFilesAndPatterns) {
  directory_.write("a.inc", "hz 21\n");
  directory_.write("b.inc", "timeout 7\n");
  EXPECT_EQ(
      load("include " + directory_.file("*.inc") + "\ninclude " + directory_.file("none*.inc")),
      "");
  EXPECT_EQ(config_.number("hz"), 21);
  EXPECT_EQ(config_.number("timeout"), 7);
}

TEST_F(ConfigFile, AFileThatIncludesItselfIsRefused) {
  EXPECT_THAT(load("include " + directory_.file("redis.conf")), HasSubstr("files deep"));
}

TEST_F(ConfigFile, AnErrorNamesLineTextAndReason) {
  EXPECT_EQ(load("hz 10\n\nmaxclients abc # x\n"),
            "\n*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\n"
            "Reading the configuration file, at line 3\n>>> 'maxclients abc # x'\n"
            "wrong number of arguments");
  EXPECT_THAT(load("nosuch 1\n"), EndsWith("Bad directive or wrong number of arguments"));
  EXPECT_THAT(load("appendonly\n"), EndsWith("wrong number of arguments"));
  EXPECT_THAT(load("requirepass \"a b\"x\n"), EndsWith("Unbalanced quotes in configuration line"));
  EXPECT_THAT(load("save 60\n"), EndsWith("Invalid save parameters"));
  EXPECT_THAT(load("", {"--hz"}), HasSubstr("at line 2\n>>> 'hz'\nwrong number of arguments"));
}

TEST_F(ConfigFile, AnErrorInAnIncludedFileNamesTheLineThere) {
  directory_.write("a.inc", "\nhz x\n");
  EXPECT_THAT(load("include " + directory_.file("a.inc")), HasSubstr("at line 2\n>>> 'hz x'"));
}

TEST_F(ConfigFile, AMissingFileIsNamed) {
  Config config;
  const Status loaded = load_config(parse_command_line({directory_.file("absent")}), config, {});
  EXPECT_EQ(loaded.error().message, "Fatal error, can't open config file '" +
                                        directory_.file("absent") + "': No such file or directory");
}

TEST_F(ConfigFile, RenamesCommandsAndNamesTheLineThatCannot) {
  EXPECT_EQ(load("rename-command FLUSHALL \"\"\nRENAME-COMMAND config adm\n"), "");
  EXPECT_THAT(renamed_, ElementsAre(Pair("FLUSHALL", ""), Pair("config", "adm")));
  EXPECT_THAT(
      load("\nrename-command NOSUCH x\n"),
      HasSubstr("at line 2\n>>> 'rename-command NOSUCH x'\nNo such command in rename-command"));
  EXPECT_THAT(load("rename-command GET\n"), EndsWith("wrong number of arguments"));
}

TEST_F(ConfigFile, SaveAloneMeansNoSnapshots) {
  EXPECT_EQ(load("save\n"), "");
  EXPECT_EQ(config_.text("save"), "");
}

TEST_F(ConfigFile, AcceptsTheUserLineThatRedisWrites) {
  EXPECT_EQ(load("user default on nopass sanitize-payload ~* &* +@all\n"), "");
  EXPECT_EQ(load("requirepass x\nuser default on #2d711642 ~* &* +@all\n"), "");
  EXPECT_THAT(load("user default on #2d711642 ~* &* +@all\n"), HasSubstr("set requirepass"));
  EXPECT_THAT(load("user alice on nopass\n"), EndsWith("only the user 'default' is supported"));
}

class ConfigRewrite : public ConfigFile {};

TEST_F(ConfigRewrite, KeepsCommentsAndPlacesAndAddsWhatIsNew) {
  const std::string text =
      "# saves\nsave 3600 1\nsave 300 100\n\nmaxmemory 100mb\nhash-max-ziplist-entries 100\n"
      "# end\n";
  ASSERT_EQ(load(text), "");
  Config config;
  ASSERT_TRUE(load_config(parse_command_line({directory_.file("redis.conf")}), config, {}));
  config.assign(*find_directive("save"), "60 5");
  config.assign(*find_directive("maxmemory"), "2048");
  config.assign(*find_directive("appendonly"), "yes");
  config.assign(*find_directive("requirepass"), "x\"y");
  config.assign(*find_directive("dir"), "");
  EXPECT_EQ(rewritten_config(text, config),
            "# saves\nsave 60 5\n\nmaxmemory 2kb\nhash-max-listpack-entries 100\n# end\n\n"
            "# Generated by CONFIG REWRITE\nappendonly yes\nrequirepass \"x\\\"y\"\n");
}

TEST_F(ConfigRewrite, WhatItWritesLoadsAsTheSameConfiguration) {
  Config config;
  for (const Directive& directive : directives()) {
    config.assign(directive, std::string(directive.initial));
  }
  config.assign(*find_directive("save"), "");
  config.assign(*find_directive("bind"), "");
  config.assign(*find_directive("dir"), "/");
  config.assign(*find_directive("notify-keyspace-events"), "AKE");
  config.assign(*find_directive("client-output-buffer-limit"),
                "normal 1 2 3 slave 4096 5 6 pubsub 7 8 9");
  ASSERT_EQ(load(rewritten_config("", config, /*all=*/true)), "");
  for (const Directive& directive : directives()) {
    EXPECT_EQ(config_.value(directive), config.value(directive)) << directive.name;
  }
}

TEST_F(ConfigRewrite, RewritingTwiceChangesNothingMore) {
  Config config;
  config.assign(*find_directive("hz"), "50");
  const std::string once = rewritten_config("# mine\n", config);
  EXPECT_EQ(rewritten_config(once, config), once);
}

}  // namespace
}  // namespace engine::server
