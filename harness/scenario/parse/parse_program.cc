// The parts of a scenario whose target is any program: its commands instead of clients.
#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "harness/base/text.h"
#include "harness/scenario/command_paths.h"
#include "harness/scenario/parse/parse.h"

namespace crashpoint::scenario {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const Node& node) {
  std::error_code error;
  return fs::absolute(fs::path(node.file()).parent_path(), error).lexically_normal();
}

std::string with_folder(const std::string& text, const fs::path& folder) {
  constexpr std::string_view kScenario = "{scenario}";
  const std::string path = folder.string();
  std::string out = text;
  for (std::size_t at = out.find(kScenario); at != std::string::npos;
       at = out.find(kScenario, at + path.size())) {
    out.replace(at, kScenario.size(), path);
  }
  return out;
}

// A text with the directory of the scenario filled in.
std::string parse_text(const Node& node) {
  const std::string text = fill_in_seed(node.text(), node.seed());
  const fs::path folder = folder_of(node);
  std::error_code error;
  for (const std::string& path : paths_beside(text)) {
    if (!fs::exists(folder / path, error)) {
      node.problem(fmt::format("found \"{{scenario}}/{}\"; there is no {} in {}", path, path,
                               folder.string()));
    }
  }
  return with_folder(text, folder);
}

// A bundle of the case needs what was found from anywhere.
std::string keep(const Node& node, std::string text) {
  if (text != node.text()) {
    node.keep_found(text);
  }
  return text;
}

// The words of a command with the path of its file in place of what names it, if that lies beside the scenario. Which
// word that is; none: it lies elsewhere.
std::optional<std::size_t> find_beside(const Node& node, std::vector<std::string>& words) {
  const auto file = file_of_command(words);
  if (!file) {
    return std::nullopt;
  }
  std::string& word = words[file->word];
  const fs::path path = folder_of(node) / word;  // of an absolute word: the word
  std::error_code error;
  if (word.find('{') != std::string::npos || !fs::exists(path, error)) {
    return std::nullopt;
  }
  if (!file->by_interpreter) {
    if (const std::string why = why_not_executable(path); !why.empty()) {
      node.problem(fmt::format("found \"{}\", which cannot be run: {}", shorten(word), why));
    }
  }
  word = path.lexically_normal().string();
  return file->word;
}

Command parse_shell_command(const Node& node) {
  Command command;
  if (node.is_text()) {
    std::string text = parse_text(node);
    std::vector<std::string> words = plain_words(text);
    const std::vector<std::string> named = words;
    if (const auto found = find_beside(node, words); found && words[*found] != named[*found]) {
      std::size_t at = 0;
      for (std::size_t i = 0; i < *found; ++i) {
        at += named[i].size() + 1;
      }
      text.replace(at, named[*found].size(), shell_quote(words[*found]));
    }
    command.text = keep(node, std::move(text));
    return command;
  }
  const std::vector<Node> items = node.items();
  for (const Node& word : items) {
    command.words.push_back(parse_text(word));
  }
  static_cast<void>(find_beside(items.front(), command.words));
  for (std::size_t i = 0; i < items.size(); ++i) {
    command.words[i] = keep(items[i], command.words[i]);
  }
  return command;
}

std::vector<Command> parse_shell_commands(const std::optional<Node>& list) {
  std::vector<Command> commands;
  if (list) {
    for (const Node& item : list->items()) {
      commands.push_back(parse_shell_command(item));
    }
  }
  return commands;
}

RunStep parse_run_step(const Node& node) {
  RunStep step;
  step.run = parse_shell_command(node.at("run"));
  if (const auto acks = node.find("acks"); acks && !acks->is_text()) {
    acks->read("lines", step.acknowledging_lines);
    acks->read("synced", step.synced_lines);
  } else if (acks) {
    (void)acks->text();
  }
  node.read("may_change_nothing", step.may_change_nothing);
  node.read("atomic", step.atomic);
  return step;
}

std::vector<RunStep> parse_run_steps(const Node& root) {
  std::vector<RunStep> steps;
  const auto workload = root.find("workload");
  if (!workload || workload->items().empty()) {
    root.problem_at_key(
        "\"workload\" is missing; a target that is a program needs at least one {\"run\": ...}");
    return steps;
  }
  for (const Node& step : workload->items()) {
    if (step.has("run")) {
      steps.push_back(parse_run_step(step));
    } else {
      step.problem("found a step of clients; a target that is a program has steps with \"run\"");
    }
  }
  return steps;
}

