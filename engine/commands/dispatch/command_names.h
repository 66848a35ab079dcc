// The names by which clients call commands: rename-command gives some another one, or none.
//
// Everything below the dispatcher, the log among it, knows a command by its name in the table: what was
// written under other names loads again.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/commands/dispatch/command.h"

namespace engine::commands {

class CommandNames {
 public:
  // What is called `name` now is called `new_name` (empty: nothing) from now on. Errors are redis-server's.
  Status rename(std::string_view name, std::string_view new_name);

  // As find_command().
  const CommandSpec* find(std::string_view name) const;
  // "get" or "config|get", in any case; null when there is none.
  const CommandSpec* find_by_full_name(std::string_view name) const;
  // The commands that have a name, without their subcommands.
  std::vector<const CommandSpec*> top_level() const;

  // Whether the command called `name` has another one in the table.
  bool is_new_name(std::string_view name) const;

 private:
  std::map<std::string, const CommandSpec*>
      changed_;  // in lower case -> null: nothing is called so
};

}  // namespace engine::commands
