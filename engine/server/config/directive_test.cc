#include "engine/server/config/directive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <vector>

#include "engine/server/config/config.h"

namespace engine::server {
namespace {

using ::testing::ElementsAre;

// The value after setting `name` to the words of `value`, or "error: ...".
std::string set(std::string_view name, const std::string& value) {
  const Directive& directive = *find_directive(name);
  std::vector<std::string> words;
  if (directive.takes_several_words()) {
    std::istringstream stream(value);
    for (std::string word; stream >> word;) {
      words.push_back(word);
    }
  }
  if (words.empty()) {
    words.push_back(value);
  }
  const auto parsed = parse_value(directive, words, directive.initial);
  return parsed ? *parsed : "error: " + parsed.error().message;
}

TEST(Directive, DefaultsAreCanonical) {
  for (const Directive& directive : directives()) {
    if (directive.kind == Directive::Kind::kSave || directive.name == "dir") {
      continue;  // lines of `save` add up; `dir` is known at start only
    }
    EXPECT_EQ(set(directive.name, std::string(directive.initial)), directive.initial)
        << directive.name;
  }
}

TEST(Directive, IsFoundByNameAndAliasInAnyCase) {
  EXPECT_EQ(find_directive("HASH-max-ZIPLIST-entries"),
            find_directive("hash-max-listpack-entries"));
  EXPECT_EQ(find_directive("nosuch"), nullptr);
}

struct Example {
  const char* name;
  const char* value;
  const char* result;
};
std::ostream& operator<<(std::ostream& out, const Example& example) {
  return out << example.name << " " << example.value;
}

class DirectiveValue : public ::testing::TestWithParam<Example> {};

TEST_P(DirectiveValue, ReadsAsInRedis) {
  EXPECT_EQ(set(GetParam().name, GetParam().value), GetParam().result);
}

// Right-hand sides as redis-server 7.0.15 answers CONFIG SET and GET.
INSTANTIATE_TEST_SUITE_P(
    Redis, DirectiveValue,
    ::testing::Values(
        Example{"appendonly", "YES", "yes"},
        Example{"appendonly", "maybe", "error: argument must be 'yes' or 'no'"},
        Example{"appendfsync", "Always", "always"},
        Example{"appendfsync", "foo",
                "error: argument(s) must be one of the following: everysec, always, no"},
        Example{"maxclients", "abc", "error: argument couldn't be parsed into an integer"},
        Example{"timeout", "12abc", "error: argument couldn't be parsed into an integer"},
        Example{"hz", "", "error: argument couldn't be parsed into an integer"},
        Example{"maxclients", "0", "error: argument must be between 1 and 4294967295 inclusive"},
        Example{"slowlog-log-slower-than", "-5",
                "error: argument must be between -1 and 9223372036854775807 inclusive"},
        Example{"maxmemory", "100mb", "104857600"},
        Example{"maxmemory", "10zb", "error: argument must be a memory value"},
        Example{"auto-aof-rewrite-min-size", "-1", "error: argument must be a memory value"},
        Example{"proto-max-bulk-len", "5",
                "error: argument must be between 1048576 and 9223372036854775807 inclusive"},
        Example{"maxmemory-clients", "5%", "5%"},
        Example{"maxmemory-clients", "200%",
                "error: percentage argument must be less or equal to 100"},
        Example{"unixsocketperm", "700", "700"},
        Example{"unixsocketperm", "999", "error: argument couldn't be parsed as an octal number"},
        Example{"client-output-buffer-limit", "normal 1mb 2 3 pubsub 1 2 3",
                "normal 1048576 2 3 slave 268435456 67108864 60 pubsub 1 2 3"},
        Example{"client-output-buffer-limit", "replica 1 2 3",
                "normal 0 0 0 slave 1 2 3 pubsub 33554432 8388608 60"},
        Example{"client-output-buffer-limit", "normal 1 2",
                "error: Wrong number of arguments in buffer limit configuration."},
        Example{"client-output-buffer-limit", "foo 1 2 3",
                "error: Invalid client class specified in buffer limit configuration."},
        Example{"notify-keyspace-events", "KEA", "AKE"},
        Example{"oom-score-adj-values", "1 2", "error: wrong number of arguments"},
        Example{"latency-tracking-info-percentiles", "50 101",
                "error: latency-tracking-info-percentiles parameters should sit between "
                "[0.0,100.0]"},
        Example{"proc-title-template", "{foo}",
                "error: template format is invalid or contains unknown variables"},
        Example{"dbfilename", "a/b", "error: dbfilename can't be a path, just a filename"},
        Example{"appenddirname", "a/b", "error: appenddirname can't be a path, just a dirname"},
        Example{"dir", "/nonexistent", "error: No such file or directory"}));

TEST(Directive, ThatWouldPromiseWhatTheEngineLacksIsRefused) {
  EXPECT_EQ(set("replicaof", "10.0.0.1 6379"),
            "error: replication is not supported: this server cannot be a replica");
  EXPECT_EQ(set("cluster-enabled", "yes"), "error: cluster mode is not supported");
  EXPECT_EQ(set("tls-port", "6380"), "error: TLS is not supported");
}

TEST(SaveDirective, LinesInAFileAddUpAndTheFirstReplacesTheDefault) {
  Config config;
  const auto line = [&config](std::vector<std::string> words) {
    return config.set_from_file("save", words).has_value();
  };
  EXPECT_TRUE(line({"3600", "1"}));
  EXPECT_TRUE(line({"60", "5"}));
  EXPECT_EQ(config.text("save"), "3600 1 60 5");
  EXPECT_TRUE(line({""}));
  EXPECT_EQ(config.text("save"), "");
  EXPECT_TRUE(line({"5", "5"}));
  EXPECT_EQ(config.text("save"), "5 5");
  EXPECT_FALSE(line({"60"}));
  EXPECT_FALSE(line({"0", "1"}));
}

TEST(ConfigGet, MatchesGlobsAndKeepsHiddenDirectivesForTheirFullName) {
  const Config config;
  const auto names = [&config](std::string_view pattern) {
    std::vector<std::string> found;
    for (const auto& [name, value] : config.matching({{pattern}})) {
      found.push_back(name);
    }
    return found;
  };
  EXPECT_THAT(names("HASH-*-value"),
              ElementsAre("hash-max-listpack-value", "hash-max-ziplist-value"));
  EXPECT_THAT(names("rdb-key-*"), ElementsAre());
  EXPECT_THAT(names("rdb-key-save-delay"), ElementsAre("rdb-key-save-delay"));
}

}  // namespace
}  // namespace engine::server
