// crashpoint_gtest: every scenario file of the catalogue as a GoogleTest case, so that ctest shows
// each by its name and shards them like any other test.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "harness/campaign/campaign.h"
#include "harness/scenario/load.h"

namespace crashpoint {
namespace {

// One scenario file: the cases that a run takes of it, on the target it names. Each test is a process
// of its own under ctest, so that a file is loaded only when it is run.
class ScenarioTest : public ::testing::Test {
 public:
  explicit ScenarioTest(std::string file) : file_(std::move(file)) {}

  void TestBody() override {
    const std::vector<scenario::Case> cases = scenario::load({file_}).cases;
    const campaign::CampaignResult run = campaign::run_campaign(cases, {});
    EXPECT_EQ(run.cases.size(), cases.size());
    for (const report::CaseResult& result : run.cases) {
      EXPECT_TRUE(result.verdict.outcome == oracle::Outcome::kPass || !result.known_finding.empty())
          << result.name << "\n  promised: " << result.verdict.promise << "\n  found: ("
          << result.verdict.check << ") " << result.verdict.summary
          << "\n  reproduce: " << result.reproduce;
    }
  }

 private:
  std::string file_;
};

// "aof/kill-mid-write". '-' would begin the excluded half of a --gtest_filter.
std::string test_name(const std::string& file) {
  const std::filesystem::path path(file);
  std::string name = path.parent_path().filename().string() + "/" + path.stem().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

void register_catalogue() {
  for (const std::string& file : scenario::scenario_files({CRASHPOINT_SOURCE_DIR "/scenarios"})) {
    ::testing::RegisterTest("Catalogue", test_name(file).c_str(), nullptr, nullptr, __FILE__,
                            __LINE__,
                            [file]() -> ::testing::Test* { return new ScenarioTest(file); });
  }
}

}  // namespace
}  // namespace crashpoint

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  crashpoint::register_catalogue();
  return RUN_ALL_TESTS();
}
