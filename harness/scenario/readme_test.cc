// scenarios/README.md is true: each example on it loads, and its index is that of the catalogue.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "harness/scenario/files_for_test.h"

namespace crashpoint::scenario {
namespace {

const std::filesystem::path kScenarios = std::filesystem::path(CRASHPOINT_SOURCE_DIR) / "scenarios";

struct Example {
  std::size_t line = 0;
  std::string text;  // a whole scenario
};

std::string whole(const std::string& keys) {
  return R"({"version": 1, "summary": "s", )" + keys + "}";
}

// What stands in the first column of a table with this heading, as keys of a scenario.
const std::map<std::string, std::pair<std::string, std::string>> kTables = {
    {"`use`", {R"("target": {"use": )", "}"}},
    {"step", {R"("workload": [)", "]"}},
    {"`at`", {R"("faults": [{"do": {"kill": "tree"}, "at": )", "}]"}},
    {"fault", {R"("faults": [)", "]"}},
    {"`crash`", {R"("crash": )", ""}},
    {"damage", {R"("damage": [)", "]"}},
    {"`guarantee`", {R"("oracle": {"guarantee": )", "}"}},
};

std::string first_cell(const std::string& row) {
  const std::size_t begin = row.find_first_not_of("| ");
  return row.substr(begin, row.find(" |", begin) - begin);
}

// The examples of a page: its json blocks, and the code in the first column of the tables above.
std::vector<Example> examples_of(const std::filesystem::path& page) {
  std::vector<Example> examples;
  std::ifstream file(page);
  std::string block;
  std::string table;
  bool in_block = false;
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line == "```json") {
      in_block = true;
      block.clear();
    } else if (in_block && line == "```") {
      in_block = false;
      const bool complete = block.find("\"summary\"") != std::string::npos;
      examples.push_back(
          {number, complete ? block
                            : whole(block.substr(block.find('{') + 1,
                                                 block.rfind('}') - block.find('{') - 1))});
    } else if (in_block) {
      block += line + "\n";
    } else if (!line.starts_with("|")) {
      table.clear();
    } else if (table.empty()) {
      table = first_cell(line);
    } else if (const auto wrap = kTables.find(table);
               wrap != kTables.end() && !line.starts_with("| ---")) {
      const std::string cell = first_cell(line);
      examples.push_back({number, whole(wrap->second.first + cell.substr(1, cell.rfind('`') - 1) +
                                        wrap->second.second)});
    }
  }
  return examples;
}

TEST(ScenariosReadme, EveryExampleLoads) {
  const std::vector<Example> examples = examples_of(kScenarios / "README.md");
  EXPECT_GE(examples.size(), 50U) << "they are no longer found";
  for (const Example& example : examples) {
    const FilesForTest files;
    const std::vector<std::string> problems = files.problems_of(example.text);
    EXPECT_TRUE(problems.empty()) << "line " << example.line << ": " << problems.front() << "\n"
                                  << example.text;
  }
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
