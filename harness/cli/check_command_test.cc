// Goal: `crashpoint check` finds what each way of saving a file loses, passes the one that loses nothing, and never
// passes where it saw nothing. Method: real commands (sed, mv, sync) on small files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/cli/command_line_for_test.h"

namespace crashpoint {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class CheckCommand : public CommandLine {
 protected:
  // `what`: the command, in single quotes: it goes through a shell.
  [[nodiscard]] Outcome check(const std::string& command, const std::string& options = "") const {
    return crashpoint("check --setup 'seq 3 > conf; sync conf .' --dump 'cat conf' -j2 " + options +
                      " -- " + command);
  }
};

TEST_F(CheckCommand, SedInPlaceMayLoseTheFileAndTheChange) {
  const Outcome outcome = check("sed -i s/1/one/ conf");
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("a state that the run never had"));
  EXPECT_THAT(outcome.output, HasSubstr("is lost, although acknowledged"));
  EXPECT_THAT(outcome.output, HasSubstr("directory . was not synced"));
  EXPECT_THAT(outcome.output, HasSubstr("-one\n"));  // the difference, as a diff
  EXPECT_THAT(outcome.output, HasSubstr("reproduce"));
  EXPECT_THAT(outcome.output, Not(ContainsRegex("loss [0-9]+ +after a process kill")));
}

TEST_F(CheckCommand, AReplacementThatIsSyncedWithItsDirectoryLosesNothing) {
  const Outcome outcome = check("'sed s/1/one/ conf > new && sync new && mv new conf && sync .'");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("passed"));
}

TEST_F(CheckCommand, AReplacementWhoseDirectoryIsNotSyncedMayBeLostAndIsNeverTorn) {
  const Outcome outcome = check("'sed s/1/one/ conf > new && sync new && mv new conf'");
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("file systems: any file system\n"));
  EXPECT_THAT(outcome.output, Not(HasSubstr("a state that the run never had")));
  // As a matter of order alone it is right.
  const Outcome prefix =
      check("'sed s/1/one/ conf > new && sync new && mv new conf'", "--guarantee prefix");
  EXPECT_EQ(prefix.exit_code, 0) << prefix.output;
}

TEST_F(CheckCommand, AReplacementThatIsNotSyncedMayBeEmpty) {
  const Outcome outcome = check("'sed s/1/one/ conf > new && mv new conf && sync .'");
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("a state that the run never had"));
  EXPECT_THAT(outcome.output, HasSubstr("new was not synced"));
}

TEST_F(CheckCommand, AnOverwriteInPlaceIsTornByAKillAlready) {
  const Outcome outcome = check("'echo all new > conf && sync conf'");
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("after a process kill, the dump shows a state that"));
  EXPECT_THAT(outcome.output, HasSubstr("also if the machine runs on"));
  // What a kill leaves may be allowed.
  const Outcome allowed = check("'echo all new > conf && sync conf'", "--not-atomic");
  EXPECT_THAT(allowed.output, Not(ContainsRegex("loss [0-9]+ +after a process kill")));
}

TEST_F(CheckCommand, ADumpThatFailsAfterACrashIsALoss) {
  const Outcome outcome = crashpoint(
      "check --setup 'echo old > conf; sync conf .' --dump 'grep . conf' -- "
      "'echo new > new && mv new conf && sync .'");
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("the dump command exited with status 1"));
}

TEST_F(CheckCommand, LinesAcknowledgeWhileTheCommandRuns) {
  const std::string script = "'for i in 1 2 3; do echo $i >> log; $SYNC log; echo ok $i; done'";
  const std::string options =
      "check --setup ': > log; sync log .' --dump 'wc -l < log' --ack 'ok *' -- ";
  const Outcome synced = shell("cd " + shell_quote(folder_.path().string()) + " && SYNC=sync " +
                               shell_quote(CRASHPOINT_BINARY) + " " + options + script);
  EXPECT_EQ(synced.exit_code, 0) << synced.output;
  const Outcome lost = shell("cd " + shell_quote(folder_.path().string()) + " && SYNC=: " +
                             shell_quote(CRASHPOINT_BINARY) + " " + options + script);
  EXPECT_EQ(lost.exit_code, 1) << lost.output;
  EXPECT_THAT(lost.output, HasSubstr("(line \"ok "));
}

TEST_F(CheckCommand, ARecoveryCommandMayMendWhatACrashLeft) {
  const std::string command =
      " -- 'touch lock; echo new > new; sync new; mv new conf; sync .; rm lock'";
  const std::string dump =
      "check --setup 'echo old > conf; sync conf .' "
      "--dump 'test ! -e lock && cat conf'";
  EXPECT_EQ(crashpoint(dump + command).exit_code, 1);
  const Outcome mended = crashpoint(dump + " --recover 'rm -f lock'" + command);
  EXPECT_EQ(mended.exit_code, 0) << mended.output;
}

