// Hides the passwords in a command from MONITOR and SLOWLOG.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/commands/dispatch/command.h"

namespace engine::commands {

// The arguments, "(redacted)" in the place of those of AUTH, HELLO ... AUTH and CONFIG SET of a
// password.
std::vector<std::string_view> redacted(const CommandSpec& spec,
                                       std::span<const std::string_view> argv);

}  // namespace engine::commands
