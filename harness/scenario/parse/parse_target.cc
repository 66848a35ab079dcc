#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "harness/base/text.h"
#include "harness/scenario/command_paths.h"
#include "harness/scenario/parse/parse.h"

namespace crashpoint::scenario {
namespace {

namespace fs = std::filesystem;

// The path of a program or script is relative to the current directory, as in a shell, or else to the scenario's.
// A bundle of the case needs it from anywhere.
void find_file(const Node& node, std::string& program) {
  const fs::path path = program;
  if (path.is_absolute()) {
    return;
  }
  std::error_code error;
  for (const fs::path& folder : {fs::path(), fs::path(node.file()).parent_path()}) {
    if (fs::is_regular_file(folder / path, error)) {
      program = fs::absolute(folder / path, error).lexically_normal().string();
      node.keep_found(program);
      return;
    }
  }
}

void find_program(const Node& node, std::string& program) {
  if (fs::path(program).has_parent_path()) {  // else it is sought on PATH
    find_file(node, program);
  }
}

void parse_use(const Node& node, Target& target) {
  if (node.is_text()) {
    target.use = node.text();
    return;
  }
  if (const auto program = node.find("program")) {
    target.use = "program";
    target.command = {program->text()};
    if (const auto version = node.find("version")) {
      const std::vector<std::string> words = parse_texts(*version);
      target.command.insert(target.command.end(), words.begin(), words.end());
    }
    return;
  }
  target.use = "command";
  const Node command = node.at("command");
  target.command = parse_texts(command);
  const std::vector<Node> words = command.items();
  find_program(words.front(), target.command.front());
  const auto file = file_of_command(target.command);
  if (file && file->by_interpreter) {
    find_file(words[file->word], target.command[file->word]);
  }
  node.read("protocol", target.protocol);
}

}  // namespace

Config parse_config(const Node& node) {
  Config config;
  for (const auto& [name, value] : node.members()) {
    const std::string directive = lower_case(name);
    if (config.contains(directive)) {
      value.problem_at_key(
          fmt::format("duplicate directive \"{}\" (upper and lower case are the same)", directive));
    }
    if (value.json().is_array()) {
      config[directive] = parse_texts(value);
    } else {
      config[directive] = {fill_in_seed(parse_bytes(value), node.seed())};
    }
  }
  return config;
}

Target parse_target(const Node& node) {
  Target target;
  if (const auto use = node.find("use")) {
    parse_use(*use, target);
  }
  if (const auto config = node.find("config")) {
    target.config = parse_config(*config);
  }
  if (const auto arguments = node.find("arguments")) {
    target.arguments = parse_texts(*arguments);
  }
  if (const auto environment = node.find("environment")) {
    for (const auto& [name, value] : environment->members()) {
      if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos) {
        value.problem_at_key("is not a valid name of an environment variable");
      }
      target.environment[name] = fill_in_seed(value.text(), node.seed());
    }
  }
  return target;
}

}  // namespace crashpoint::scenario
