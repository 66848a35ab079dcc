// crashpoint_gtest: registers every scenario file of the catalogue as a GoogleTest case, so that
// ctest shows and shards them like any other test.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "harness/campaign/campaign.h"
#include "harness/campaign/recorded_calls.h"
#include "harness/scenario/load/load.h"

namespace crashpoint {
namespace {

// Runs one scenario file: the cases that `crashpoint run` selects, on the file's own target. ctest runs
// each test in its own process, so the file is loaded only when its test runs.
class ScenarioTest : public ::testing::Test {
 public:
  explicit ScenarioTest(std::string file) : file_(std::move(file)) {}

  void TestBody() override {
    scenario::LoadOptions options;
    options.record_calls = campaign::record_calls;
    const std::vector<scenario::Case> cases = scenario::load({file_}, options).cases;
    const campaign::CampaignResult run = campaign::run_campaign(cases, {});
    EXPECT_EQ(run.cases.size(), cases.size());
    for (const report::CaseResult& result : run.cases) {
      EXPECT_TRUE(result.verdict.outcome == oracle::Outcome::kPass || !result.verdict.known.empty())
          << result.name << "\n  promised: " << result.verdict.promise << "\n  found: ("
          << result.verdict.check << ") " << result.verdict.summary
          << "\n  reproduce: " << result.reproduce;
    }
  }

 private:
  std::string file_;
};

// "aof/kill_mid_write": in a --gtest_filter, '-' starts the excluded patterns.
std::string test_name(const std::string& file) {
  const std::filesystem::path path(file);
  std::string name = path.parent_path().filename().string() + "/" + path.stem().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

void register_catalogue() {
  for (const std::string& file : scenario::scenario_files({CRASHPOINT_SOURCE_DIR "/scenarios"})) {
    if (test_name(file).starts_with("programs/")) {
      continue;  // not every machine has these: programs_test.cc runs those that it has
    }
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
