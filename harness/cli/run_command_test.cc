// `crashpoint run` as a user sees it: real engines, real kills, exit codes, output.
#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "harness/base/text.h"
#include "harness/cli/shell_for_test.h"

namespace crashpoint {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Processes whose command line or working directory lies below `folder`.
std::vector<std::string> processes_in(const fs::path& folder) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::error_code error;
    const fs::path cwd = fs::read_symlink(entry.path() / "cwd", error);
    if (!error && cwd.string().starts_with(folder.string())) {
      found.push_back(entry.path().filename());
    }
  }
  return found;
}

std::string content_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

class RunCommandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "run-test-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    fs::create_directory(folder_ / "work");
    fs::create_directory(folder_ / "scenarios");
  }
  void TearDown() override {
    EXPECT_THAT(processes_in(folder_), IsEmpty()) << "a target outlived the harness";
    fs::remove_all(folder_);
  }

  // `members` are those of the scenario besides its version, name and summary.
  std::string write_scenario(const std::string& name, const std::string& members) const {
    const fs::path file = folder_ / "scenarios" / (name + ".json");
    std::ofstream(file) << R"({ "version": 1, "name": ")" << name << R"(", "summary": "A test.", )"
                        << members << "}";
    return file.string();
  }

  std::string environment() const {
    return "CRASHPOINT_TMPDIR=" + shell_quote((folder_ / "work").string()) +
           " CRASHPOINT_ENGINE=" + shell_quote(CRASHPOINT_ENGINE_BINARY) + " ";
  }

  Outcome run(const std::string& arguments) const {
    return shell(environment() + shell_quote(CRASHPOINT_BINARY) + " run " + arguments);
  }

  // Runs the command that a report says reproduces a violation.
  Outcome run_printed_command(const std::string& output) const {
    std::smatch match;
    const std::regex command(R"(crashpoint ((?:run|reproduce) [^\n]+))");
    EXPECT_TRUE(std::regex_search(output, match, command)) << output;
    return shell(environment() + shell_quote(CRASHPOINT_BINARY) + " " + match[1].str());
  }

  fs::path folder_;
};

constexpr const char* kAlways = R"("config": { "appendonly": "yes", "appendfsync": "always" })";

// Without the engine's watermark lines every write to the AOF carries commands, so that the loss of
// any write is visible.
constexpr const char* kUnmarked =
    R"("config": { "appendonly": "yes", "appendfsync": "always", "aof-checksum": "no" })";

// A run that ends with a kill after 200 acknowledged commands.
std::string killed_run(const std::string& target_members) {
  return R"("target": { "use": "engine", )" + target_members + R"( },
      "workload": [ { "generate": { "count": 1000, "clients": 2, "pipeline": 4 } } ],
      "faults": [ { "at": { "after_acked": 200 }, "do": { "kill": "tree" } } ])";
}

TEST_F(RunCommandTest, ACorrectEnginePasses) {
  const Outcome outcome = run(write_scenario("good", killed_run(kAlways)));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
}

TEST_F(RunCommandTest, AnEngineThatRepliesBeforeItWritesIsCaughtAndThePrintedCommandReproducesIt) {
  // Without checksums every write to the AOF carries commands: none is only a watermark.
  const std::string file = write_scenario(
      "replies-early",
      R"("target": { "use": "engine", "config": { "appendonly": "yes", "appendfsync": "always",
                                                                 "aof-checksum": "no" } },
      "workload": [ { "generate": { "count": 1000, "clients": 2, "pipeline": 4 } } ],
      "faults": [ { "at": { "failpoint": "planted/reply-before-append", "nth": "every" }, "do": { "trigger": true } },
                  { "at": { "syscall": "write", "path": "*.incr.aof", "nth": 20 }, "do": { "kill": "tree" } } ])");
  const Outcome outcome = run(file);
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("lost"));
  EXPECT_THAT(outcome.output, HasSubstr("acknowledged"));
  const Outcome again = run_printed_command(outcome.output);
  EXPECT_EQ(again.exit_code, 1) << again.output;
}

