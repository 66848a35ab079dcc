// What happens to one command: it is found in the table, checked against the state of the server
// and of the session, and then run, or queued between MULTI and EXEC.
//
// The checks come in redis-server's order, since it decides which error a client sees.
#pragma once

#include <span>
#include <string_view>

#include "engine/commands/services/session.h"

namespace engine::commands {

class ExecutorState;

// `argv` is not empty; its views need live only during the call. The reply is in session.output,
// unless the client now waits for a key.
void dispatch(ExecutorState& state, Session& session, std::span<const std::string_view> argv);

}  // namespace engine::commands
