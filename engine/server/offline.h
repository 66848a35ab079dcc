// Recovery without a server, for tools.
#pragma once

#include "engine/commands/dispatch/command_names.h"
#include "engine/server/config/config.h"

namespace engine::server {

// `crashpoint-engine --check DIR`: reports on standard output what a start with this configuration
// would load from its `dir`. Changes nothing. Returns the exit status (persistence/check.h).
int check(const Config& config, const commands::CommandNames& names);

// `crashpoint-engine --recovery-server`: recovers the directories named on standard input and
// answers on standard output (persistence/recovery_server.h). Returns the exit status.
int serve_recoveries(const Config& config, const commands::CommandNames& names);

}  // namespace engine::server
