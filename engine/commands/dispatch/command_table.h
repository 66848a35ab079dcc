// The one table of all commands: name, arity, flags, keys, handler, and what is logged of it.
#pragma once

#include <span>

#include "engine/commands/dispatch/command.h"

namespace engine::commands {

// Every command; its subcommands ("CONFIG|GET") follow it.
std::span<const CommandSpec> command_table();

}  // namespace engine::commands