TEST_F(RunCommandTest, AnEngineThatAppendsAfterATornTailIsCaughtAndThePrintedCommandReproducesIt) {
  const std::string file = write_scenario(
      "keeps-torn-tail", R"("target": { "use": "engine", )" + std::string(kUnmarked) +
                             R"(, "arguments": ["--failpoint", "planted/skip-tail-truncation"] },
      "workload": [ { "commands": [["SET", "a", "1"], ["SET", "b", "2"]] } ],
      "damage": [ { "file": "*.incr.aof", "truncate_tail": 3 } ],
      "oracle": { "guarantee": "prefix" })");
  const Outcome outcome = run(file);
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output;
  const Outcome again = run_printed_command(outcome.output);
  EXPECT_EQ(again.exit_code, 1) << again.output;
}

// The text that explains a violation: from what was promised to the nearest state.
std::string explanation(const std::string& output) {
  std::smatch match;
  const std::regex explanation(R"(  promised (.|\n)*  nearest [^\n]*)");
  return std::regex_search(output, match, explanation) ? match.str() : "nothing in: " + output;
}

TEST_F(RunCommandTest, ABundleGivesTheSameViolationInAnotherFolder) {
  const std::string file = write_scenario(
      "loses-writes", R"("target": { "use": "engine", )" + std::string(kUnmarked) + R"( },
      "workload": [ { "generate": { "count": 300, "clients": 3, "pipeline": 4 } } ],
      "faults": [ { "at": { "failpoint": "planted/reply-before-append", "nth": "every" }, "do": { "trigger": true } },
                  { "at": { "syscall": "write", "path": "*.incr.aof", "nth": 20, "phase": "before" }, "do": { "kill": "tree" } } ])");
  const fs::path report = folder_ / "report";
  const Outcome outcome = run(file + " --report " + report.string());
  ASSERT_EQ(outcome.exit_code, 1) << outcome.output;
  ASSERT_THAT(outcome.output, HasSubstr("reproduce  crashpoint reproduce " + report.string()));

  const fs::path bundle = fs::directory_iterator(report / "bundles")->path();
  std::ostringstream readme;
  readme << std::ifstream(bundle / "README.txt").rdbuf();
  fs::rename(bundle, folder_ / "elsewhere");
  fs::remove_all(report);
  fs::remove(file);
  const Outcome again = shell("cd / && " + environment() + shell_quote(CRASHPOINT_BINARY) +
                              " reproduce " + (folder_ / "elsewhere").string());
  EXPECT_EQ(again.exit_code, 1) << again.output;
  EXPECT_THAT(again.output, HasSubstr("Reproduced: the check \"guarantee\" fails again."));
  EXPECT_EQ(explanation(again.output), explanation(readme.str()));
}

TEST_F(RunCommandTest, ABundleHoldsTheCrashStateThatBrokeThePromise) {
  const std::string file = write_scenario(
      "keeps-torn-tail", R"("target": { "use": "engine", )" + std::string(kAlways) +
                             R"(, "arguments": ["--failpoint", "planted/skip-tail-truncation"] },
      "workload": [ { "commands": [["SET", "a", "1"], ["SET", "b", "2"]] } ],
      "damage": [ { "file": "*.incr.aof", "truncate_tail": { "from": 3, "to": 5 } } ],
      "oracle": { "guarantee": "prefix" })");
  const Outcome outcome = run(file + " --report " + (folder_ / "report").string());
  ASSERT_EQ(outcome.exit_code, 1) << outcome.output;
  const Outcome again = run_printed_command(outcome.output);
  EXPECT_EQ(again.exit_code, 1) << again.output;
  EXPECT_THAT(again.output, HasSubstr("Reproduced: "));
  EXPECT_THAT(again.output, HasSubstr("crash state"));
}

TEST_F(RunCommandTest, AFaultThatNeverFiresIsInconclusiveAndSaysWhatDidOccur) {
  const std::string file =
      write_scenario("missed", R"("target": { "use": "engine", )" + std::string(kAlways) + R"( },
      "workload": [ { "commands": [["SET", "a", "1"]] } ],
      "faults": [ { "at": { "syscall": "fdatasync", "path": "*.incr.aof", "nth": 50 }, "do": { "kill": "tree" } } ])");
  const Outcome outcome = run(file);
  EXPECT_EQ(outcome.exit_code, 3) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("never fired"));
  EXPECT_THAT(outcome.output, HasSubstr(".incr.aof"));
}

