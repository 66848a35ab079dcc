// Reads lines from a descriptor, such as requests from a pipe.
#pragma once

#include <optional>
#include <string>

#include "engine/base/result.h"

namespace engine {

class LineReader {
 public:
  // The descriptor stays the caller's.
  explicit LineReader(int fd) : fd_(fd) {}

  // Waits for the next line, and returns it without its end. Nothing at the end of the input, where a line
  // without an end is dropped: it was cut off.
  Result<std::optional<std::string>> next();

 private:
  int fd_;
  std::string input_;
};

}  // namespace engine
