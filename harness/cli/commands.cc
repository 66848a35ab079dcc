#include "harness/cli/commands.h"

namespace crashpoint::cli {

void add_commands(CLI::App& app, Action& action) {
  add_check_command(app, action);
  add_run_command(app, action);
  add_validate_command(app, action);
  add_list_command(app, action);
  add_new_command(app, action);
  add_schema_command(app, action);
  add_merge_command(app, action);
  add_reproduce_command(app, action);
  add_trace_command(app, action);
  add_doctor_command(app, action);
}

}  // namespace crashpoint::cli