TEST_F(RunCommandTest, AMissingEngineIsAUsageErrorAndNothingIsStarted) {
  const std::string file = write_scenario("good", killed_run(kAlways));
  const Outcome outcome =
      shell("CRASHPOINT_ENGINE=/nowhere/engine " + shell_quote(CRASHPOINT_BINARY) + " run " + file);
  EXPECT_EQ(outcome.exit_code, 2) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("/nowhere/engine"));
}

TEST_F(RunCommandTest, AFailpointTheEngineLacksIsAUsageErrorWithTheNearestName) {
  const std::string file = write_scenario("typo", R"("target": { "use": "engine" },
      "faults": [ { "at": { "failpoint": "planted/reply-before-apend" }, "do": { "trigger": true } } ])");
  const Outcome outcome = run(file);
  EXPECT_EQ(outcome.exit_code, 2) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("planted/reply-before-append"));
}

TEST_F(RunCommandTest, ReportsAreWrittenWhereAsked) {
  const std::string report = (folder_ / "report").string();
  const Outcome outcome = run(write_scenario("good", killed_run(kAlways)) + " --report " + report);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  for (const char* name : {"report.json", "junit.xml", "index.html"}) {
    EXPECT_GT(fs::file_size(fs::path(report) / name), 100u) << name;
  }
}

// The seeds of all cases of a report, in order.
std::vector<std::string> seeds_of(const fs::path& report) {
  std::ostringstream text;
  text << std::ifstream(report / "junit.xml").rdbuf();
  const std::string xml = text.str();
  const std::regex seed(R"re(name="seed" value="(\d+)")re");
  std::vector<std::string> seeds;
  for (std::sregex_iterator match(xml.begin(), xml.end(), seed), end; match != end; ++match) {
    seeds.push_back((*match)[1].str());
  }
  return seeds;
}

TEST_F(RunCommandTest, RepeatedCasesHaveSeedsOfTheirOwnThatFollowFromTheFirst) {
  const std::string file = write_scenario("good", killed_run(kAlways));
  std::vector<std::vector<std::string>> seeds;
  for (const char* folder : {"one", "other"}) {
    const fs::path report = folder_ / folder;
    const Outcome outcome = run(file + " --repeat 3 --seed 7 --report " + report.string());
    EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
    EXPECT_THAT(outcome.output, HasSubstr("3 cases: 3 passed"));
    seeds.push_back(seeds_of(report));
  }
  EXPECT_EQ(seeds[0], seeds[1]);
  EXPECT_EQ(seeds[0].size(), 3U);
  EXPECT_EQ(seeds[0].front(), "7");
  EXPECT_EQ(std::set<std::string>(seeds[0].begin(), seeds[0].end()).size(), 3U);
}

TEST_F(RunCommandTest, ARunForADurationRunsEveryCaseAtLeastOnceAndCountsAsWhole) {
  const std::string file = write_scenario("good", killed_run(kAlways));
  // One at a time: two may begin within a millisecond.
  const Outcome outcome = run(file + " -j 1 --for 0.001s");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("1 case: 1 passed"));
  EXPECT_THAT(outcome.output, Not(HasSubstr("Interrupted")));
  EXPECT_EQ(run(file + " --for 5").exit_code, 2) << "a unit is needed";
  EXPECT_EQ(run(file + " --for 5s --repeat 2").exit_code, 2);
}

TEST_F(RunCommandTest, ATargetInACommandIsRunLikeAnyOther) {
  const std::string file = write_scenario(
      "command",
      R"("target": { "use": { "command": [")" + std::string(CRASHPOINT_ENGINE_BINARY) +
          R"(", "--port", "{port}", "--dir", "{dir}", "--appendonly", "yes", "--appendfsync", "always"] },
                     "config": { "appendonly": "yes", "appendfsync": "always" } },
      "workload": [ { "generate": { "count": 200 } } ],
      "oracle": { "guarantee": "durable" },
      "faults": [ { "at": { "after_acked": 100 }, "do": { "kill": "tree" } } ])");
  const Outcome outcome = run(file);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
}

