// Where the effects of commands go: the append-only file, seen from commands/.
#pragma once

#include <cstdint>
#include <span>

#include "engine/keyspace/effect.h"

namespace engine::commands {

class EffectLog {
 public:
  virtual ~EffectLog() = default;
  // One atomic step: a log keeps all of it or nothing, so it wraps a group of more than one effect in
  // MULTI and EXEC. Called after the step was executed, before its reply may be sent. The views live
  // until the call returns. `changes` is what the step adds to `rdb_changes_since_last_save`.
  virtual void append(std::span<const keyspace::Effect> group, std::uint64_t changes) = 0;
};

}  // namespace engine::commands
