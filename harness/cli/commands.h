// The verbs of the command line, a file each. add_x_command() adds the subcommand with its options;
// when the user chose it, it sets `action`, which main() runs after parsing and whose result is the
// exit code. An action may throw UsageError (exit 2) or EnvironmentError (exit 3).
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace crashpoint::cli {

// Exit codes, as README.md lists them.
inline constexpr int kPassed = 0;
inline constexpr int kViolations = 1;
inline constexpr int kUsage = 2;
inline constexpr int kCouldNotTell = 3;

using Action = std::function<int()>;

void add_run_command(CLI::App& app, Action& action);
void add_validate_command(CLI::App& app, Action& action);
void add_list_command(CLI::App& app, Action& action);
void add_new_command(CLI::App& app, Action& action);
void add_schema_command(CLI::App& app, Action& action);
void add_merge_command(CLI::App& app, Action& action);
void add_reproduce_command(CLI::App& app, Action& action);
void add_trace_command(CLI::App& app, Action& action);
void add_doctor_command(CLI::App& app, Action& action);

// All of them, in the order of --help.
void add_verbs(CLI::App& app, Action& action);

}  // namespace crashpoint::cli