// Starts `crashpoint run` on a workload without end; returns once its target serves.
class EndlessRun {
 public:
  EndlessRun(const fs::path& folder, const std::string& scenario) : work_(folder / "work") {
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setpgid(0, 0);
      ::setenv("CRASHPOINT_TMPDIR", work_.c_str(), 1);
      ::setenv("CRASHPOINT_ENGINE", CRASHPOINT_ENGINE_BINARY, 1);
      const std::string log = (folder / "log").string();
      static_cast<void>(std::freopen(log.c_str(), "w", stdout));
      static_cast<void>(std::freopen(log.c_str(), "a", stderr));
      const std::string report = (folder / "report").string();
      ::execl(CRASHPOINT_BINARY, CRASHPOINT_BINARY, "run", "-j", "1", "--report", report.c_str(),
              scenario.c_str(), nullptr);
      ::_exit(127);
    }
    wait_until([&] { return !processes_in(work_).empty(); });
  }

  // Returns once there is a directory of this name below the folder for work.
  void wait_for(const std::string& directory) const {
    wait_until([&] {
      std::error_code error;  // directories come and go
      for (auto entry = fs::recursive_directory_iterator(work_, error);
           !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
        if (entry->path().filename() == directory) {
          return true;
        }
      }
      return false;
    });
  }

  // Ends the harness with `signal`; its exit status.
  int end(int signal) const { return end(pid_, signal); }
  // Also whoever is in its process group.
  int end_group(int signal) const { return end(-pid_, signal); }

 private:
  int end(pid_t whom, int signal) const {
    ::kill(whom, signal);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    wait_until([&] { return processes_in(work_).empty(); });
    return status;
  }

  template <typename Condition>
  static void wait_until(Condition condition) {
    for (int i = 0; i < 10'000 && !condition(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ASSERT_TRUE(condition());
  }

  fs::path work_;
  pid_t pid_ = -1;
};

const char* const kEndless = R"("target": { "use": "engine", "config": { "appendonly": "yes" } },
      "workload": [ { "commands": [["SET", "a", "1"]] }, { "pause_ms": 600000 } ])";

TEST_F(RunCommandTest, NoTargetOutlivesAHarnessThatIsKilled) {
  const EndlessRun run(folder_, write_scenario("endless", kEndless));
  EXPECT_EQ(WTERMSIG(run.end(SIGKILL)), SIGKILL);
  EXPECT_THAT(processes_in(folder_), IsEmpty());
}

TEST_F(RunCommandTest, EachSignalThatEndsItLeavesNoProcessNoFileAndAReportOfWhatWasDone) {
  const std::string file = write_scenario("endless", kEndless);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) {
    const EndlessRun run(folder_, file);
    EXPECT_EQ(WEXITSTATUS(run.end(signal)), 3) << strsignal(signal);
    EXPECT_TRUE(fs::is_empty(folder_ / "work"));
    EXPECT_TRUE(fs::exists(folder_ / "report" / "report.json"));
    EXPECT_THAT(content_of(folder_ / "report" / "junit.xml"),
                HasSubstr("message=\"Interrupted: 0 of 1 case done.\""));
  }
}

TEST_F(RunCommandTest, ASignalToTheWholeGroupDisturbsNoCase) {
  const EndlessRun run(folder_, write_scenario("endless", kEndless));
  EXPECT_EQ(WEXITSTATUS(run.end_group(SIGTERM)), 3);
  EXPECT_THAT(content_of(folder_ / "log"), Not(HasSubstr("INCONCLUSIVE")));
}

TEST_F(RunCommandTest, AnInterruptedRunLeavesNoZombie) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const EndlessRun run(folder_, write_scenario("endless", kEndless));
  run.end(SIGINT);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a process of the run is now ours";
  ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

TEST_F(RunCommandTest, AnInterruptedExplorationKeepsWhatItHasFound) {
  const EndlessRun run(folder_, write_scenario("explore", R"("target": { "use": "engine",
          "config": { "appendonly": "yes", "appendfsync": "no" } },
      "workload": [ { "generate": { "count": 2000 } } ],
      "crash": { "explore": { "kinds": ["power-loss"], "points": "crash", "torn_writes": "byte",
                              "samples_per_point": 100000, "max_states": 50000000 } },
      "oracle": { "guarantee": "durable", "usable": false })"));
  run.wait_for("states");
  std::this_thread::sleep_for(std::chrono::seconds(1));
  EXPECT_EQ(WEXITSTATUS(run.end(SIGINT)), 1) << content_of(folder_ / "log");
  EXPECT_THAT(content_of(folder_ / "log"), HasSubstr("VIOLATION"));
  EXPECT_THAT(content_of(folder_ / "log"), HasSubstr("Interrupted: 1 of 1 case done."));
  EXPECT_THAT(content_of(folder_ / "report" / "report.json"),
              HasSubstr("the run was interrupted when"));
  EXPECT_FALSE(fs::is_empty(folder_ / "report" / "bundles"));
  EXPECT_TRUE(fs::is_empty(folder_ / "work"));
}

