// The architecture, held by a test: which folder may include which. Arrows point one way, and the
// harness and the engine know nothing of each other.
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

using Allowed = std::map<std::string, std::set<std::string>>;

// Folder -> the folders of the same side whose headers it may use (itself always).
const Allowed kEngine = {
    {"base", {}},
    {"io", {"base"}},
    {"resp", {"base"}},
    {"keyspace", {"base"}},
    {"commands", {"base", "resp", "keyspace"}},
    {"rdb", {"base", "io", "keyspace"}},
    {"aof", {"base", "io", "keyspace", "rdb"}},
    {"persistence", {"base", "io", "keyspace", "rdb", "aof", "testing"}},
    {"server",
     {"base", "io", "resp", "keyspace", "commands", "rdb", "aof", "persistence", "testing"}},
    {"testing", {"base"}},  // for tests: a real redis-server to hold ours against
};

const Allowed kHarness = {
    {"base", {}},
    {"target", {"base", "trace", "oracle"}},
    {"trace", {"base", "target"}},
    {"workload", {"base", "target", "trace"}},
    {"crash", {"base", "trace"}},
    {"oracle", {"base", "target", "trace", "workload"}},
    {"scenario", {"base", "trace", "workload", "crash", "oracle"}},
    {"report", {"base", "trace", "workload", "crash", "oracle"}},
    {"campaign", {"base", "scenario", "target", "workload", "trace", "crash", "oracle", "report"}},
    {"cli",
     {"base", "scenario", "target", "workload", "trace", "crash", "oracle", "campaign", "report"}},
};

// Every `#include "side/folder/..."` below `side` that the table does not allow, as "file:
// include".
std::vector<std::string> forbidden_includes(const std::string& side, const Allowed& allowed) {
  const std::filesystem::path root = std::filesystem::path(CRASHPOINT_SOURCE_DIR) / side;
  const std::regex include(R"re(^\s*#include "([a-z]+)/([a-z_]+)/)re");
  std::vector<std::string> forbidden;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    const std::string extension = entry.path().extension();
    if (extension != ".h" && extension != ".cc") {
      continue;
    }
    const std::string from = std::filesystem::relative(entry.path(), root).begin()->string();
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      std::smatch match;
      if (!std::regex_search(line, match, include)) {
        continue;
      }
      const std::string to = match[2];
      const auto row = allowed.find(from);
      const bool may =
          match[1] == side && (to == from || (row != allowed.end() && row->second.contains(to)));
      if (!may) {
        forbidden.push_back(entry.path().string() + ": " + line);
      }
    }
  }
  return forbidden;
}

TEST(IncludeDirections, EngineArrowsPointOneWayAndNeverToTheHarness) {
  EXPECT_EQ(forbidden_includes("engine", kEngine), std::vector<std::string>{});
}

TEST(IncludeDirections, HarnessArrowsPointOneWayAndNeverToTheEngine) {
  EXPECT_EQ(forbidden_includes("harness", kHarness), std::vector<std::string>{});
}

}  // namespace
}  // namespace crashpoint
