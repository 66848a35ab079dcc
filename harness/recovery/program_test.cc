#include "harness/recovery/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "harness/base/error.h"

namespace crashpoint::recovery {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ProgramTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "program-test-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  static scenario::Target target(const std::string& use) {
    scenario::Target target;
    target.use = use;
    return target;
  }

  std::string configuration() const {
    std::ifstream file(folder_ / "target.conf");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // What the UsageError of a target that is not there says.
  std::string complaint(const scenario::Target& wanted) const {
    try {
      find_program(wanted, folder_);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  }

  fs::path folder_;
};

TEST_F(ProgramTest, EngineIsFoundBesideTheBuildAndTellsItsVersion) {
  const Program engine = find_program(target("engine"), folder_);
  EXPECT_EQ(fs::path(engine.command.front()).filename(), "crashpoint-engine");
  EXPECT_FALSE(engine.version.empty());
  EXPECT_EQ(engine.everysec_loss.power_loss, 1.5);
}

TEST_F(ProgramTest, RedisIsFoundThoughOnlyItsToolsAreInstalled) {
  const Program redis = find_program(target("redis"), folder_);
  EXPECT_EQ(fs::path(redis.command.front()).filename(), "redis-server");
  EXPECT_THAT(redis.version, ::testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
}

TEST_F(ProgramTest, AProgramThatIsNotThereIsNamed) {
  scenario::Target missing = target("command");
  missing.command = {"no-such-server", "{config}"};
  EXPECT_THAT(complaint(missing), HasSubstr("'no-such-server': no such program on PATH"));

  ::setenv("CRASHPOINT_ENGINE", "/nowhere/engine", 1);
  EXPECT_THAT(complaint(target("engine")), HasSubstr("CRASHPOINT_ENGINE is '/nowhere/engine'"));
  ::unsetenv("CRASHPOINT_ENGINE");
}

TEST_F(ProgramTest, AnInstanceListensOnASocketOfItsOwnAndHasTheWholeConfiguration) {
  scenario::Target wanted = target("engine");
  wanted.config = {{"appendonly", {"yes"}}, {"save", {"3600 1", "60 10"}}, {"requirepass", {""}}};
  const Program program{"engine", {"/bin/true", "{config}"}, "", 1};
  const Instance instance = prepare_instance(program, wanted, "/data", folder_);
  EXPECT_THAT(instance.command, ElementsAre("/bin/true", (folder_ / "target.conf").string()));
  EXPECT_EQ(instance.endpoint.unix_path, (folder_ / "socket").string());
  EXPECT_EQ(configuration(),
            "appendonly yes\nrequirepass \"\"\nsave 3600 1\nsave 60 10\ndir /data\ndaemonize no\n"
            "port 0\nunixsocket " +
                instance.endpoint.unix_path + "\n");
}

TEST_F(ProgramTest, APathThatNeedsQuotesGetsThem) {
  const Program program{"engine", {"/bin/true", "{config}"}, "", 1};
  const fs::path odd = folder_ / "it's \"a\" b\\ #ä";
  fs::create_directories(odd);
  const Instance instance = prepare_instance(program, target("engine"), odd / "da\nta", odd);
  EXPECT_EQ(instance.command.back(), (odd / "target.conf").string()) << "no shell reads this";
  folder_ = odd;  // where configuration() looks
  const std::string quoted = "\"" + odd.parent_path().string() + "/it's \\\"a\\\" b\\\\ #ä";
  EXPECT_EQ(configuration(), "dir " + quoted + "/da\\x0ata\"\ndaemonize no\nport 0\nunixsocket " +
                                 quoted + "/socket\"\n");
  folder_ = odd.parent_path();
}

TEST_F(ProgramTest, AProgramOfTheEnvironmentIsFoundFromEveryDirectory) {
  fs::create_symlink("/bin/true", folder_ / "redis-check-rdb");
  const fs::path here = fs::current_path();
  fs::current_path(folder_);
  ::setenv("CRASHPOINT_ENGINE", "redis-check-rdb", 1);
  EXPECT_EQ(find_program(target("engine"), folder_).command.front(), folder_ / "redis-check-rdb");
  ::unsetenv("CRASHPOINT_ENGINE");
  ::setenv("CRASHPOINT_REDIS", "redis-check-rdb", 1);
  EXPECT_EQ(find_program(target("redis"), folder_).command.front(), folder_ / "redis-server")
      << "by its name it would check files";
  ::unsetenv("CRASHPOINT_REDIS");
  fs::current_path(here);
}

TEST_F(ProgramTest, WhatIsNoProgramIsToldApart) {
  scenario::Target wanted = target("command");
  std::ofstream(folder_ / "text") << "no program";
  wanted.command = {(folder_ / "text").string(), "{config}"};
  EXPECT_THAT(complaint(wanted), HasSubstr("text': without its run bit: chmod +x"));
  wanted.command = {"./nowhere/server", "{config}"};
  EXPECT_THAT(complaint(wanted), HasSubstr("neither seen from the current directory"));
}

TEST_F(ProgramTest, ACommandThatAsksForAPortGetsAFreeOne) {
  const Program program{"x", {"/bin/true", "--port={port}", "{dir}"}, "", 2};
  const Instance instance = prepare_instance(program, target("command"), "/data", folder_);
  EXPECT_GT(instance.endpoint.port, 0);
  EXPECT_THAT(
      instance.command,
      ElementsAre("/bin/true", "--port=" + std::to_string(instance.endpoint.port), "/data"));
}

TEST_F(ProgramTest, ASocketPathIsNeverTooLong) {
  const Program program{"engine", {"/bin/true"}, "", 1};
  const fs::path deep = folder_ / std::string(120, 'd');
  fs::create_directories(deep);
  const Instance instance = prepare_instance(program, target("engine"), "/data", deep);
  EXPECT_LT(instance.endpoint.unix_path.size(), 108U);
  std::ofstream(instance.endpoint.unix_path) << "here";
  EXPECT_TRUE(fs::exists(deep / "socket"));
}

TEST_F(ProgramTest, TargetsThatDoNotListenYetHaveDifferentPorts) {
  scenario::Target other = target("command");
  other.command = {"true", "{port}"};
  const Program program = find_program(other, folder_);
  std::vector<Instance> instances;
  std::set<std::uint16_t> ports;
  for (int i = 0; i < 500;
       ++i) {  // by chance alone, two of so many would nearly always be the same
    instances.push_back(prepare_instance(program, other, folder_ / "data", folder_));
    EXPECT_TRUE(ports.insert(instances.back().endpoint.port).second);
  }
}

}  // namespace
}  // namespace crashpoint::recovery
