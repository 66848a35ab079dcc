// What the loader of the append only file needs of the command executor.
#pragma once

#include <span>
#include <string_view>

#include "engine/keyspace/effect.h"

namespace engine::aof {

class ReplayTarget {
 public:
  virtual ~ReplayTarget() = default;

  // Executes one logged command against database `db`: nothing is propagated, nothing expires. SELECT,
  // MULTI and EXEC are the loader's business and never arrive here.
  virtual keyspace::Replayed replay(int db, std::span<const std::string_view> argv) = 0;
};

}  // namespace engine::aof
