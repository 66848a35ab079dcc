#include "engine/commands/services/session.h"

#include "engine/commands/services/blocked_state.h"

namespace engine::commands {

Session::Session(std::uint64_t session_id) : id(session_id) {}

Session::~Session() = default;

}  // namespace engine::commands
