// crashpoint list: the cases of scenario files, with their tags.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "harness/base/text.h"
#include "harness/cli/commands.h"
#include "harness/cli/selection.h"
#include "harness/recovery/installed.h"

#include <CLI/CLI.hpp>

namespace crashpoint::cli {
namespace {

namespace fs = std::filesystem;

struct ListOptions {
  Selection selection;
  bool summaries = false;
  bool markdown = false;
};

void print_cases(const scenario::Loaded& loaded, bool summaries) {
  for (const scenario::Case& each : loaded.cases) {
    const std::string tags =
        each.tags.empty() ? "" : fmt::format("  ({})", fmt::join(each.tags, ", "));
    const std::string lacks = each.program ? recovery::not_installed(*each.program) : "";
    fmt::print("{}{}{}\n", printable(each.name), printable(tags),
               lacks.empty() ? "" : "  " + printable(lacks));
    if (summaries) {
      fmt::print("    {}\n", printable(each.summary));
    }
  }
}

// One table per directory, one row per scenario. Links are relative to `root`.
void print_markdown(const scenario::Loaded& loaded, const fs::path& root) {
  std::map<std::string, std::map<std::string, std::pair<const scenario::Case*, std::size_t>>>
      folders;
  for (const scenario::Case& each : loaded.cases) {
    const fs::path file = fs::path(each.file).lexically_relative(root);
    auto& [first, count] = folders[file.parent_path().string()][file.string()];
    first = first == nullptr ? &each : first;
    ++count;
  }
  for (const auto& [folder, files] : folders) {
    fmt::print("\n### {}\n\n| scenario | what it tests | cases |\n| --- | --- | --- |\n", folder);
    for (const auto& [file, entry] : files) {
      fmt::print("| [{}]({}) | {} | {} |\n", entry.first->scenario, file, entry.first->summary,
                 entry.second);
    }
  }
  fmt::print("\n");
}

int list(const ListOptions& options) {
  const scenario::Loaded loaded = load(options.selection);
  if (options.markdown) {
    print_markdown(loaded,
                   options.selection.paths.empty() ? "scenarios" : options.selection.paths.front());
  } else {
    print_cases(loaded, options.summaries);
    print_sample_note(loaded);
  }
  return kPassed;
}

}  // namespace

void add_list_command(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("list", "List the cases of scenario files with their tags");
  auto options = std::make_shared<ListOptions>();
  add_selection(*command, options->selection);
  command->add_flag("--summaries", options->summaries, "Also print what each case tests");
  command->add_flag("--markdown", options->markdown, "Print as Markdown tables");
  command->callback([options, &action] { action = [options] { return list(*options); }; });
}

}  // namespace crashpoint::cli
