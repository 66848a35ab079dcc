// Finding commands in the table.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/commands/dispatch/command.h"

namespace engine::commands {

// By name in any case; null when there is none. A command with subcommands is found as itself.
const CommandSpec* find_command(std::string_view name);
// "get" of CONFIG in any case; null when there is none.
const CommandSpec* find_subcommand(const CommandSpec& parent, std::string_view name);
std::span<const CommandSpec> subcommands_of(const CommandSpec& parent);
// Commands without their subcommands.
std::vector<const CommandSpec*> top_level_commands();

// "config|get": the form of INFO commandstats, COMMAND INFO and of errors.
std::string full_name(const CommandSpec& spec);
// Position in the table: an identity for counters.
std::size_t index_of(const CommandSpec& spec);

// Whether a call with `count` words, the name among them, has as many as the command takes.
bool has_arguments_for(const CommandSpec& spec, std::size_t count);

// Positions of the keys among the arguments of a call; empty when it has none or is malformed.
std::vector<std::size_t> key_positions(const CommandSpec& spec,
                                       std::span<const std::string_view> argv);

}  // namespace engine::commands
