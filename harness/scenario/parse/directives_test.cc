#include "harness/scenario/parse/directives.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "harness/scenario/load/files_for_test.h"

namespace crashpoint::scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Words = std::vector<std::string>;

// The problems of a scenario with this target, which is on line 2, and these commands.
std::vector<std::string> problems(const std::string& target,
                                  const std::string& commands = R"([["SET", "a", "1"]])") {
  return FilesForTest().problems_of(
      "{\"version\": 1, \"summary\": \"s\", \"workload\": [{\"commands\": " + commands +
      "}], \"oracle\": {\"guarantee\": \"durable\"},\n\"target\": " + target + "}");
}

std::vector<std::string> problems_of_config(const std::string& name, const std::string& value) {
  return problems("{\"config\": {\"" + name + "\": " + value + "}}");
}

TEST(WordsOfDirective, AreThoseThatTheTargetReads) {
  EXPECT_EQ(words_of_directive(""), Words());
  EXPECT_EQ(words_of_directive("  3600 1\t300 10 "), (Words{"3600", "1", "300", "10"}));
  EXPECT_EQ(words_of_directive(R"("a b" 'c "d"' "\"\x41\n")"), (Words{"a b", "c \"d\"", "\"A\n"}));
  EXPECT_EQ(words_of_directive(R"("" a'b')"), (Words{"", "ab"}));
  EXPECT_EQ(words_of_directive(R"('it\'s')"), Words{"it's"});
  EXPECT_EQ(words_of_directive("\"open"), std::nullopt);
  EXPECT_EQ(words_of_directive("'a'b"), std::nullopt);
}

TEST(Directives, OfTheNextStartMayNeitherLeadElsewhereNorHideWhatWasWritten) {
  const auto problems_of_next = [](const std::string& config) {
    return FilesForTest().problems_of(
        "{\"version\": 1, \"summary\": \"s\", \"workload\": [],\n\"recovery\": {\"config\": {" +
        config + "}}}");
  };
  EXPECT_THAT(problems_of_next(R"("appendonly": "yes", "save": ["900 1", "60 5"])"), IsEmpty());
  EXPECT_THAT(problems_of_next(R"("dir": "/x")"),
              ElementsAre(HasSubstr("2:32: /recovery/config/dir: found dir \"/x\"")));
  EXPECT_THAT(problems_of_next(R"("Appendfilename": "other.aof")"),
              ElementsAre(HasSubstr("\"appendfilename\" would hide from the next start what the "
                                    "first one wrote")));
}

TEST(Directives, ThatLeadElsewhereAreRefusedAtTheirPosition) {
  EXPECT_THAT(
      problems_of_config("dir", "\"/var/lib/redis\""),
      ElementsAre("2:30: /target/config/dir: found dir \"/var/lib/redis\"; crashpoint gives "
                  "the target a data directory of its own and does not see what it writes "
                  "elsewhere; remove this directive"));
  for (const char* const directive : {R"("DIR": "..")",
                                      R"("Dir": "'/x'")",
                                      R"("dir": ["/x"])",
                                      R"("port": 0)",
                                      R"("port": "6379")",
                                      R"("bind": "127.0.0.1 -::1")",
                                      R"("unixsocket": "/x")",
                                      R"("tls-port": 1)",
                                      R"("daemonize": "yes")",
                                      R"("daemonize": "\"yes\"")",
                                      R"("pidfile": "/run/p")",
                                      R"("pidfile": "../p")",
                                      R"("logfile": "server.log")",
                                      R"("syslog-enabled": "yes")",
                                      R"("replicaof": "127.0.0.1 1")",
                                      R"("slaveof": "h 1")",
                                      R"("cluster-enabled": "yes")",
                                      R"("requirepass": "secret")",
                                      R"("aclfile": "/x")",
                                      R"("user": ["default off"])",
                                      R"("rename-command": "CONFIG \"\"")",
                                      R"("include": "/etc/redis.conf")",
                                      R"("min-replicas-to-write": 1)",
                                      R"("appenddirname": "..")",
                                      R"("appenddirname": "\"a/b\"")",
                                      R"("appendfilename": "/x")",
                                      R"("dbfilename": "../x")",
                                      R"("maxmemory": "3mb", "maxmemory-policy": "allkeys-lru")"}) {
    EXPECT_EQ(problems("{\"config\": {" + std::string(directive) + "}}").size(), 1U) << directive;
  }
}

TEST(Directives, ThatChangeNothingAreNot) {
  EXPECT_THAT(
      problems(
          R"({"config": {"dir": "./", "daemonize": "no", "pidfile": "server.pid", "logfile": "",
                   "syslog-enabled": "no", "replicaof": "no one", "cluster-enabled": "no",
                   "requirepass": "", "aclfile": "", "min-replicas-to-write": 0, "tls-port": 0,
                   "appenddirname": "my dir", "appendfilename": "\"my \\\"log\\\".aof\"",
                   "maxmemory": 0, "maxmemory-policy": "allkeys-lru", "supervised": "auto",
                   "save": ["900 1", "60 1000"], "appendonly": "yes"}})"),
      ElementsAre(HasSubstr("/appenddirname: found appenddirname \"my dir\"")))
      << "two words";
  EXPECT_THAT(problems(R"({"config": {"maxmemory": "1gb", "maxmemory-policy": "noeviction"}})"),
              IsEmpty());
  EXPECT_THAT(problems(R"({"config": {"appenddirname": "\"my dir\""}})"), IsEmpty());
}

