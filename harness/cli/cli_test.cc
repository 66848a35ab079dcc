// The command line as a user sees it: the real binary, its output and its exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "harness/cli/command_line_for_test.h"

namespace crashpoint {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST_F(CommandLine, HelpListsTheCommandsAndTheExitCodes) {
  const Outcome help = crashpoint("--help");
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.output, AllOf(HasSubstr("validate"), HasSubstr("list"), HasSubstr("new"),
                                 HasSubstr("Exit codes: 0 all cases passed, 1 violation")));
}

TEST_F(CommandLine, AMistakeIsUsageAndNamesWhatWasMeant) {
  const Outcome command = crashpoint("vaildate");
  EXPECT_EQ(command.exit_code, 2);
  EXPECT_EQ(command.output,
            "crashpoint: unknown command 'vaildate'\nDid you mean 'validate'?\nSee 'crashpoint "
            "--help'.\n");
  const Outcome option = crashpoint("list --fliter=x");
  EXPECT_EQ(option.exit_code, 2);
  EXPECT_THAT(option.output, HasSubstr("Did you mean '--filter'?\nSee 'crashpoint list --help'."));
  EXPECT_EQ(crashpoint("").exit_code, 2);
}

TEST_F(CommandLine, ValidateSaysHowMuchIsValid) {
  write("scenarios/a/x.json", R"({"version": 1, "summary": "s", "matrix": {"/seed": [1, 2]}})");
  const Outcome outcome = crashpoint("validate");
  EXPECT_EQ(outcome.output, "2 cases in 1 file: valid\n");
  EXPECT_EQ(outcome.exit_code, 0);
}

TEST_F(CommandLine, ValidateExitsWithTwoOnABadScenario) {
  write("x.json", R"({"version": 1, "summary": "s", "sed": 1})");
  const Outcome outcome = crashpoint("validate x.json");
  EXPECT_EQ(outcome.output,
            "crashpoint: 1 problem in x.json; nothing was started:\n"
            "x.json:1:32: /sed: unknown key \"sed\"; did you mean \"seed\"?\n");
  EXPECT_EQ(outcome.exit_code, 2);
}

TEST_F(CommandLine, ValidateRefusesWhatRunRefuses) {
  write("x.json", R"({"version": 1, "summary": "s", "crash": {"explore": {}},
                      "recovery": {"cycles": 2}})");
  const Outcome validated = crashpoint("validate x.json");
  EXPECT_EQ(validated.exit_code, 2);
  EXPECT_THAT(validated.output, HasSubstr("x.json:2:46: /recovery/cycles: found 2; "));
  EXPECT_EQ(crashpoint("run x.json").output, validated.output);
}

TEST_F(CommandLine, ValidateWarnsOnceAndPasses) {
  write("x.json",
        R"({"version": 1, "summary": "s", "oracle": {"start": "refuses", "usable": true}})");
  const Outcome outcome = crashpoint("validate x.json");
  EXPECT_EQ(outcome.output,
            "x.json:1:73: /oracle/usable: \"usable\" is ignored: a target that refuses to "
            "start serves no data (warning)\n1 case in 1 file: valid, 1 warning\n");
  EXPECT_EQ(outcome.exit_code, 0);
}

TEST_F(CommandLine, WithoutScenariosItSaysWhatToDo) {
  const Outcome outcome = crashpoint("validate");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.output, HasSubstr("crashpoint new my-scenario"));
}

TEST_F(CommandLine, ListShowsCasesWithTagsAndSummaries) {
  write(
      "a/x.json",
      R"({"version": 1, "summary": "It holds.", "tags": ["aof", "slow"], "matrix": {"/seed": [1, 2]}})");
  EXPECT_EQ(crashpoint("list a").output, "a/x[seed=1]  (aof, slow)\na/x[seed=2]  (aof, slow)\n");
  EXPECT_EQ(crashpoint("list a --filter 'a/x[seed=2]' --summaries").output,
            "a/x[seed=2]  (aof, slow)\n    It holds.\n");
  EXPECT_EQ(crashpoint("list a --filter tag:none").exit_code, 2);
}

TEST_F(CommandLine, TheIndexOfTheCatalogueIsUpToDate) {
  const Outcome index =
      crashpoint("list --all --markdown " + shell_quote(CRASHPOINT_SOURCE_DIR "/scenarios"));
  EXPECT_EQ(index.exit_code, 0) << index.output;
  std::ostringstream page;
  page << std::ifstream(CRASHPOINT_SOURCE_DIR "/scenarios/README.md").rdbuf();
  const std::string expected =
      "<!-- catalogue begin -->\n" + index.output + "<!-- catalogue end -->\n";
  EXPECT_NE(page.str().find(expected), std::string::npos) << "run scripts/catalogue";
}

TEST_F(CommandLine, SeedsAreWholeNumbersOrRandom) {
  write("a/x.json", R"({"version": 1, "summary": "s"})");
  EXPECT_EQ(crashpoint("validate a --seed 12").exit_code, 0);
  EXPECT_EQ(crashpoint("validate a --seed random").exit_code, 0);
  for (const char* seed : {"x", "-1", "1.5", "9007199254740992"}) {
    const Outcome outcome = crashpoint(std::string("validate a --seed=") + seed);
    EXPECT_EQ(outcome.exit_code, 2) << seed;
    EXPECT_THAT(outcome.output, HasSubstr("--seed: found"));
  }
}

TEST_F(CommandLine, NewWritesAScenarioThatIsValidFromEachTemplate) {
  for (const char* name : {"process-kill", "snapshot", "disk-full", "torn-tail", "power-loss",
                           "file-save", "command"}) {
    const Outcome made = crashpoint(std::string("new mine/") + name + " --from " + name);
    EXPECT_EQ(made.exit_code, 0) << made.output;
    EXPECT_THAT(made.output, HasSubstr(std::string("crashpoint run mine/") + name + ".json"));
  }
  const Outcome valid = crashpoint("validate mine");
  EXPECT_EQ(valid.exit_code, 0) << valid.output;
  EXPECT_THAT(valid.output, HasSubstr("in 7 files: valid\n")) << "and without a warning";
}

TEST_F(CommandLine, NewNamesTheSchemaWhereThereIsOne) {
  EXPECT_EQ(crashpoint("new a").exit_code, 0);
  EXPECT_THAT(read("a.json"), Not(HasSubstr("$schema")));
  write("tests/schema/scenario.schema.json", "{}");
  EXPECT_EQ(crashpoint("new tests/deep/er/b").exit_code, 0);
  EXPECT_THAT(read("tests/deep/er/b.json"),
              HasSubstr("\"$schema\": \"../../schema/scenario.schema.json\""));
}

TEST_F(CommandLine, NewNeverOverwrites) {
  write("a.json", "mine");
  const Outcome outcome = crashpoint("new a");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.output,
            "crashpoint: a.json already exists; choose another name or remove it\n");
  EXPECT_EQ(read("a.json"), "mine");
  EXPECT_EQ(crashpoint("new b --from wibble").exit_code, 2);
  EXPECT_EQ(read("b.json"), "");
}

TEST_F(CommandLine, SchemaPrintsWhatTheRepositoryHas) {
  std::ostringstream file;
  file << std::ifstream(CRASHPOINT_SOURCE_DIR "/scenarios/schema/scenario.schema.json").rdbuf();
  EXPECT_EQ(crashpoint("schema").output, file.str());
}

}  // namespace
}  // namespace crashpoint
