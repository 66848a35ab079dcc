// The replies to CONFIG HELP, CLIENT HELP, ...
#pragma once

#include <span>
#include <string_view>

#include "engine/commands/dispatch/context.h"

namespace engine::commands {

// The usual head and tail with these lines between them.
void reply_help(Context& c, std::span<const std::string_view> lines);
// The error for a subcommand with arguments it does not take, where its arity does not say so.
void reply_misused_subcommand(Context& c);

}  // namespace engine::commands
