#include "engine/commands/dispatch/command_names.h"

#include <algorithm>

#include "engine/base/text.h"
#include "engine/commands/dispatch/command_lookup.h"

namespace engine::commands {

Status CommandNames::rename(std::string_view name, std::string_view new_name) {
  const CommandSpec* const spec = find(name);
  if (spec == nullptr) {
    return fail("No such command in rename-command");
  }
  if (!new_name.empty() && find(new_name) != nullptr) {
    return fail("Target command name already exists");
  }
  changed_[to_lower(name)] = nullptr;
  if (!new_name.empty()) {
    changed_[to_lower(new_name)] = spec;
  }
  return {};
}

const CommandSpec* CommandNames::find(std::string_view name) const {
  if (!changed_.empty()) {
    if (const auto found = changed_.find(to_lower(name)); found != changed_.end()) {
      return found->second;
    }
  }
  return find_command(name);
}

const CommandSpec* CommandNames::find_by_full_name(std::string_view name) const {
  const std::size_t bar = name.find('|');
  const CommandSpec* const spec = find(name.substr(0, bar));
  return spec == nullptr || bar == std::string_view::npos
             ? spec
             : find_subcommand(*spec, name.substr(bar + 1));
}

std::vector<const CommandSpec*> CommandNames::top_level() const {
  std::vector<const CommandSpec*> commands = top_level_commands();
  std::erase_if(commands, [this](const CommandSpec* spec) {
    return find(spec->name) != spec && std::ranges::none_of(changed_, [spec](const auto& entry) {
             return entry.second == spec;
           });
  });
  return commands;
}

bool CommandNames::is_new_name(std::string_view name) const {
  const auto found = changed_.empty() ? changed_.end() : changed_.find(to_lower(name));
  return found != changed_.end() && found->second != nullptr;
}

}  // namespace engine::commands