TEST_F(RunCommandTest, AReaderThatIsGoneEndsIt) {
  const std::string file = write_scenario(
      "many", killed_run(kAlways) + R"(, "matrix": { "/seed": { "from": 1, "to": 39 } })");
  const Outcome outcome = shell(environment() + shell_quote(CRASHPOINT_BINARY) + " run -j 1 " +
                                file + " --report " + (folder_ / "report").string() + " | head -1");
  EXPECT_EQ(outcome.output, "39 cases, 1 job\n");
  EXPECT_THAT(content_of(folder_ / "report" / "report.json"), HasSubstr("\"interrupted\": true"));
  EXPECT_TRUE(fs::is_empty(folder_ / "work"));
}

// "0 violations" that could not be written must not be taken for an answer.
TEST_F(RunCommandTest, OutputThatCannotBeWrittenIsNoPass) {
  const Outcome outcome = shell(environment() + shell_quote(CRASHPOINT_BINARY) + " run " +
                                write_scenario("one", killed_run(kAlways)) + " 2>&1 >/dev/full");
  EXPECT_EQ(outcome.exit_code, 3) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("cannot write all of it to standard output"));
}

// A run that breaks a promise in any folder: nothing is synced, and all is demanded.
const char* const kLoses =
    R"("target": { "use": "engine", "config": { "appendonly": "yes", "appendfsync": "no" } },
      "workload": [ { "generate": { "count": 30 } } ],
      "crash": { "explore": { "kinds": ["power-loss"], "points": "crash", "max_states": 8 } },
      "oracle": { "guarantee": "durable", "usable": false })";

TEST_F(RunCommandTest, FoldersMayHaveOddNames) {
  for (const char* const name : {"it's a \"d\" $X `x` \\", "z\u00fc h", "line\nend \xff"}) {
    const fs::path odd = folder_ / name;
    const fs::path work =
        odd.string().find('\n') == std::string::npos ? odd / "work" : folder_ / "work";
    fs::create_directories(odd);
    fs::create_directories(work);
    std::ofstream(odd / "a b.json") << R"({ "version": 1, "summary": "s", )" << kLoses << "}";
    // As pasted into a shell that people use.
    const auto paste = [&](const std::string& command) {
      std::ofstream(folder_ / "pasted")
          << "cd " << shell_quote(odd.string())
          << " && export CRASHPOINT_TMPDIR=" << shell_quote(work.string())
          << " CRASHPOINT_ENGINE=" << shell_quote(CRASHPOINT_ENGINE_BINARY) << " && "
          << shell_quote(CRASHPOINT_BINARY) << " " << command << "\n";
      return shell("bash " + (folder_ / "pasted").string());
    };
    for (const char* const target : {"engine", "redis"}) {
      const Outcome outcome =
          paste(std::string("run 'a b.json' --report \"$PWD/re port\" --target ") + target);
      ASSERT_EQ(outcome.exit_code, 1) << outcome.output;
      std::smatch match;
      const std::regex command("reproduce  crashpoint ([^\n]+)");
      ASSERT_TRUE(std::regex_search(outcome.output, match, command)) << outcome.output;
      const Outcome again = paste(match[1].str());
      EXPECT_EQ(again.exit_code, 1) << match[1].str() << "\n" << again.output;
      EXPECT_THAT(again.output, HasSubstr("Reproduced: "));
      EXPECT_TRUE(fs::is_empty(work));
    }
  }
}

TEST_F(RunCommandTest, AReportAmongTheScenariosChangesNothing) {
  write_scenario("loses", kLoses);
  const std::string scenarios = (folder_ / "scenarios").string();
  for (int i = 0; i < 2; ++i) {
    const Outcome outcome = run(scenarios + " --report " + scenarios + "/out");
    EXPECT_EQ(outcome.exit_code, 1) << outcome.output;
    EXPECT_THAT(outcome.output, HasSubstr("1 case: 1 violation"));
  }
  EXPECT_THAT(shell(shell_quote(CRASHPOINT_BINARY) + " validate " + scenarios).output,
              HasSubstr("1 case in 1 file: valid"));
}

