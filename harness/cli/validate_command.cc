// crashpoint validate: checks scenario files without running them.
#include <fmt/format.h>

#include <memory>

#include "harness/base/text.h"
#include "harness/cli/commands.h"
#include "harness/cli/selection.h"

#include <CLI/CLI.hpp>

namespace crashpoint::cli {
namespace {

int validate(Selection selection) {
  selection.all = true;
  const scenario::Loaded loaded = load(selection);
  fmt::print("{} in {}: valid{}\n", counted(loaded.cases.size(), "case"),
             counted(loaded.file_count, "file"),
             loaded.warnings.empty()
                 ? ""
                 : fmt::format(", {}", counted(loaded.warnings.size(), "warning")));
  return kPassed;
}

}  // namespace

void add_validate_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "validate",
      "Check scenario files (schema, names, paths, impossible combinations); runs nothing");
  auto selection = std::make_shared<Selection>();
  add_selection(*command, *selection);
  command->callback(
      [selection, &action] { action = [selection] { return validate(*selection); }; });
}

}  // namespace crashpoint::cli
