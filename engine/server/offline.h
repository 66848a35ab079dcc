// The engine without a server around it: its recovery, for tools.
#pragma once

#include "engine/server/config/config.h"

namespace engine::server {

// `crashpoint-engine --check DIR`: says on standard output what a start with this configuration would
// make of the files in its `dir`. Changes nothing. Returns the exit status (persistence/check.h).
int check(const Config& config);

// `crashpoint-engine --recovery-server`: recovers the directories named on standard input and answers
// on standard output (persistence/recovery_server.h). Returns the exit status.
int serve_recoveries(const Config& config);

}  // namespace engine::server
