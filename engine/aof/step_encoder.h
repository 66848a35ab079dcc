// Turns atomic steps into the bytes of an increment: RESP commands, SELECT where the database
// changes, MULTI and EXEC around a step of several commands, and the annotations (aof_format.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/aof/annotation.h"
#include "engine/keyspace/effect.h"

namespace engine::aof {

// "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
void append_command(std::string& to, std::span<const std::string_view> argv);

class StepEncoder {
 public:
  // Another file, or the same one opened again: the next step begins with a SELECT.
  void restart();

  // Appends one step. `place`: after a checksum line, which is at that place. `now_s` (Unix time):
  // with a #TS line wherever the second has changed.
  void append(std::string& to, std::span<const keyspace::Effect> step,
              const std::optional<Place>& place, std::optional<std::int64_t> now_s);

 private:
  void select(std::string& to, int db);

  int selected_db_ = -1;
  std::int64_t timestamp_s_ = -1;
  std::string scratch_;
};

}  // namespace engine::aof
