// What ZADD does, for other commands that add to a sorted set.
#pragma once

#include <string_view>
#include <vector>

#include "engine/commands/dispatch/context.h"

namespace engine::commands {

struct AddOptions {
  bool only_new = false;       // NX
  bool only_existing = false;  // XX
  bool greater = false;        // GT
  bool less = false;           // LT
  bool count_changed = false;  // CH
  bool increment = false;      // INCR
};

struct ScoredMember {
  double score;
  std::string_view member;
};

// Adds them to the sorted set of argument 1, and replies.
void add_members(Context& c, const AddOptions& options, std::vector<ScoredMember> members);

}  // namespace engine::commands