TEST_F(RunCommandTest, AReportHasTheBundlesOfItsOwnRunOnly) {
  const std::string report = (folder_ / "report").string();
  run(write_scenario("loses", kLoses) + " --report " + report);
  EXPECT_FALSE(fs::is_empty(folder_ / "report" / "bundles"));
  run(write_scenario("good", killed_run(kAlways)) + " --report " + report);
  EXPECT_TRUE(fs::is_empty(folder_ / "report" / "bundles"));
}

TEST_F(RunCommandTest, WhatCannotBeDoneIsToldBeforeTheFirstCase) {
  const std::string file = write_scenario("good", killed_run(kAlways));
  const Outcome report = run(file + " --report " + file + "/below");
  EXPECT_EQ(report.exit_code, 3);
  EXPECT_THAT(report.output, HasSubstr("cannot create the directory " + file + "/below"));
  EXPECT_THAT(report.output, Not(HasSubstr("1 case")));
  const Outcome target = run(file + " --target ./nowhere --report " + (folder_ / "r").string());
  EXPECT_EQ(target.exit_code, 2);
  EXPECT_THAT(target.output, HasSubstr("crashpoint: target './nowhere': no such program"));
  EXPECT_FALSE(fs::exists(folder_ / "r")) << "nothing was started";
}

TEST_F(RunCommandTest, ATargetThatWouldWriteElsewhereIsNotStarted) {
  const fs::path elsewhere = folder_ / "elsewhere";
  fs::create_directory(elsewhere);
  const std::string file = write_scenario(
      "elsewhere", R"("target": { "config": { "appendonly": "yes", "dir": ")" + elsewhere.string() +
                       R"(" }, "arguments": ["--dir", ")" + elsewhere.string() + R"("] })");
  const Outcome outcome = run(file);
  EXPECT_EQ(outcome.exit_code, 2) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("/target/config/dir: found dir"));
  EXPECT_THAT(outcome.output, HasSubstr("/target/arguments/0: found dir"));
  EXPECT_TRUE(fs::is_empty(elsewhere));
}

TEST_F(RunCommandTest, ShardsAreMergedOnlyAsAWhole) {
  const std::string file =
      write_scenario("good", killed_run(kAlways) + R"(, "matrix": { "/seed": [1, 2, 3, 4] })");
  const auto report = [&](const std::string& name) { return (folder_ / name).string(); };
  for (const char* const number : {"1", "2", "3"}) {
    const Outcome outcome =
        run(file + " --shard " + number + "/3 --report " + report(std::string("s") + number));
    ASSERT_EQ(outcome.exit_code, 0) << outcome.output;
  }
  const auto merge = [&](const std::string& reports) {
    return shell("cd " + folder_.string() + " && " + shell_quote(CRASHPOINT_BINARY) + " merge " +
                 reports + " -o merged");
  };
  EXPECT_EQ(merge("s3 s1 s2").exit_code, 0);
  const Outcome missing = merge("s1 s3");
  EXPECT_EQ(missing.exit_code, 3) << missing.output;
  EXPECT_THAT(missing.output, HasSubstr("Missing: shard 2/3.\n"));
  EXPECT_EQ(merge("s1 s2 s2 s3").exit_code, 2);
}

TEST_F(RunCommandTest, ValuesThatNoOptionTakesAreUsageErrors) {
  const std::string file = write_scenario("good", killed_run(kAlways));
  for (const char* const options :
       {"--jobs 0", "--jobs x", "--jobs 1025", "--repeat 0", "--for -1", "--for 0s", "--for 1e400s",
        "--for ''", "--shard 0/3", "--shard 4/3", "--shard ' 1/2'", "--shard ''",
        "--shard 1/99999999999999999999", "--seed x", "--seed ''", "--report ''", "--target ''"}) {
    const Outcome outcome = run(file + " " + options);
    EXPECT_EQ(outcome.exit_code, 2) << options << ": " << outcome.output;
    EXPECT_LT(outcome.output.size(), 200U) << outcome.output;
  }
}

}  // namespace
}  // namespace crashpoint