// What is there for servers that speak RESP.
void refuse_what_needs_a_server(const Node& root) {
  const auto refuse = [](const Node& node, std::initializer_list<const char*> keys) {
    for (const char* key : keys) {
      if (const auto found = node.find(key)) {
        found->problem_at_key(
            fmt::format("\"{}\" is not there for a target that is a program", key));
      }
    }
  };
  refuse(root, {"damage", "stall_ms"});
  refuse(root.at("target"), {"config", "arguments"});
  if (const auto recovery = root.find("recovery")) {
    refuse(*recovery, {"beside", "config", "cycles", "faults"});
  }
  if (const auto oracle = root.find("oracle")) {
    refuse(*oracle, {"run", "start", "expect", "usable", "files", "log", "info", "also_loads_in",
                     "memory_mb_max"});
    const auto guarantee = oracle->find("guarantee");
    if (guarantee && guarantee->is_text() && guarantee->text() == "snapshot") {
      guarantee->problem("found \"snapshot\"; a dump cannot tell when one was taken");
    }
  }
}

// Faults are in force while the steps run, from the first to the last.
void check_faults_of_program(const Node& root, const Case& out) {
  const auto faults = root.find("faults");
  for (std::size_t i = 0; faults && i < out.faults.size(); ++i) {
    const Node item = faults->items()[i];
    if (std::holds_alternative<fault::Kill>(out.faults[i].action) ||
        std::holds_alternative<fault::TornWrite>(out.faults[i].action)) {
      item.at("do").problem(
          "every crash of the run of a target that is a program is tried, so no fault need kill "
          "it; "
          "allowed: \"error\", \"short_write\", \"skip\", \"delay_ms\", \"disk_bytes\"");
    } else if (std::holds_alternative<fault::Libfiu>(out.faults[i].action)) {
      item.at("do").problem("\"libfiu\" is not there for a target that is a program");
    } else if (const auto step = item.find("from_step")) {
      step->problem_at_key("\"from_step\" is not there for a target that is a program");
    }
  }
}

}  // namespace

void parse_program(const Node& root, Case& out) {
  refuse_what_needs_a_server(root);
  check_faults_of_program(root, out);
  ProgramTarget program;
  const Node target = root.at("target");
  if (const auto dump = target.find("dump")) {
    program.dump = parse_shell_command(*dump);
  } else {
    target.problem(
        "\"dump\" is missing: a command that prints the whole state, such as \"cat conf\"");
  }
  if (const auto needs = target.find("needs")) {
    for (const auto& [thing, package] : needs->members()) {
      if (thing.find('/') != std::string::npos && !fs::path(thing).is_absolute()) {
        package.problem_at_key(
            fmt::format("found \"{}\"; allowed: a program on PATH, or the absolute path of a file",
                        shorten(thing)));
      }
      program.needs.emplace(thing, package.text());
    }
  }
  if (const auto globs = target.find("volatile")) {
    for (const Node& glob : globs->items()) {
      program.volatile_files.push_back(parse_inside_path(glob));
    }
  }
  program.setup = parse_shell_commands(root.find("setup"));
  program.steps = parse_run_steps(root);
  if (const auto recovery = root.find("recovery")) {
    program.recovery = parse_shell_commands(recovery->find("run"));
  }
  out.program = std::move(program);
  if (out.crash.explore && out.crash.explore->depth > 1) {
    root.at("crash").at("explore").at("depth").problem(
        fmt::format("found {}; the recovery of a target that is a program is not crashed: 1",
                    out.crash.explore->depth));
  }
  // Without a word on the crash, every one is tried; a kill at the end is an exploration of one point, as a power loss
  // is.
  if (!root.has("crash")) {
    out.crash.explore.emplace();
    out.crash.explore->prune = Prune::kRepresentative;
  } else if (!out.crash.explore && out.crash.kind == oracle::CrashKind::kProcessKill) {
    out.crash.explore.emplace();
    out.crash.explore->kinds = {oracle::CrashKind::kProcessKill};
    out.crash.explore->points.kind = Points::Kind::kCrash;
  }
}

void refuse_commands_of_programs(const Node& root) {
  const auto refuse = [](const std::optional<Node>& node, const char* key) {
    const auto found = node ? node->find(key) : std::nullopt;
    if (found) {
      found->problem_at_key(
          fmt::format("\"{}\" needs a target that is any program: \"target\": {{\"use\": "
                      "{{\"program\": NAME}}}}",
                      key));
    }
  };
  refuse(root, "setup");
  refuse(root.find("target"), "dump");
  refuse(root.find("target"), "needs");
  refuse(root.find("target"), "volatile");
  refuse(root.find("recovery"), "run");
}

}  // namespace crashpoint::scenario
