// The subcommands of crashpoint, one file each. add_x_command() adds a subcommand with its options.
// If the user chose it, parsing sets `action`; main() runs it afterwards, and its result is the exit
// code. An action may throw UsageError (exit 2) or EnvironmentError (exit 3).
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

void add_check_command(CLI::App& app, Action& action);
void add_run_command(CLI::App& app, Action& action);
void add_validate_command(CLI::App& app, Action& action);
void add_list_command(CLI::App& app, Action& action);
void add_new_command(CLI::App& app, Action& action);
void add_schema_command(CLI::App& app, Action& action);
void add_merge_command(CLI::App& app, Action& action);
void add_reproduce_command(CLI::App& app, Action& action);
void add_trace_command(CLI::App& app, Action& action);
void add_doctor_command(CLI::App& app, Action& action);

// Adds all of them, in the order of --help.
void add_commands(CLI::App& app, Action& action);

}  // namespace crashpoint::cli
