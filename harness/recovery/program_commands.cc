#include "harness/recovery/program_commands.h"

#include <array>
#include <string_view>
#include <system_error>
#include <utility>

namespace crashpoint::recovery {
namespace {

namespace fs = std::filesystem;

std::string filled_in(const std::string& text, const CommandPlaces& places) {
  const std::array<std::pair<std::string_view, std::string>, 4> values = {
      {{"{dir}", places.dir.string()},
       {"{run}", places.run.string()},
       {"{seed}", std::to_string(places.seed)},
       {"{scenario}", places.scenario.string()}}};
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = std::string_view(text).substr(at);
    bool replaced = false;
    for (const auto& [name, value] : values) {
      if (rest.starts_with(name) && (at == 0 || text[at - 1] != '$')) {
        out += value;
        at += name.size();
        replaced = true;
        break;
      }
    }
    if (!replaced) {
      out += text[at++];
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> argv_of(const scenario::Command& command, const CommandPlaces& places) {
  if (command.words.empty()) {
    return {"sh", "-c", filled_in(command.text, places)};
  }
  std::vector<std::string> argv;
  for (const std::string& word : command.words) {
    argv.push_back(filled_in(word, places));
  }
  return argv;
}

CommandPlaces places_of(const scenario::Case& of, const fs::path& dir, const fs::path& run) {
  std::error_code error;
  const fs::path file = fs::absolute(of.file.empty() ? fs::path("-") : fs::path(of.file), error);
  return {.dir = dir, .run = run, .seed = of.seed, .scenario = file.parent_path()};
}

CommandLine command_line(const scenario::Case& of, const scenario::Command& command,
                         const CommandPlaces& places) {
  return {.argv = argv_of(command, places),
          .directory = places.dir,
          .environment = of.target.environment};
}

}  // namespace crashpoint::recovery