TEST_F(CheckCommand, FilesThatAreMadeAnewAreLeftOut) {
  const std::string options =
      "check --setup 'seq 3 > conf; sync conf .' --dump 'cat conf cache 2>/dev/null; true'";
  const std::string command =
      " -- 'echo x > cache; sed s/1/one/ conf > new; sync new; mv new conf; sync .'";
  EXPECT_EQ(crashpoint(options + command).exit_code, 1);
  const Outcome left_out = crashpoint(options + " --volatile cache" + command);
  EXPECT_EQ(left_out.exit_code, 0) << left_out.output;
}

// ---- nothing is green that saw nothing

TEST_F(CheckCommand, ACommandThatChangesNothingIsInconclusive) {
  const Outcome outcome = check("true");
  EXPECT_EQ(outcome.exit_code, 3) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("changed nothing in the data directory"));
}

TEST_F(CheckCommand, ACommandThatWritesElsewhereIsInconclusiveAndSaysWhere) {
  const std::string elsewhere = (folder_.path() / "elsewhere").string();
  const Outcome outcome = check("'echo x > " + elsewhere + "'");
  EXPECT_EQ(outcome.exit_code, 3) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr(elsewhere));
}

TEST_F(CheckCommand, ADumpThatIsAlwaysTheSameIsInconclusive) {
  const Outcome outcome = crashpoint("check --dump 'echo fine' -- 'echo x > a; sync a .'");
  EXPECT_EQ(outcome.exit_code, 3) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("prints the same before and after"));
}

TEST_F(CheckCommand, AnAcknowledgementBeforeTheWriteIsInconclusive) {
  const Outcome outcome = crashpoint(
      "check --dump 'cat log 2>/dev/null; true' --ack 'ok*' -- 'echo ok; echo x > log; sync log "
      ".'");
  EXPECT_EQ(outcome.exit_code, 3) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("acknowledged something that the dump does not show"));
}

TEST_F(CheckCommand, LinesThatAreNotFlushedAreInconclusive) {
  const Outcome outcome = crashpoint(
      "check --dump 'cat log 2>/dev/null; true' --ack 'ok*' -- "
      R"('echo 1 > log; sync log .; echo 2 >> log; sync log; printf "ok 1\nok 2\n"')");
  EXPECT_EQ(outcome.exit_code, 3) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("were printed by one write"));
}

TEST_F(CheckCommand, ADumpThatDiffersFromRunToRunIsAUsageErrorThatNamesTheLine) {
  const Outcome outcome = crashpoint(
      "check --setup 'seq 3 > conf' --dump 'cat conf; date +%N' -- sed -i s/1/one/ conf");
  EXPECT_EQ(outcome.exit_code, 2) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("differs from run to run in line 4"));
}

TEST_F(CheckCommand, AStateThatDiffersFromRunToRunIsAUsageError) {
  const Outcome outcome = crashpoint("check --dump 'cat id 2>/dev/null; true' -- 'date +%N > id'");
  EXPECT_EQ(outcome.exit_code, 2) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("differs from run to run in line 1"));
}

TEST_F(CheckCommand, ACommandThatFailsIsInconclusive) {
  const Outcome outcome = check("sed -i s/1/one/ missing");
  EXPECT_EQ(outcome.exit_code, 3) << outcome.output;
  EXPECT_THAT(outcome.output, AllOf(HasSubstr("exited with status 2"), HasSubstr("missing")));
}

TEST_F(CheckCommand, WhatFailsBeforeTheRunIsAUsageError) {
  const Outcome setup = crashpoint("check --setup 'exit 7' --dump 'cat f' -- touch f");
  EXPECT_EQ(setup.exit_code, 2) << setup.output;
  EXPECT_THAT(setup.output, HasSubstr("exited with status 7"));
  const Outcome dump = crashpoint("check --dump 'cat f' -- touch f");
  EXPECT_EQ(dump.exit_code, 2) << dump.output;
  EXPECT_THAT(dump.output, HasSubstr("before the first step"));
  const Outcome missing = crashpoint("check --dump ls -- no-such-program-here");
  EXPECT_EQ(missing.exit_code, 2) << missing.output;
  EXPECT_THAT(missing.output, HasSubstr("there is no program 'no-such-program-here' on PATH"));
}