TEST(Directives, AreAlsoFoundAmongTheArguments) {
  EXPECT_THAT(problems(R"({"arguments": ["--loglevel", "notice", "--dir", "/x"]})"),
              ElementsAre(HasSubstr("2:50: /target/arguments/2: found dir \"/x\"; crashpoint")));
  EXPECT_THAT(problems(R"({"use": "redis", "arguments": ["--Appendonly yes\ndir /x"]})"),
              ElementsAre(HasSubstr("found dir \"/x\"")));
  EXPECT_THAT(
      problems(R"({"use": {"command": ["/opt/valkey-server", "{config}", "--dir", "/x"]}})"),
      ElementsAre(HasSubstr("/target/use/command/2: found dir \"/x\"")));
  EXPECT_THAT(problems(R"({"use": {"command": ["nice", "redis-server", "{config}"]},
                           "arguments": ["--replicaof", "h", "1"]})"),
              ElementsAre(HasSubstr("found replicaof \"h 1\"")));
  EXPECT_THAT(problems(R"({"use": {"command": ["redis-server", "--dir", "{dir}", "--port", "{port}",
                           "--daemonize", "no"]}})"),
              IsEmpty());
  EXPECT_THAT(problems(R"({"use": {"command": ["my-server", "--port", "{port}", "--dir", "{dir}/x",
                           "--bind", "127.0.0.1"]}})"),
              IsEmpty())
      << "what its options mean is its own affair";
}

TEST(Directives, AreAlsoFoundAmongTheCommands) {
  EXPECT_THAT(problems("{}", R"([["CONFIG", "SET", "appendonly", "yes", "DIR", "/x"]])"),
              ElementsAre("1:105: /workload/0/commands/0/5: found dir \"/x\"; crashpoint gives the "
                          "target a data directory of its own and does not see what it writes "
                          "elsewhere; remove this directive"));
  EXPECT_THAT(problems("{}", R"([["replicaof", "127.0.0.1", 1]])"),
              ElementsAre(HasSubstr("found replicaof \"127.0.0.1 1\"")));
  EXPECT_THAT(problems(R"({"config": {"maxmemory-policy": "allkeys-lru"}})",
                       R"([["CONFIG", "SET", "maxmemory", "1mb"]])"),
              ElementsAre(HasSubstr("allowed: noeviction, or ")));
  EXPECT_THAT(problems("{}", R"([[{"hex": "434f4e464947"}, "set", "logfile", {"hex": "78"}]])"),
              ElementsAre(HasSubstr("/workload/0/commands/0/3: found logfile \"x\"")));
  EXPECT_THAT(problems("{}", R"([["REPLICAOF", "NO", "ONE"]])"), IsEmpty());
}

TEST(Directives, AreOneLineEach) {
  EXPECT_THAT(problems_of_config("appendonly", "\"yes\\nsave 1 1\""),
              ElementsAre(HasSubstr("2:37: /target/config/appendonly: found \"yes\\nsave 1 1\"; "
                                    "allowed: one line without NUL")));
  EXPECT_THAT(problems_of_config("save", R"(["1 1", "2 2\r"])"),
              ElementsAre(HasSubstr("/target/config/save/1: found \"2 2\\r\"")));
  EXPECT_THAT(problems_of_config("save", "\"1 \\u00001\""), ElementsAre(HasSubstr("without NUL")));
  EXPECT_THAT(problems_of_config("save 1 1", "\"\""),
              ElementsAre(HasSubstr("found the directive \"save 1 1\"")));
  EXPECT_THAT(problems_of_config("save", "\"'1\""), ElementsAre(HasSubstr("is not closed")));
}

TEST(Directives, ACommandSaysWhereItsServerListens) {
  EXPECT_THAT(
      problems(R"({"use": {"command": ["redis-server", "/etc/redis/redis.conf"]}})"),
      ElementsAre(HasSubstr("2:31: /target/use/command: it has none of {config}, {port} and "
                            "{socket}, so crashpoint cannot reach the server")));
  EXPECT_THAT(problems(R"({"use": {"command": ["x"]}, "arguments": ["-s", "{socket}"]})"),
              IsEmpty());
}

TEST(Nul, IsRefusedWhereItWouldEndAText) {
  EXPECT_THAT(
      problems(R"({"use": {"command": ["a\u0000b", "{config}"]}})"),
      ElementsAre(HasSubstr("2:32: /target/use/command/0: found a NUL character (\\u0000)")));
  EXPECT_THAT(problems(R"({"arguments": ["a\u0000b"]})"), ElementsAre(HasSubstr("NUL")));
  EXPECT_THAT(problems(R"({"environment": {"A": "a\u0000b"}})"), ElementsAre(HasSubstr("NUL")));
  EXPECT_THAT(problems(R"({"environment": {"A\u0000": "b"}})"),
              ElementsAre(HasSubstr("is not a valid name of an environment variable")));
  EXPECT_THAT(problems("{}", R"([["SET", "a\u0000b", "\u0000"]])"), IsEmpty()) << "data";
}

}  // namespace
}  // namespace crashpoint::scenario
