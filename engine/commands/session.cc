#include "engine/commands/session.h"

#include "engine/commands/blocking.h"

namespace engine::commands {

Session::Session(std::uint64_t session_id) : id(session_id) {}

Session::~Session() = default;

}  // namespace engine::commands
