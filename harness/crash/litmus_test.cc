// The model permits exactly the states that litmus_for_test.h lists.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "harness/crash/litmus_for_test.h"
#include "harness/crash/profile.h"
#include "harness/crash/states_for_test.h"

namespace crashpoint::crash {
namespace {

struct Case {
  std::string name;
  Litmus litmus;
  std::string profile;
  States permitted;
};
std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const Litmus& litmus : litmus_tests()) {
    for (const auto& [profile, permitted] : litmus.permitted) {
      std::string name = litmus.name + "_" + profile;
      std::replace(name.begin(), name.end(), '-', '_');
      cases.push_back({std::move(name), litmus, profile, permitted});
    }
  }
  return cases;
}

TEST(Litmus, HasAListForEveryPatternUnderEveryProfile) {
  for (const Litmus& litmus : litmus_tests()) {
    for (const Profile& profile : profiles()) {
      EXPECT_TRUE(litmus.permitted.contains(profile.name))
          << litmus.name << " under " << profile.name << ": "
          << testing::PrintToString(all_states(litmus.script(), profile.name));
    }
  }
}

class LitmusTest : public testing::Test {
 public:
  explicit LitmusTest(Case litmus_case) : case_(std::move(litmus_case)) {}

  void TestBody() override {
    EXPECT_EQ(all_states(case_.litmus.script(), case_.profile), case_.permitted);
  }

 private:
  Case case_;
};

// Litmus.M7RenameOfASyncedFile_xfs: permits exactly the states written down.
const bool kRegistered = [] {
  for (const Case& litmus_case : all_cases()) {
    testing::RegisterTest(
        "Litmus", litmus_case.name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
        [litmus_case]() -> testing::Test* { return new LitmusTest(litmus_case); });
  }
  return true;
}();

}  // namespace
}  // namespace crashpoint::crash
