// crashpoint schema: prints the JSON schema of scenarios, for editors.
#include <fmt/format.h>

#include "harness/base/embedded.h"
#include "harness/cli/commands.h"

#include <CLI/CLI.hpp>

namespace crashpoint::cli {

void add_schema_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "schema", "Print the JSON schema of scenarios, for completion and validation in an editor");
  command->callback([&action] {
    action = [] {
      fmt::print("{}", embedded::kScenarioSchema);
      return kPassed;
    };
  });
}

}  // namespace crashpoint::cli
