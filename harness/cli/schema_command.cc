// crashpoint schema: the JSON schema of scenarios, for editors where the repository is not at hand.
#include <fmt/format.h>

#include "harness/base/embedded.h"
#include "harness/cli/commands.h"

#include <CLI/CLI.hpp>

namespace crashpoint::cli {

void add_schema_command(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand(
      "schema", "Print the JSON schema of scenarios, with which editors complete and explain");
  verb->callback([&action] {
    action = [] {
      fmt::print("{}", embedded::kScenarioSchema);
      return kPassed;
    };
  });
}

}  // namespace crashpoint::cli
