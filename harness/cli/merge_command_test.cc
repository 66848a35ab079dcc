// crashpoint merge, as a CI job calls it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "harness/base/temporary_directory.h"
#include "harness/base/text.h"
#include "harness/cli/shell_for_test.h"
#include "harness/report/report_json.h"
#include "harness/report/sample_run_for_test.h"
#include "harness/report/write.h"

namespace crashpoint::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class MergeCommand : public testing::Test {
 protected:
  MergeCommand() {
    for (const report::CaseResult& result : report::sample_run().cases) {
      report::RunResult run = report::sample_run();
      run.cases = {result};
      report::write_reports(run, shard(run_count_++));
    }
  }

  fs::path shard(int number) const { return temp_.path() / fmt::format("shard {}", number); }

  Outcome merge(const std::vector<fs::path>& words) const {
    std::string command = shell_quote(CRASHPOINT_BINARY) + " merge";
    for (const fs::path& word : words) {
      command += " " + shell_quote(word.string());
    }
    return shell(command);
  }

  TemporaryDirectory temp_;
  int run_count_ = 0;
};

TEST_F(MergeCommand, MakesOneReportOfFoldersAndFilesAndExitsAsTheRunsWould) {
  const fs::path out = temp_.path() / "merged";
  const Outcome ended = merge({shard(0), shard(1) / "report.json", shard(2), shard(3), "-o", out});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_THAT(ended.output,
              HasSubstr("4 cases: 1 violation, 1 inconclusive, 1 known finding, 1 passed\n"));
  EXPECT_THAT(ended.output, HasSubstr("report: " + (out / "index.html").string()));
  std::ifstream file(out / "report.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const report::RunResult merged = report::decode_run(text, "merged");
  EXPECT_EQ(merged.cases.size(), 4U);
  EXPECT_EQ(merged.shards.size(), 4U);
  EXPECT_THAT(merged.command, HasSubstr("crashpoint merge "));
  EXPECT_TRUE(fs::exists(out / "junit.xml"));
}

TEST_F(MergeCommand, PassesWhenAllPassed) {
  EXPECT_EQ(merge({shard(0), "-o", temp_.path() / "merged"}).exit_code, 0);
}

TEST_F(MergeCommand, MissingReportIsNamed) {
  const Outcome ended = merge({shard(0), shard(9), "-o", temp_.path() / "merged"});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.output, HasSubstr(shard(9).string() + ": cannot be read; give report.json"));
  EXPECT_FALSE(fs::exists(temp_.path() / "merged"));
}

TEST_F(MergeCommand, SameReportTwiceIsRefused) {
  const Outcome ended = merge({shard(0), shard(0), "-o", temp_.path() / "merged"});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.output, HasSubstr("1 case is in two reports"));
}

TEST_F(MergeCommand, NeverWritesOverAReportItReads) {
  const Outcome ended = merge({shard(0), shard(1), "-o", shard(1)});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.output, HasSubstr("would be overwritten"));
}

}  // namespace
}  // namespace crashpoint::cli
