// Every file that the README pages name exists.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include "harness/base/text.h"
#include "harness/cli/shell_for_test.h"

namespace crashpoint::cli {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = CRASHPOINT_SOURCE_DIR;

// Every README and CONTRIBUTING.md of the repository.
std::vector<fs::path> pages() {
  std::vector<fs::path> found = {kRoot / "README.md", kRoot / "CONTRIBUTING.md"};
  for (const char* side : {"engine", "harness", "reports", "scenarios", "scripts"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / side)) {
      if (entry.path().filename() == "README.md") {
        found.push_back(entry.path());
      }
    }
  }
  return found;
}

// Every folder with sources says what it is.
TEST(Documents, EveryRoomHasAReadme) {
  for (const char* side : {"engine", "harness"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / side)) {
      if (entry.path().extension() == ".h" && entry.path().parent_path().filename() != "testdata") {
        EXPECT_TRUE(fs::exists(entry.path().parent_path() / "README.md"))
            << entry.path().parent_path();
      }
    }
  }
}

std::vector<std::string> matches(const std::string& text, const std::regex& pattern) {
  std::vector<std::string> found;
  for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match) {
    found.push_back((*match)[1].str());
  }
  return found;
}

TEST(Documents, EveryLinkAndEveryPathTheyNameExists) {
  const std::regex link(R"(\]\(([^)#:]+)\))");
  const std::regex path("`((?:engine|harness|scenarios|scripts|reports)/[A-Za-z0-9_./-]+)`");
  std::size_t seen = 0;
  for (const fs::path& page : pages()) {
    std::ifstream file(page);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_FALSE(text.empty()) << page;
    for (const std::string& target : matches(text, link)) {
      EXPECT_TRUE(fs::exists(page.parent_path() / target)) << page << " links to " << target;
      ++seen;
    }
    for (const std::string& name : matches(text, path)) {
      EXPECT_TRUE(fs::exists(kRoot / name)) << page << " names " << name;
      ++seen;
    }
  }
  EXPECT_GT(seen, 100U) << "the pages are no longer read";
}

TEST(Documents, TheReadmeHasEveryCommand) {
  std::ifstream file(kRoot / "README.md");
  const std::string readme{std::istreambuf_iterator<char>(file), {}};
  const std::string help = shell(shell_quote(CRASHPOINT_BINARY) + " --help").output;
  const std::vector<std::string> commands =
      matches(help.substr(help.find("Subcommands:")), std::regex(R"(\n  ([a-z]+) )"));
  EXPECT_GT(commands.size(), 5U) << help;
  for (const std::string& command : commands) {
    EXPECT_NE(readme.find("| `crashpoint " + command), std::string::npos) << command;
  }
}

}  // namespace
}  // namespace crashpoint::cli
