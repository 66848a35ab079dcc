// What is wrong in a scenario file, and where.
#pragma once

#include <cstddef>
#include <string>

namespace crashpoint::scenario {

// An error at a position in a file. `text` says what was found, what is allowed and, if there is one,
// the most similar valid name.
struct Problem {
  std::string file;
  std::size_t line = 0;  // from 1; 0: the file as a whole
  std::size_t column = 0;
  std::string pointer;  // JSON pointer: "/faults/0/at/syscall"
  std::string text;
};

// "file:line:column: /json/pointer: text"
[[nodiscard]] std::string to_string(const Problem& problem);

}  // namespace crashpoint::scenario
