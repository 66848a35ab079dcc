// Every example in scenarios/README.md loads, and the page covers every action and damage.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "harness/scenario/load/files_for_test.h"
#include "harness/scenario/load/readme_examples_for_test.h"

namespace crashpoint::scenario {
namespace {

const std::filesystem::path kScenarios = std::filesystem::path(CRASHPOINT_SOURCE_DIR) / "scenarios";

std::string whole(const std::string& keys) {
  return R"({"version": 1, "summary": "s", )" + keys + "}";
}

// Heading of a table -> what makes the code in its first column a key of a scenario.
const std::map<std::string, std::pair<std::string, std::string>> kTables = {
    {"`use`", {R"("target": {"use": )", "}"}},
    {"step", {R"("workload": [)", "]"}},
    {"`at`", {R"("faults": [{"do": {"kill": "tree"}, "at": )", "}]"}},
    {"fault", {R"("faults": [)", "]"}},
    {"`crash`", {R"("crash": )", ""}},
    {"damage", {R"("damage": [)", "]"}},
    {"`guarantee`", {R"("oracle": {"guarantee": )", "}"}},
};

// The example as a complete scenario; empty for code of any other table.
std::string scenario_of(const Example& example) {
  if (!example.table.empty()) {
    const auto wrap = kTables.find(example.table);
    return wrap == kTables.end() ? std::string()
                                 : whole(wrap->second.first + example.code + wrap->second.second);
  }
  const std::string& block = example.code;
  const bool complete = block.find("\"summary\"") != std::string::npos;
  return complete
             ? block
             : whole(block.substr(block.find('{') + 1, block.rfind('}') - block.find('{') - 1));
}

TEST(ScenariosReadme, EveryExampleLoads) {
  std::size_t loaded = 0;
  for (const Example& example : readme_examples()) {
    const std::string text = scenario_of(example);
    if (text.empty()) {
      continue;
    }
    const FilesForTest files;
    const std::vector<std::string> problems = files.problems_of(text);
    EXPECT_TRUE(problems.empty()) << "line " << example.line << ": " << problems.front() << "\n"
                                  << text;
    ++loaded;
  }
  EXPECT_GE(loaded, 50U) << "the examples are no longer found";
}

TEST(ScenariosReadme, EveryActionAndDamageHasARow) {
  std::ifstream file(kScenarios / "README.md");
  std::ostringstream page;
  page << file.rdbuf();
  for (const char* key :
       {"kill",     "signal",     "error",         "short_write", "torn_write",     "delay_ms",
        "skip",     "trigger",    "disk_bytes",    "libfiu",      "truncate_tail",  "truncate_to",
        "flip_bit", "zero_range", "garbage_range", "append",      "duplicate_tail", "swap",
        "remove",   "replace",    "chmod"}) {
    EXPECT_NE(page.str().find("\"" + std::string(key) + "\":"), std::string::npos) << key;
  }
}

}  // namespace
}  // namespace crashpoint::scenario
