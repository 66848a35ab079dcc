// What a client in a blocking command waits for. dispatch/blocking.h keeps all that wait.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/keyspace/object.h"

namespace engine::commands {

struct CommandSpec;

struct BlockedState {
  const CommandSpec* spec = nullptr;
  std::vector<std::string> argv;
  int database = 0;
  std::vector<std::string> keys;
  keyspace::Type type{};         // of the values it waits for
  std::int64_t deadline_ms = 0;  // monotonic; 0: none
};

}  // namespace engine::commands
