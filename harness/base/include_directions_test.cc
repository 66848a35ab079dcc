// The architecture, held by a test: which room may include which. The tables are those of
// harness/README.md and engine/README.md ("may include"), so that what a reader sees is what is
// checked. A room is a folder with sources; a subfolder is a room of its own, but for testdata/,
// the small programs that tests run.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace crashpoint {
namespace {

namespace fs = std::filesystem;

// Room -> the rooms of the same side whose headers it may use (itself always).
using Table = std::map<std::string, std::set<std::string>>;

std::set<std::string> names_in_backticks(const std::string& cell) {
  static const std::regex kName(R"re(`([a-z_/]+?)/?`)re");
  std::set<std::string> names;
  for (std::sregex_iterator i(cell.begin(), cell.end(), kName); i != std::sregex_iterator(); ++i) {
    names.insert((*i)[1]);
  }
  return names;
}

// The rows `| `room/` | what is in it | `room`, `room` |` of the README of `side`.
Table table_of(const std::string& side) {
  static const std::regex kRow(R"re(^\| `([a-z_/]+)/` \|.*\|([^|]*)\|$)re");
  Table table;
  std::ifstream readme(fs::path(CRASHPOINT_SOURCE_DIR) / side / "README.md");
  for (std::string line; std::getline(readme, line);) {
    std::smatch match;
    if (std::regex_match(line, match, kRow)) {
      table[match[1]] = names_in_backticks(match[2]);
    }
  }
  return table;
}

bool is_source(const fs::path& path) {
  return path.parent_path().filename() != "testdata" &&
         (path.extension() == ".h" || path.extension() == ".cc");
}

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() &&
         std::string_view(text).substr(text.size() - end.size()) == end;
}

struct Include {
  std::string file;  // below the side, who includes
  std::string room;  // the room of that file
  std::string line;
  std::string to_side;
  std::string to_room;
  bool for_test = false;  // a test that uses a test double
};

std::vector<Include> includes_of(const std::string& side) {
  static const std::regex kInclude(R"re(^\s*#include "([a-z]+)/([a-z_/]+)/([a-z0-9_]+\.h)")re");
  const fs::path root = fs::path(CRASHPOINT_SOURCE_DIR) / side;
  std::vector<Include> includes;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!is_source(entry.path())) {
      continue;
    }
    const fs::path file = fs::relative(entry.path(), root);
    const bool is_test = ends_with(file, "_test.cc") || ends_with(file, "_for_test.h") ||
                         ends_with(file, "_for_test.cc");
    std::ifstream text(entry.path());
    for (std::string line; std::getline(text, line);) {
      std::smatch match;
      if (std::regex_search(line, match, kInclude)) {
        includes.push_back(
            {file, file.parent_path(), line, match[1], match[2],
             is_test && (ends_with(match[3], "_for_test.h") || match[2] == "testing")});
      }
    }
  }
  return includes;
}

// Every include of `side` that its table does not allow. Tests may use testing/ and the test
// doubles (`_for_test.h`) of any room.
std::vector<std::string> forbidden_includes(const std::string& side) {
  const Table table = table_of(side);
  std::vector<std::string> forbidden;
  for (const Include& include : includes_of(side)) {
    const auto row = table.find(include.room);
    const bool may =
        include.to_side == side && (include.to_room == include.room || include.for_test ||
                                    (row != table.end() && row->second.contains(include.to_room)));
    if (!may) {
      forbidden.push_back(include.file + ": " + include.line);
    }
  }
  return forbidden;
}

// Rooms with sources that the table does not have, and rows of the table without a room.
std::set<std::string> rooms_that_differ(const std::string& side) {
  std::set<std::string> differ;
  for (const auto& [room, may] : table_of(side)) {
    differ.insert(room);
  }
  const fs::path root = fs::path(CRASHPOINT_SOURCE_DIR) / side;
  std::set<std::string> rooms;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (is_source(entry.path())) {
      rooms.insert(fs::relative(entry.path().parent_path(), root));
    }
  }
  for (const std::string& room : rooms) {
    if (differ.erase(room) == 0) {
      differ.insert(room);
    }
  }
  return differ;
}

// Takes away the rooms that include only rooms already taken away; what is left is in a cycle.
std::set<std::string> rooms_in_cycles(Table table) {
  for (bool changed = true; changed;) {
    changed = false;
    for (auto row = table.begin(); row != table.end();) {
      bool bottom = true;
      for (const std::string& lower : row->second) {
        bottom = bottom && !table.contains(lower);
      }
      changed = changed || bottom;
      row = bottom ? table.erase(row) : std::next(row);
    }
  }
  std::set<std::string> left;
  for (const auto& [room, may] : table) {
    left.insert(room);
  }
  return left;
}

class IncludeDirections : public testing::TestWithParam<std::string> {};

TEST_P(IncludeDirections, EveryIncludeIsInTheTableAndNonePointsToTheOtherSide) {
  EXPECT_EQ(forbidden_includes(GetParam()), std::vector<std::string>{});
}

TEST_P(IncludeDirections, TheTableHasEveryRoomAndNoOther) {
  EXPECT_EQ(rooms_that_differ(GetParam()), std::set<std::string>{});
}

TEST_P(IncludeDirections, TheTableHasNoCycle) {
  EXPECT_EQ(rooms_in_cycles(table_of(GetParam())), std::set<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(Side, IncludeDirections, testing::Values("engine", "harness"),
                         [](const auto& side) { return side.param; });

TEST(IncludeDirectionsOfATable, ACycleIsFound) {
  EXPECT_EQ(rooms_in_cycles({{"a", {"b"}}, {"b", {"c"}}, {"c", {"b"}}, {"d", {}}}),
            (std::set<std::string>{"a", "b", "c"}));
}

}  // namespace
}  // namespace crashpoint
