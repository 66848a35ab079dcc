// crashpoint_gtest: every scenario file of the catalogue as a GoogleTest case, so that ctest shows
// each by its name and shards them like any other test.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/campaign/campaign.h"
#include "harness/scenario/load.h"

namespace crashpoint {
namespace {

// One scenario file: all the cases of its matrix, on the target it names.
class ScenarioTest : public ::testing::Test {
 public:
  explicit ScenarioTest(std::vector<scenario::Case> cases) : cases_(std::move(cases)) {}

  void TestBody() override {
    const campaign::CampaignResult run = campaign::run_campaign(cases_, {});
    EXPECT_EQ(run.cases.size(), cases_.size());
    for (const report::CaseResult& result : run.cases) {
      EXPECT_TRUE(result.verdict.outcome == oracle::Outcome::kPass || !result.known_finding.empty())
          << result.name << "\n  promised: " << result.verdict.promise << "\n  found: ("
          << result.verdict.check << ") " << result.verdict.summary
          << "\n  reproduce: " << result.reproduce;
    }
  }

 private:
  std::vector<scenario::Case> cases_;
};

// '-' would begin the excluded half of a --gtest_filter.
std::string test_name(std::string scenario) {
  std::replace(scenario.begin(), scenario.end(), '-', '_');
  return scenario;
}

void register_catalogue() {
  std::map<std::string, std::vector<scenario::Case>> by_scenario;
  for (scenario::Case& scenario : scenario::load({CRASHPOINT_SOURCE_DIR "/scenarios"}).cases) {
    by_scenario[scenario.scenario].push_back(std::move(scenario));
  }
  for (const auto& [name, cases] : by_scenario) {
    ::testing::RegisterTest(
        "Catalogue", test_name(name).c_str(), nullptr, nullptr, __FILE__, __LINE__,
        [cases = cases]() -> ::testing::Test* { return new ScenarioTest(cases); });
  }
}

}  // namespace
}  // namespace crashpoint

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  crashpoint::register_catalogue();
  return RUN_ALL_TESTS();
}
