#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "harness/scenario/load/files_for_test.h"

namespace crashpoint::scenario {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

// The warnings on a scenario with these keys on its line 2.
std::vector<std::string> warnings(const std::string& keys) {
  const FilesForTest files;
  std::vector<std::string> all;
  const std::string file =
      files.write("t.json", "{\"version\": 1, \"summary\": \"s\",\n" + keys + "}");
  for (const Problem& warning : load({file}).warnings) {
    all.push_back(to_string(warning).substr(file.size() + 1));
  }
  return all;
}

std::string fault_on(const std::string& path) {
  return R"("faults": [{"at": {"syscall": "write", "path": ")" + path +
         R"("}, "do": {"kill": "tree"}}])";
}

TEST(Doubts, AFaultOnTheAofOfATargetWithoutOne) {
  EXPECT_THAT(warnings(fault_on("*.incr.aof")),
              ElementsAre("2:48: /faults/0/at/path: \"*.incr.aof\" names AOF files, but "
                          "\"appendonly\" is not \"yes\", so the target writes none"));
  EXPECT_THAT(warnings(R"("target": {"config": {"appendonly": "yes"}}, )" + fault_on("*.incr.aof")),
              IsEmpty());
  EXPECT_THAT(warnings(R"("workload": [{"admin": ["CONFIG", "SET", "appendonly", "yes"]}], )" +
                       fault_on("*.incr.aof")),
              IsEmpty())
      << "it may be switched on";
  EXPECT_THAT(warnings(fault_on("*")), IsEmpty()) << "snapshots are files too";
  EXPECT_THAT(warnings(R"("target": {"use": {"command": ["other", "{config}"]}}, )" +
                       fault_on("*.incr.aof")),
              IsEmpty())
      << "nothing is known of its files";
}

TEST(Doubts, AFaultOnSnapshotsThatAreNeverTaken) {
  const std::string no_rules = R"("target": {"config": {"save": ""}}, )";
  EXPECT_THAT(
      warnings(no_rules + fault_on("dump.rdb")),
      ElementsAre("2:84: /faults/0/at/path: \"dump.rdb\" names snapshot files, but \"save\" "
                  "is empty and the workload sends no SAVE or BGSAVE, so the target writes none"));
  EXPECT_THAT(warnings(fault_on("dump.rdb")), IsEmpty()) << "there are save rules by default";
  EXPECT_THAT(
      warnings(no_rules + R"("workload": [{"admin": ["bgsave"]}], )" + fault_on("temp-*.rdb")),
      IsEmpty());
}

TEST(Doubts, AMomentThatNeverComes) {
  const std::string kill = R"("faults": [{"at": {"after_acked": 3}, "do": {"kill": "tree"}}])";
  EXPECT_THAT(
      warnings(R"("workload": [{"commands": [["PING"]], "repeat": 2}], )" + kill),
      ElementsAre("2:88: /faults/0/at/after_acked: 3 commands are never acknowledged: the workload "
                  "sends 2"));
  EXPECT_THAT(warnings(R"("workload": [{"commands": [["PING"]], "repeat": 3}], )" + kill),
              IsEmpty());
}

TEST(Doubts, AnExpectedKeyThatNothingWrites) {
  const std::string expect = R"(, "oracle": {"expect": {"keys": {"a": "1"}}})";
  EXPECT_THAT(warnings(R"("workload": [{"commands": [["SET", "b", "1"]]}])" + expect),
              ElementsAre("2:86: /oracle/expect/keys/a: no command of the workload uses the key "
                          "\"a\""));
  EXPECT_THAT(warnings(R"("workload": [{"commands": [["SET", "a", "1"]]}])" + expect), IsEmpty());
  EXPECT_THAT(warnings(R"("workload": [{"generate": {}}])" + expect), IsEmpty());
  EXPECT_THAT(warnings(R"("files": {"dump.rdb": ""})" + expect), IsEmpty());
}

TEST(Doubts, AGuaranteeThatTheConfigDoesNotGive) {
  const auto with = [](const std::string& config, const std::string& rest) {
    return warnings(R"("target": {"config": {)" + config + "}},\n" + rest);
  };
  const std::string everysec = R"("appendonly": "yes", "appendfsync": "everysec")";
  const std::string durable = R"("oracle": {"guarantee": "durable"})";
  const std::string power_loss = R"(, "crash": "power-loss")";
  EXPECT_THAT(with(everysec, durable), IsEmpty()) << "a process kill loses nothing";
  EXPECT_THAT(
      with(everysec, durable + power_loss),
      ElementsAre(StartsWith("3:25: /oracle/guarantee: the target does not promise this: ")));
  EXPECT_THAT(
      with(everysec, R"("oracle": {"guarantee": {"buffered": {"seconds": 1}}})" + power_loss),
      IsEmpty());
  EXPECT_THAT(
      with(everysec, R"("oracle": {"guarantee": {"buffered": {"seconds": 0.5}}})" + power_loss),
      SizeIs(1));
  EXPECT_THAT(with(R"("save": "")", durable), SizeIs(1)) << "neither AOF nor snapshots";
  EXPECT_THAT(with(R"("save": "60 1")", durable), SizeIs(1));
  EXPECT_THAT(with(R"("save": "60 1")", R"("oracle": {"guarantee": "snapshot"})"), IsEmpty());
  EXPECT_THAT(with(everysec, durable + R"(, "crash": {"explore": {}})"), SizeIs(1))
      << "power loss is one of the kinds";
}

TEST(Doubts, ACommandThatTheOracleHasNoModelOf) {
  const std::string stream =
      R"("workload": [{"commands": [["SET", "a", "1"], ["XADD", "s", "*", "f", "v"]]}])";
  EXPECT_THAT(warnings(stream),
              ElementsAre("2:47: /workload/0/commands/1: the oracle has no model of XADD: if it "
                          "succeeds, the guarantee cannot be judged"));
  EXPECT_THAT(warnings(stream + R"(, "oracle": {"guarantee": "none"})"), IsEmpty());
}

TEST(Doubts, AGuaranteeThatDoesNotReckonWithTheDamage) {
  const std::string damage = R"("damage": [{"file": "*.aof", "truncate_tail": 1}])";
  EXPECT_THAT(warnings(damage),
              ElementsAre("2:11: /damage: \"guarantee\" is missing, so the default applies: what "
                          "the configuration promises without damage; set what must hold, such as "
                          "\"prefix\" or \"none\""));
  EXPECT_THAT(warnings(damage + R"(, "oracle": {"guarantee": "prefix"})"), IsEmpty());
  EXPECT_THAT(warnings(damage + R"(, "oracle": {"start": "refuses"})"), IsEmpty());
}

TEST(Doubts, PromisesOfATargetThatMustRefuseToStart) {
  EXPECT_THAT(
      warnings(R"("oracle": {"start": "refuses", "guarantee": "durable"})"),
      ElementsAre("2:45: /oracle/guarantee: \"guarantee\" is ignored: a target that refuses to "
                  "start serves no data"));
}

TEST(Doubts, AreReportedOnceForAllCasesOfAMatrix) {
  EXPECT_EQ(warnings(fault_on("*.aof") + R"(, "matrix": {"/seed": [1, 2, 3]})").size(), 1U);
}

}  // namespace
}  // namespace crashpoint::scenario
