#include "harness/report/write.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "harness/base/error.h"
#include "harness/base/temporary_directory.h"
#include "harness/report/html.h"
#include "harness/report/junit.h"
#include "harness/report/report_json.h"
#include "harness/report/sample_run_for_test.h"

namespace crashpoint::report {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(WriteReports, MakesTheFolderAndLeavesNothingElseInIt) {
  const TemporaryDirectory temp;
  const RunResult run = sample_run();
  const ReportPaths paths = write_reports(run, temp.path() / "a" / "b");
  EXPECT_EQ(content(paths.json), encode_run(run));
  EXPECT_EQ(content(paths.junit), junit_xml(run));
  EXPECT_EQ(content(paths.html), html_page(run));
  std::set<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(temp.path() / "a" / "b")) {
    names.insert(entry.path().filename());
  }
  EXPECT_THAT(names, ElementsAre("index.html", "junit.xml", "report.json"));
}

TEST(WriteReports, ReplacesAnOlderReport) {
  const TemporaryDirectory temp;
  RunResult run = sample_run();
  write_reports(run, temp.path());
  run.cases.clear();
  EXPECT_EQ(content(write_reports(run, temp.path()).json), encode_run(run));
}

TEST(WriteReports, SaysWhichPathCannotBeWritten) {
  const TemporaryDirectory temp;
  std::ofstream(temp.path() / "file") << "x";
  try {
    write_reports(sample_run(), temp.path() / "file" / "below");
    FAIL() << "a folder below a file";
  } catch (const EnvironmentError& error) {
    EXPECT_THAT(error.what(), HasSubstr((temp.path() / "file" / "below").string()));
  }
}

TEST(WriteReports, FailureLeavesNoTempFile) {
  const TemporaryDirectory temp;
  fs::create_directory(temp.path() / "report.json");
  EXPECT_THROW(write_reports(sample_run(), temp.path()), EnvironmentError);
  EXPECT_EQ(std::distance(fs::directory_iterator(temp.path()), fs::directory_iterator()), 1);
}

TEST(BeginReports, LeaveATrueReportOfARunThatIsKilledLater) {
  const TemporaryDirectory temp;
  RunResult run = sample_run();
  run.cases.clear();
  run.planned = 40;
  begin_reports(run, temp.path());
  const RunResult read = decode_run(content(temp.path() / "report.json"), "report.json");
  EXPECT_TRUE(read.interrupted);
  EXPECT_EQ(read.planned, 40U);
  EXPECT_THAT(content(temp.path() / "junit.xml"), HasSubstr("Interrupted: 0 of 40 cases done."));
}

TEST(BeginReports, RemoveWhatAnEarlierRunWroteAndNothingElse) {
  const TemporaryDirectory temp;
  const fs::path bundles = temp.path() / "bundles";
  const auto put = [&](const std::string& name, const std::string& text) {
    fs::create_directories((bundles / name).parent_path());
    std::ofstream(bundles / name) << text;
  };
  put("a/bundle.json", "{\n \"format\": \"crashpoint-bundle\"");
  put("a/crash-state/x/y", "");
  put("b/bundle.json", "{\n \"format\": \"crashpoint-bundle\"");
  put("b/notes.txt", "mine");
  put("c.123.tmp/README.txt", "half of one");
  put("mine/bundle.json", "{}");
  put("mine.tmp/README.txt", "");
  put("d.5.tmp/thesis.tex", "");
  put("bundle.json", "{\n \"format\": \"crashpoint-bundle\"");
  fs::create_directory_symlink(bundles / "mine", bundles / "e.6.tmp");
  begin_reports(sample_run(), temp.path());
  std::set<std::string> left;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(bundles)) {
    if (!entry.is_directory()) {
      left.insert(entry.path().lexically_relative(bundles).string());
    }
  }
  EXPECT_THAT(left, ElementsAre("b/notes.txt", "bundle.json", "d.5.tmp/thesis.tex",
                                "mine.tmp/README.txt", "mine/bundle.json"));
  EXPECT_TRUE(fs::is_symlink(bundles / "e.6.tmp"));
  EXPECT_FALSE(fs::exists(bundles / "a"));
}

TEST(BeginReports, RefuseToReplaceWhatIsNoReport) {
  const TemporaryDirectory temp;
  std::ofstream(temp.path() / "report.json") << "{\"mine\": true}";
  EXPECT_THROW(begin_reports(sample_run(), temp.path()), UsageError);
  EXPECT_EQ(content(temp.path() / "report.json"), "{\"mine\": true}");
}

}  // namespace
}  // namespace crashpoint::report
