// The replies to CONFIG HELP and its like.
#pragma once

#include <span>
#include <string_view>

#include "engine/commands/context.h"

namespace engine::commands {

// The usual head and tail with these lines between them.
void reply_help(Context& c, std::span<const std::string_view> lines);

}  // namespace engine::commands
