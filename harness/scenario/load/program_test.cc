// Goal: a scenario of any program is read as it is written, refuses what is there for servers only, and is written as it
// is read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "harness/scenario/load/files_for_test.h"
#include "harness/scenario/program_json.h"

namespace crashpoint::scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string program(const std::string& keys, const std::string& target = R"("dump": "cat f")") {
  return R"({"version": 1, "summary": "s", "target": {"use": {"program": "p"}, )" + target +
         R"(}, "workload": [{"run": "touch f"}])" + (keys.empty() ? "" : ", ") + keys + "}";
}

TEST(ProgramScenario, IsReadAsItIsWritten) {
  const FilesForTest files;
  files.write("x", "");
  const Case of = files.load_one(R"({
    "version": 1, "summary": "s", "seed": 7,
    "target": { "use": { "program": "p", "version": ["p", "-v"] }, "dump": ["cat", "f{seed}"],
                "volatile": ["*-shm"], "environment": { "A": "b" } },
    "files": { "f": "x" },
    "setup": [ "a; b", ["c", "d e"] ],
    "workload": [ { "run": "one {scenario}/x", "acks": { "lines": "ok *" }, "atomic": false },
                  { "run": ["two"], "acks": "exit", "may_change_nothing": true } ],
    "recovery": { "run": ["mend"], "deadline_ms": 100 },
    "oracle": { "guarantee": { "buffered": { "seconds": 2 } }, "tools": [["fsck"]] } })");
  ASSERT_TRUE(of.program.has_value());
  EXPECT_EQ(of.target.use, "program");
  EXPECT_THAT(of.target.command, ElementsAre("p", "p", "-v"));
  EXPECT_THAT(of.program->dump.words, ElementsAre("cat", "f7"));
  EXPECT_THAT(of.program->volatile_files, ElementsAre("*-shm"));
  ASSERT_EQ(of.program->setup.size(), 2U);
  EXPECT_EQ(of.program->setup[0].text, "a; b");
  EXPECT_THAT(of.program->setup[1].words, ElementsAre("c", "d e"));
  ASSERT_EQ(of.program->steps.size(), 2U);
  EXPECT_EQ(of.program->steps[0].run.text, "one " + files.path("x"));
  EXPECT_EQ(of.program->steps[0].acknowledging_lines, "ok *");
  EXPECT_FALSE(of.program->steps[0].atomic);
  EXPECT_TRUE(of.program->steps[1].may_change_nothing);
  EXPECT_EQ(of.program->recovery.at(0).text, "mend");
  EXPECT_EQ(of.oracle.guarantee->kind, oracle::Guarantee::Kind::kBuffered);
  EXPECT_THAT(of.stand_alone, HasSubstr("one " + files.path("x"))) << "a bundle lies elsewhere";
}

TEST(ProgramScenario, TriesEveryCrashUnlessItNamesOne) {
  const FilesForTest files;
  const Case all = files.load_one(program(""));
  ASSERT_TRUE(all.crash.explore.has_value());
  EXPECT_EQ(all.crash.explore->kinds.size(), 2U);
  EXPECT_EQ(all.crash.explore->points.kind, Points::Kind::kEverySyscall);
  const Case kill = files.load_one(program(R"("crash": "process-kill")"));
  ASSERT_TRUE(kill.crash.explore.has_value());
  EXPECT_THAT(kill.crash.explore->kinds, ElementsAre(oracle::CrashKind::kProcessKill));
  EXPECT_EQ(kill.crash.explore->points.kind, Points::Kind::kCrash);
}

TEST(ProgramScenario, NeedsADumpAndStepsOfItsOwn) {
  const FilesForTest files;
  EXPECT_THAT(files.problems_of(program("", R"("volatile": [])")),
              ElementsAre(HasSubstr("\"dump\" is missing")));
  EXPECT_THAT(files.problems_of(R"({"version": 1, "summary": "s",
      "target": {"use": {"program": "p"}, "dump": "d"}, "workload": [{"pause_ms": 1}]})"),
              ElementsAre(HasSubstr("has steps with \"run\"")));
  EXPECT_THAT(files.problems_of(R"({"version": 1, "summary": "s",
      "target": {"use": {"program": "p"}, "dump": "d"}})"),
              ElementsAre(HasSubstr("at least one {\"run\": ...}")));
}

TEST(ProgramScenario, RefusesWhatIsThereForServersOnly) {
  const FilesForTest files;
  for (const char* keys :
       {R"("faults": [{"do": {"kill": "tree"}, "at": {"at_ms": 1}}])", R"("stall_ms": 5)",
        R"("recovery": {"cycles": 1})", R"("oracle": {"usable": false})",
        R"("oracle": {"guarantee": "snapshot"})", R"("crash": {"explore": {"depth": 2}})"}) {
    EXPECT_FALSE(files.problems_of(program(keys)).empty()) << keys;
  }
}

TEST(ProgramScenario, CommandsAreNothingForServers) {
  const FilesForTest files;
  for (const char* keys :
       {R"("setup": ["x"])", R"("target": {"dump": "x"})", R"("target": {"volatile": ["x"]})",
        R"("recovery": {"run": ["x"]})", R"("workload": [{"run": "x"}])"}) {
    EXPECT_THAT(files.problems_of(std::string(R"({"version": 1, "summary": "s", )") + keys + "}"),
                ElementsAre(HasSubstr("needs a target that is any program")))
        << keys;
  }
}

TEST(ProgramScenario, IsLeftOutWhereAnotherTargetIsAskedFor) {
  const FilesForTest files;
  const std::string file = files.write("t.json", program(""));
  const std::string other = files.write("o.json", R"({"version": 1, "summary": "s"})");
  LoadOptions options;
  options.target = "redis";
  const Loaded loaded = load({file, other}, options);
  EXPECT_EQ(loaded.cases.size(), 1U);
  EXPECT_EQ(loaded.left_out.size(), 1U);
}

TEST(ProgramScenario, IsWrittenAsItIsRead) {
  Case of;
  of.name = of.scenario = "check";
  of.summary = "s";
  of.seed = 3;
  of.target.use = "program";
  of.target.command = {"p"};
  of.program.emplace();
  of.program->dump.text = "cat 'f'";
  of.program->volatile_files = {"*.tmp"};
  of.program->setup = {{.words = {}, .text = "seq 3 > f"}};
  of.program->steps = {{.run = {.words = {"sed", "-i", "s/1/2/", "f"}, .text = {}},
                        .acknowledging_lines = "ok *",
                        .may_change_nothing = true,
                        .atomic = false}};
  of.program->recovery = {{.words = {}, .text = "rm -f lock"}};
  of.crash.explore.emplace();
  of.crash.explore->max_states = 99;
  of.oracle.guarantee = oracle::Guarantee{.kind = oracle::Guarantee::Kind::kPrefix};
  of.recovery.deadline_ms = 250;
  const FilesForTest files;
  const Case read = files.load_one(program_scenario(of));
  EXPECT_EQ(read.scenario, "check");
  EXPECT_EQ(read.seed, 3U);
  EXPECT_EQ(read.crash.explore->max_states, 99U);
  EXPECT_EQ(read.recovery.deadline_ms, 250);
  EXPECT_EQ(read.oracle.guarantee, of.oracle.guarantee);
  EXPECT_EQ(program_scenario(read), program_scenario(of));
}

}  // namespace
}  // namespace crashpoint::scenario
