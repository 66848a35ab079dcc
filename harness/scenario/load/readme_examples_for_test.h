// The examples in scenarios/README.md, for the tests that check them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace crashpoint::scenario {

// A JSON block, or the code in the first column of a table.
struct Example {
  std::size_t line = 0;
  std::string table;  // the heading of that column; empty for a block
  std::string code;
};

inline std::string first_cell(const std::string& row) {
  const std::size_t begin = row.find_first_not_of("| ");
  return row.substr(begin, row.find(" |", begin) - begin);
}

inline std::vector<Example> readme_examples() {
  std::vector<Example> examples;
  std::ifstream file(std::filesystem::path(CRASHPOINT_SOURCE_DIR) / "scenarios" / "README.md");
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
      examples.push_back({number, "", block});
    } else if (in_block) {
      block += line + "\n";
    } else if (!line.starts_with("|")) {
      table.clear();
    } else if (table.empty()) {
      table = first_cell(line);
    } else if (!line.starts_with("| ---")) {
      const std::string cell = first_cell(line);
      examples.push_back({number, table, cell.substr(1, cell.rfind('`') - 1)});
    }
  }
  return examples;
}

}  // namespace crashpoint::scenario
