#include "harness/recovery/installed.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <vector>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/recovery/program.h"
#include "harness/recovery/program_commands.h"
#include "harness/scenario/command_paths.h"
#include "harness/target/process.h"

namespace crashpoint::recovery {
namespace {

namespace fs = std::filesystem;

bool is_there(const std::string& thing) {
  std::error_code error;
  return fs::path(thing).is_absolute() ? fs::exists(thing, error)
                                       : !target::find_program(thing).empty();
}

// A shell knows more words than there are programs: `for`, `cd`, `test`.
bool shell_knows(const std::string& word) {
  return !output_of(std::vector<std::string>{"sh", "-c", "command -v \"$1\"", "sh", word}).empty();
}

// Empty: it is there, or only the run can tell.
std::string why_not_found(const scenario::Command& command) {
  const std::vector<std::string> words =
      command.words.empty() ? scenario::plain_words(command.text) : command.words;
  if (words.empty() || words.front().empty() || words.front().find('{') != std::string::npos) {
    return {};
  }
  const std::string& program = words.front();
  if (program.find('/') == std::string::npos) {
    const bool known = command.words.empty() ? shell_knows(program) : is_there(program);
    return known ? "" : fmt::format("there is no program '{}' on PATH", printable(program));
  }
  if (!fs::path(program).is_absolute()) {
    return {};
  }
  const std::string why = scenario::why_not_executable(program);
  return why.empty() ? "" : fmt::format("{}: {}", printable(program), why);
}

}  // namespace

std::string not_installed(const scenario::ProgramTarget& program) {
  std::set<std::string> packages;
  for (const auto& [thing, package] : program.needs) {
    if (!is_there(thing)) {
      packages.insert(package);
    }
  }
  return packages.empty() ? ""
                          : fmt::format("not installed: apt install {}", fmt::join(packages, " "));
}

void require_programs(const scenario::Case& of) {
  std::vector<scenario::Command> commands = of.program->setup;
  for (const scenario::RunStep& step : of.program->steps) {
    commands.push_back(step.run);
  }
  commands.insert(commands.end(), of.program->recovery.begin(), of.program->recovery.end());
  commands.push_back(of.program->dump);
  for (const std::vector<std::string>& tool : of.oracle.tools) {
    commands.push_back({.words = tool, .text = {}});
  }
  for (const scenario::Command& command : commands) {
    if (const std::string why = why_not_found(command); !why.empty()) {
      throw UsageError(fmt::format("the command '{}' cannot be run: {}",
                                   printable(shorten(to_string(command))), why));
    }
  }
}

}  // namespace crashpoint::recovery
