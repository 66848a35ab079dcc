// What the loader of the append only file needs of the command executor.
#pragma once

#include <span>
#include <string_view>

namespace engine::aof {

class ReplayTarget {
 public:
  virtual ~ReplayTarget() = default;

  // Executes one logged command against database `db`: nothing is propagated, nothing expires. SELECT,
  // MULTI and EXEC are the loader's business and never arrive here. A command that writes nothing is
  // skipped, and an error reply ignored, as redis-server does. False: there is no such command.
  virtual bool replay(int db, std::span<const std::string_view> argv) = 0;
};

}  // namespace engine::aof
