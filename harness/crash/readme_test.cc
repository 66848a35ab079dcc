// README.md and the tests name the same rules: each rule a test that is there, each test with the number
// of a rule one that README.md has.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace crashpoint::crash {
namespace {

// Rule -> the tests that its row names.
std::map<std::string, std::set<std::string>> rules_of_readme() {
  std::ifstream file(std::string(CRASHPOINT_SOURCE_DIR) + "/harness/crash/README.md");
  const std::regex rule(R"(^\| \*\*(M\d+)\*\* \|)");
  const std::regex test(R"(`(\w+\.M\d+\w+)`)");
  std::map<std::string, std::set<std::string>> rules;
  for (std::string line; std::getline(file, line);) {
    std::smatch found;
    if (!std::regex_search(line, found, rule)) {
      continue;
    }
    const std::string number = found[1];
    EXPECT_FALSE(rules.contains(number)) << number << " is there twice";
    auto& tests = rules[number];
    for (std::sregex_iterator at(line.begin(), line.end(), test); at != std::sregex_iterator();
         ++at) {
      tests.insert((*at)[1]);
    }
  }
  return rules;
}

// Those with the number of a rule, without their profile: "Litmus.M7RenameOfASyncedFile".
std::set<std::string> numbered_tests() {
  std::set<std::string> tests;
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  const std::regex numbered(R"(^M\d+[A-Z])");
  for (int suite = 0; suite < all.total_test_suite_count(); ++suite) {
    const testing::TestSuite& cases = *all.GetTestSuite(suite);
    for (int i = 0; i < cases.total_test_count(); ++i) {
      const std::string name = cases.GetTestInfo(i)->name();
      if (std::regex_search(name, numbered)) {
        tests.insert(std::string(cases.name()) + "." + name.substr(0, name.find('_')));
      }
    }
  }
  return tests;
}

TEST(CrashReadme, NamesForEachRuleTestsThatExistAndForEachTestItsRule) {
  const auto rules = rules_of_readme();
  const std::set<std::string> tests = numbered_tests();
  ASSERT_EQ(rules.size(), 29U);
  std::set<std::string> named;
  for (const auto& [rule, of_rule] : rules) {
    EXPECT_FALSE(of_rule.empty()) << rule << " names no test";
    for (const std::string& test : of_rule) {
      EXPECT_TRUE(tests.contains(test)) << rule << " names " << test << ", which does not exist";
      EXPECT_TRUE(std::regex_search(test, std::regex("\\." + rule + "[A-Z]")))
          << test << " stands at " << rule;
      named.insert(test);
    }
  }
  for (const std::string& test : tests) {
    EXPECT_TRUE(named.contains(test)) << "README.md does not name " << test;
  }
}

}  // namespace
}  // namespace crashpoint::crash
