#include "harness/cli/commands.h"

namespace crashpoint::cli {

void add_verbs([[maybe_unused]] CLI::App& app, [[maybe_unused]] Action& action) {}

}  // namespace crashpoint::cli
