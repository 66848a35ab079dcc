// Goal: every fault that scenarios/README.md shows fires. Method: run each on the engine; a fault that
// never fires makes its case inconclusive.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/base/text.h"
#include "harness/cli/command_line_for_test.h"
#include "harness/scenario/load/readme_examples_for_test.h"

namespace crashpoint {
namespace {

using testing::HasSubstr;

class ScenariosReadmeRuns : public CommandLine {
 protected:
  // Writes one scenario per example of `table`, with the example between `before` and `after`.
  int write_examples(const std::string& table, const std::string& before,
                     const std::string& after) const {
    int count = 0;
    for (const scenario::Example& example : scenario::readme_examples()) {
      if (example.table == table) {
        write(fmt::format("scenarios/line-{}.json", example.line),
              kScenario + before + example.code + after + "}");
        ++count;
      }
    }
    return count;
  }

  Outcome run(const std::string& options = "") const {
    return shell("cd " + shell_quote(folder_.path().string()) +
                 " && CRASHPOINT_ENGINE=" + shell_quote(CRASHPOINT_ENGINE_BINARY) + " " +
                 shell_quote(CRASHPOINT_BINARY) + " run scenarios -j2 " + options);
  }

 private:
  // Long enough for a 50th write to the AOF, a rewrite, a snapshot, and more than 64 KiB.
  static constexpr const char* kScenario = R"({
      "version": 1, "summary": "An example.",
      "target": { "use": "engine", "config": { "appendonly": "yes", "appendfsync": "always" } },
      "workload": [
        { "generate": { "count": 500, "clients": 2, "pipeline": 4, "value_bytes": [100, 500] } },
        { "admin": ["BGREWRITEAOF"], "wait": "done" }, { "admin": ["BGSAVE"], "wait": "done" },
        { "generate": { "count": 100, "pipeline": 16 } }, { "pause_ms": 100 }
      ], )";
};

TEST_F(ScenariosReadmeRuns, EveryFaultFires) {
  const int count =
      write_examples("fault", R"("faults": [)", "]") +
      write_examples("`at`", R"("faults": [{ "do": { "kill": "tree" }, "at": )", "}]");
  EXPECT_GE(count, 17);
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr(fmt::format("{} passed", count)));
}

// The profile that the page defines, with an AOF of two writes.
TEST_F(ScenariosReadmeRuns, AProfileOfItsOwnIsExploredAndNamed) {
  int count = 0;
  for (const scenario::Example& example : scenario::readme_examples()) {
    if (example.code.find("\"base\"") != std::string::npos && example.table.empty()) {
      ++count;
      const std::string crash = example.code.substr(example.code.find('{') + 1);
      write("scenarios/own-profile.json", R"({ "version": 1, "summary": "An example.",
          "target": { "use": "engine", "config": { "appendonly": "yes", "appendfsync": "always" } },
          "workload": [ { "commands": [["SET", "a", "1"], ["SET", "b", "2"]] } ],
          "oracle": { "usable": false, "idempotent": false }, )" +
                                              crash);
    }
  }
  EXPECT_EQ(count, 1);
  const Outcome outcome = run("--report report");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(read("report/report.json"), HasSubstr(R"("profile": "ext4-on-a-4k-disk")"));
}

}  // namespace
}  // namespace crashpoint
