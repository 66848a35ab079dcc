// crashpoint list: which cases are there?
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <string>

#include "harness/cli/commands.h"
#include "harness/cli/selection.h"

#include <CLI/CLI.hpp>

namespace crashpoint::cli {
namespace {

struct ListOptions {
  Selection selection;
  bool summaries = false;
};

int list(const ListOptions& options) {
  const scenario::Loaded loaded = load(options.selection);
  for (const scenario::Case& each : loaded.cases) {
    const std::string tags =
        each.tags.empty() ? "" : fmt::format("  ({})", fmt::join(each.tags, ", "));
    fmt::print("{}{}\n", each.name, tags);
    if (options.summaries) {
      fmt::print("    {}\n", each.summary);
    }
  }
  return kPassed;
}

}  // namespace

void add_list_command(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("list", "Show the cases of scenario files, with their tags");
  auto options = std::make_shared<ListOptions>();
  add_selection(*verb, options->selection);
  verb->add_flag("--summaries", options->summaries, "Also what each of them tests");
  verb->callback([options, &action] { action = [options] { return list(*options); }; });
}

}  // namespace crashpoint::cli