TEST_F(CheckCommand, WhatGoesWrongWithoutACrashIsAUsageError) {
  const Outcome recovery = check("sed -i s/1/one/ conf", "--recover 'rm lock'");
  EXPECT_EQ(recovery.exit_code, 2) << recovery.output;
  EXPECT_THAT(recovery.output, HasSubstr("without any crash"));
  const Outcome dump = crashpoint(
      "check --setup 'seq 3 > conf' --dump 'cat conf; echo 4 >> conf' -- "
      "sed -i s/1/one/ conf");
  EXPECT_EQ(dump.exit_code, 2) << dump.output;
  EXPECT_THAT(dump.output, HasSubstr("the second dump prints another state"));
}

TEST_F(CheckCommand, APathOfItsOwnDirectoryIsKeptInEveryRecovery) {
  const Outcome outcome = crashpoint(
      "check --dump 'cat \"$(cat where)\" 2>/dev/null; true' --setup 'echo $PWD/data > where; sync "
      "where .' "
      "-- 'echo x > new; sync new; mv new data; sync .'");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("at that very path"));
}

TEST_F(CheckCommand, WhatItSavesIsAScenarioThatFindsTheSame) {
  const Outcome saved = check("sed -i s/1/one/ conf", "--save mine.json");
  EXPECT_EQ(saved.exit_code, 1) << saved.output;
  const Outcome run = crashpoint("run mine.json --report report");
  EXPECT_EQ(run.exit_code, 1) << run.output;
  EXPECT_THAT(run.output, HasSubstr("a state that the run never had"));
  EXPECT_EQ(crashpoint("validate mine.json").exit_code, 0);
  const Outcome reproduced = crashpoint("reproduce $(ls -d report/bundles/* | head -1)");
  EXPECT_EQ(reproduced.exit_code, 1) << reproduced.output;
  EXPECT_THAT(reproduced.output, HasSubstr("Reproduced"));
}

class ProgramScenarioRun : public CommandLine {
 protected:
  // Saves that lose nothing, in a scenario with more keys of its target and of its crash.
  void write_save(const std::string& target, const std::string& crash = "") const {
    std::string steps;
    for (const char* value : {"1", "2", "3", "4", "5"}) {
      steps += std::string(steps.empty() ? "" : ", ") + R"({"run": "echo )" + value +
               R"( > g; sync g; mv g f; sync ."})";
    }
    write("save.json", R"({"version": 1, "summary": "s", "files": {"f": "0\n"},
        "target": {"use": {"program": "sh"}, "dump": "cat f")" +
                           target + R"(}, "workload": [)" + steps + "]" + crash + "}");
  }
};

TEST_F(ProgramScenarioRun, WhoseProgramIsNotInstalledIsInconclusiveAndSaysHowToInstallIt) {
  write_save(R"(, "needs": {"no-such-program": "nosuch"})");
  const Outcome outcome = crashpoint("run save.json");
  EXPECT_EQ(outcome.exit_code, 3) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("not installed: apt install nosuch"));
  EXPECT_THAT(crashpoint("list save.json").output, HasSubstr("not installed: apt install nosuch"));
}

TEST_F(ProgramScenarioRun, ThatHasTooLittleTimeForEveryCrashPointIsInconclusive) {
  write_save("", R"(, "crash": {"explore": {"for": "1ms"}})");
  const Outcome outcome = crashpoint("run save.json");
  EXPECT_EQ(outcome.exit_code, 3) << outcome.output;
  EXPECT_THAT(outcome.output,
              HasSubstr("the time for this case (\"for\") was over at crash point"));
  write_save("", R"(, "crash": {"explore": {"for": "10min"}})");
  const Outcome enough = crashpoint("run save.json");
  EXPECT_EQ(enough.exit_code, 0) << enough.output;
}

TEST_F(ProgramScenarioRun, WhereOnlySomeLinesPromiseWhatIsBeforeThem) {
  const auto run = [&](const std::string& acks, const std::string& end) {
    write("synced.json", R"({"version": 1, "summary": "s", "files": {"f": "0\n"},
        "target": {"use": {"program": "sh"}, "dump": "cat f"},
        "workload": [{"run": "for i in 1 2; do echo $i > g; sync g; mv g f; echo ok $i; done; )" +
                             end + R"(", "acks": )" + acks + "}]}");
    return crashpoint("run synced.json");
  };
  const std::string synced = R"({"lines": "ok *", "synced": "flushed"})";
  EXPECT_EQ(run(synced, "sync .; echo flushed").exit_code, 0);
  EXPECT_EQ(run(R"({"lines": "ok *"})", "sync .; echo flushed").exit_code, 1)
      << "the directory is not synced when a line is printed";
  EXPECT_EQ(run(synced, "echo flushed").exit_code, 1);
  EXPECT_EQ(run(synced, "sync .").exit_code, 3) << "nothing was promised";
}

}  // namespace
}  // namespace crashpoint
