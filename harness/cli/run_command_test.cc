// `crashpoint run` as a user sees it: real engines, real kills, exit codes, output.
#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
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

  // Ends the harness with `signal`; its exit status.
  int end(int signal) const {
    ::kill(pid_, signal);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    wait_until([&] { return processes_in(work_).empty(); });
    return status;
  }

 private:
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

TEST_F(RunCommandTest, CtrlCLeavesNoProcessNoFileAndAReportOfWhatWasDone) {
  const EndlessRun run(folder_, write_scenario("endless", kEndless));
  EXPECT_EQ(WEXITSTATUS(run.end(SIGINT)), 3);
  EXPECT_TRUE(fs::is_empty(folder_ / "work"));
  EXPECT_TRUE(fs::exists(folder_ / "report" / "report.json"));
}

}  // namespace
}  // namespace crashpoint
