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

}  // namespace
}  // namespace crashpoint::report
